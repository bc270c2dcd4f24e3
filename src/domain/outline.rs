//! Extension entries in short: what lists, filters and sums over many clusters need of a ladder, in a fraction of its room.

use super::catalog::Origin;
use super::ladder::{Ladder, Rung, RungKind, RungState, headline};

/// A rung without its evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RungOutline {
    /// Which rung.
    pub kind: RungKind,
    /// Whether it holds.
    pub state: RungState,
    /// How many hold it; `None` where counting makes no sense.
    pub have: Option<u32>,
    /// Out of how many.
    pub want: Option<u32>,
}

impl From<&Rung> for RungOutline {
    fn from(rung: &Rung) -> Self {
        Self {
            kind: rung.kind,
            state: rung.state,
            have: rung.have,
            want: rung.want,
        }
    }
}

/// A version of a SQL extension that some database has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct InstalledVersion {
    /// The SQL extension.
    pub extension: Box<str>,
    /// The version.
    pub version: Box<str>,
}

/// An entry of a cluster in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// Mount name of the entry.
    pub entry: Box<str>,
    /// Where its reference comes from.
    pub origin: Origin,
    /// Resolved reference, if any.
    pub reference: Option<Box<str>>,
    /// The rungs of the ladder, in order.
    pub rungs: Box<[RungOutline]>,
    /// What databases have, each once, by name and version.
    pub installed: Box<[InstalledVersion]>,
    /// What is installed is not known, in a database or at all.
    pub is_unseen: bool,
}

impl Outline {
    /// A ladder in short.
    pub fn of(ladder: &Ladder) -> Self {
        let there = ladder.databases.iter().filter_map(|row| {
            Some(InstalledVersion {
                extension: row.extension.as_str().into(),
                version: row.installed.as_deref()?.into(),
            })
        });
        let mut installed: Vec<InstalledVersion> = there.collect();
        installed.sort_unstable();
        installed.dedup();
        Self {
            entry: ladder.entry.as_str().into(),
            origin: ladder.origin,
            reference: ladder.reference.as_deref().map(Into::into),
            rungs: ladder.rungs.iter().map(RungOutline::from).collect(),
            is_unseen: is_unseen(ladder),
            installed: installed.into(),
        }
    }

    /// The rung of a kind.
    pub fn rung(&self, kind: RungKind) -> Option<&RungOutline> {
        self.rungs.iter().find(|rung| rung.kind == kind)
    }

    /// The rung that decides: [`Ladder::headline`].
    pub fn headline(&self) -> Option<&RungOutline> {
        headline(&self.rungs, |rung| rung.state)
    }

    /// The state of the entry, which is that of its headline.
    pub fn state(&self) -> RungState {
        self.headline().map_or(RungState::Unknown, |rung| rung.state)
    }
}

fn is_unseen(ladder: &Ladder) -> bool {
    let is_seen = ladder.databases.iter().any(|row| row.installed.is_some());
    let is_blind = ladder.rung(RungKind::Installed).is_none_or(|rung| rung.state == RungState::Unknown);
    ladder.databases.iter().any(|row| row.unknown.is_some()) || (is_blind && !is_seen)
}
