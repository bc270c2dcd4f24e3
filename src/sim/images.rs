//! What is in images, and what of it PostgreSQL can find.

use super::scenario::Image;
use super::state::{Pod, Sim};

/// Libraries that the operand image has itself.
pub(super) const BUILT_IN: &[&str] = &["auto_explain", "pg_stat_statements", "plpgsql"];

impl Sim {
    /// The image of a reference, if it can be pulled.
    pub(super) fn image(&self, reference: Option<&str>) -> Option<&Image> {
        self.images.get(reference?)
    }

    /// The entry of a pod whose image cannot be pulled.
    pub(super) fn unpullable(&self, pod: &Pod) -> bool {
        pod.entries.iter().any(|entry| self.image(entry.reference.as_deref()).is_none())
    }

    /// The first library of a list that a pod does not have.
    pub(super) fn missing_library(&self, pod: &Pod, libraries: &[String]) -> Option<String> {
        let has = |library: &str| {
            BUILT_IN.contains(&library)
                || pod
                    .entries
                    .iter()
                    .filter_map(|entry| self.image(entry.reference.as_deref()))
                    .any(|image| image.libraries.iter().any(|found| found == library))
        };
        libraries
            .iter()
            .find(|library| !has(library.trim_start_matches("$libdir/").trim_end_matches(".so")))
            .cloned()
    }
}
