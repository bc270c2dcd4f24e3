//! Image references: registry, repository, tag and digest, and what the tags of official images tell.
