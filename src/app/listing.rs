//! The clusters of a target and their entries as lists: what state each is in, in what order they are, which are in view, and
//! which is the next that does not hold.

use super::filter::Candidate;
use super::model::{Derived, Model, Pane};
use crate::domain::finding::Severity;
use crate::domain::findings::ignored::{self, Ignored};
use crate::domain::ids::ClusterKey;
use crate::domain::ladder::{Ladder, RungState};
use crate::domain::outline::Outline;

/// The order of lists over all clusters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// By namespace and name.
    #[default]
    Name,
    /// What is broken first, then what is in progress, then what is not known; those that are alike by name.
    Trouble,
}

impl Sort {
    /// What lists are sorted by, in a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Trouble => "trouble",
        }
    }

    /// The other order.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Name => Self::Trouble,
            Self::Trouble => Self::Name,
        }
    }
}

/// A cluster in short: what is kept of all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brief {
    /// Its entries, as its ladders are.
    pub entries: Box<[Outline]>,
    /// The worst headline of its entries; broken as well when a finding says so.
    pub state: RungState,
    /// The severity of the worst finding.
    pub worst: Option<Severity>,
    /// How many findings there are, without those that are ignored.
    pub findings: usize,
    /// How many are ignored.
    pub ignored: usize,
    /// Some instance has never been asked by SQL: what is wrong there is not known.
    pub unasked: bool,
}

impl Brief {
    /// What ladders and findings of a cluster come to.
    pub fn of(derived: &Derived, ignore: &[Ignored], unasked: bool) -> Self {
        let (left, ignored) = ignored::left(&derived.findings, ignore);
        let worst = left.iter().map(|finding| finding.severity()).min();
        let heads = derived.ladders.iter().filter_map(Ladder::headline).map(|rung| rung.state);
        let broken = (worst == Some(Severity::Error)).then_some(RungState::Broken);
        Self {
            entries: derived.ladders.iter().map(Outline::of).collect(),
            state: heads
                .chain(broken)
                .min_by_key(|state| rank(*state))
                .unwrap_or(RungState::NotApplicable),
            worst,
            findings: left.len(),
            ignored,
            unasked,
        }
    }
}

/// How bad a state is, the worst first.
const fn rank(state: RungState) -> u8 {
    match state {
        RungState::Broken => 0,
        RungState::InProgress => 1,
        RungState::Unknown => 2,
        RungState::Holds => 3,
        RungState::NotApplicable => 4,
    }
}

/// It is known that it does not hold.
fn fails(state: RungState) -> bool {
    matches!(state, RungState::Broken | RungState::InProgress)
}

/// A cluster in a list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ListedCluster<'a> {
    /// Which.
    pub key: &'a ClusterKey,
    /// What is known of it; `None` before that was derived.
    pub brief: Option<&'a Brief>,
}

impl ListedCluster<'_> {
    /// Its state; unknown before it was derived.
    pub fn state(&self) -> RungState {
        self.brief.map_or(RungState::Unknown, |brief| brief.state)
    }
}

impl Candidate for ListedCluster<'_> {
    fn text(&self) -> String {
        self.key.to_string()
    }

    fn namespace(&self) -> &str {
        &self.key.namespace
    }

    fn state(&self) -> RungState {
        self.state()
    }

    fn entries(&self) -> &[Outline] {
        self.brief.map_or(&[], |brief| &brief.entries)
    }
}

/// An entry of a cluster in a list.
#[derive(Debug, Clone, Copy)]
pub struct ListedEntry<'a> {
    /// The cluster.
    pub cluster: &'a ClusterKey,
    /// The entry.
    pub outline: &'a Outline,
}

/// It is the same one.
impl PartialEq for ListedEntry<'_> {
    fn eq(&self, other: &Self) -> bool {
        (self.cluster, &self.outline.entry) == (other.cluster, &other.outline.entry)
    }
}

impl Candidate for ListedEntry<'_> {
    fn text(&self) -> String {
        let reference = self.outline.reference.as_deref().unwrap_or_default();
        format!("{} {} {reference}", self.cluster, self.outline.entry)
    }

    fn namespace(&self) -> &str {
        &self.cluster.namespace
    }

    fn state(&self) -> RungState {
        self.outline.state()
    }

    fn entries(&self) -> &[Outline] {
        std::slice::from_ref(self.outline)
    }
}

/// An entry of the selected cluster: words are not looked for in the cluster's name, which all of them have.
struct OwnEntry<'a>(ListedEntry<'a>);

impl Candidate for OwnEntry<'_> {
    fn text(&self) -> String {
        let reference = self.0.outline.reference.as_deref().unwrap_or_default();
        format!("{} {reference}", self.0.outline.entry)
    }

    fn namespace(&self) -> &str {
        self.0.namespace()
    }

    fn state(&self) -> RungState {
        self.0.state()
    }

    fn entries(&self) -> &[Outline] {
        self.0.entries()
    }
}

/// Something that does not hold: an entry of a cluster, or a cluster for a reason of its own.
pub type Trouble = (ClusterKey, Option<String>);

impl Model {
    fn listed<'a>(&'a self, key: &'a ClusterKey) -> ListedCluster<'a> {
        let brief = self.session().and_then(|session| session.briefs.get(key));
        ListedCluster { key, brief }
    }

    /// The clusters that pass the filter, in the order of the list.
    pub fn clusters_in_view(&self) -> Vec<ListedCluster<'_>> {
        let Some(session) = self.session() else { return Vec::new() };
        // Both are in the order of keys.
        let mut briefs = session.briefs.iter().peekable();
        let all = session.world.clusters.keys().map(|key| {
            while briefs.next_if(|(of, _)| *of < key).is_some() {}
            let brief = briefs.next_if(|(of, _)| *of == key).map(|(_, brief)| brief);
            ListedCluster { key, brief }
        });
        let mut shown: Vec<ListedCluster<'_>> = all.filter(|one| self.screen.cluster_filter.passes(one)).collect();
        if self.screen.sort == Sort::Trouble {
            // What is alike stays in the order of names.
            shown.sort_by_key(|one| (rank(one.state()), one.brief.and_then(|brief| brief.worst)));
        }
        shown
    }

    /// Every entry of every cluster that passes the filter, in the order of the list.
    pub fn extensions_in_view(&self) -> Vec<ListedEntry<'_>> {
        let briefs = self.session().into_iter().flat_map(|session| &session.briefs);
        let all = briefs.flat_map(|(cluster, brief)| brief.entries.iter().map(move |outline| ListedEntry { cluster, outline }));
        let mut shown: Vec<ListedEntry<'_>> = all.filter(|one| self.screen.extension_filter.passes(one)).collect();
        if self.screen.sort == Sort::Trouble {
            shown.sort_by_key(|one| rank(one.state()));
        }
        shown
    }

    /// Entries of the selected cluster that pass the filter, in order.
    pub fn entries_in_view(&self) -> impl Iterator<Item = &Outline> + Clone {
        let cluster = self.selected_cluster();
        let brief = self.session().zip(cluster).and_then(|(session, key)| session.briefs.get(key));
        let outlines = brief.into_iter().flat_map(|brief| &brief.entries);
        outlines.filter(move |outline| cluster.is_some_and(|cluster| self.is_entry_in_view(ListedEntry { cluster, outline })))
    }

    /// An entry passes the filter of the pane of entries.
    pub fn is_entry_in_view(&self, one: ListedEntry<'_>) -> bool {
        self.screen.entry_filter.passes(&OwnEntry(one))
    }

    /// Key of the selected cluster: the chosen one while it exists and passes the filter, else the first that does.
    pub fn selected_cluster(&self) -> Option<&ClusterKey> {
        if self.screen.focus == Pane::Extensions {
            return self.selected_extension().map(|one| one.cluster);
        }
        let chosen = self.screen.cluster.as_ref();
        let there = self
            .session()
            .zip(chosen)
            .and_then(|(session, key)| session.world.clusters.get_key_value(key));
        there
            .map(|(key, _)| key)
            .filter(|key| self.screen.cluster_filter.passes(&self.listed(key)))
            .or_else(|| self.clusters_in_view().first().map(|one| one.key))
    }

    /// The selected entry.
    pub fn selected_entry(&self) -> Option<&Outline> {
        if self.screen.focus == Pane::Extensions {
            return self.selected_extension().map(|one| one.outline);
        }
        let chosen = self.screen.entry.as_deref();
        let mut entries = self.entries_in_view();
        entries.clone().find(|one| Some(&*one.entry) == chosen).or_else(|| entries.next())
    }

    /// The ladder of the selected entry.
    pub fn selected_ladder(&self) -> Option<&Ladder> {
        let entry = &*self.selected_entry()?.entry;
        let derived = self.session()?.derived.get(self.selected_cluster()?)?;
        derived.ladders.iter().find(|ladder| ladder.entry == entry)
    }

    /// The selected one of all entries: the chosen one while it exists and passes the filter, else the first that does.
    pub fn selected_extension(&self) -> Option<ListedEntry<'_>> {
        let chosen = self.screen.cluster.as_ref();
        let there = self
            .session()
            .zip(chosen)
            .and_then(|(session, key)| session.briefs.get_key_value(key));
        let there = there.and_then(|(cluster, brief)| {
            let wanted = |outline: &&Outline| self.screen.entry.as_deref().is_none_or(|entry| *entry == *outline.entry);
            brief.entries.iter().find(wanted).map(|outline| ListedEntry { cluster, outline })
        });
        there
            .filter(|one| self.screen.extension_filter.passes(one))
            .or_else(|| self.extensions_in_view().first().copied())
    }

    /// The next or the previous thing in view that does not hold, and whether the end was passed on the way to it.
    pub fn next_trouble(&self, forward: bool) -> Option<(Trouble, bool)> {
        let (places, at) = if self.screen.focus == Pane::Extensions {
            self.extension_places()
        } else {
            self.cluster_places()
        };
        let found = |place: &&Place<'_>| place.fails;
        let (before, after) = places.split_at_checked(at.0)?;
        // The place itself comes last.
        let rest = after.get(at.1..).unwrap_or_default();
        let here = after.get(..at.1).unwrap_or_default();
        let next = if forward {
            let ahead = rest.iter().find(found).map(|place| (place, false));
            ahead.or_else(|| before.iter().chain(here).find(found).map(|place| (place, true)))
        } else {
            let behind = before.iter().rev().find(found).map(|place| (place, false));
            behind.or_else(|| here.iter().chain(rest).rev().find(found).map(|place| (place, true)))
        };
        next.map(|(place, around)| ((place.cluster.clone(), place.entry.map(str::to_owned)), around))
    }

    fn extension_places(&self) -> (Vec<Place<'_>>, (usize, usize)) {
        let shown = self.extensions_in_view();
        let selected = self.selected_extension();
        let at = shown.iter().position(|one| Some(one) == selected.as_ref()).unwrap_or_default();
        let places = shown.iter().map(|one| Place {
            cluster: one.cluster,
            entry: Some(&one.outline.entry),
            fails: fails(one.state()),
        });
        (places.collect(), (at, 1))
    }

    /// The clusters in view, each before its entries, and where among them the selection is: on one, or between two.
    fn cluster_places(&self) -> (Vec<Place<'_>>, (usize, usize)) {
        let selected = self.selected_cluster();
        let entry = self.screen.entry.as_deref();
        let (mut places, mut at) = (Vec::new(), (0, 0));
        for one in self.clusters_in_view() {
            let is_selected = Some(one.key) == selected;
            let entries = one.brief.map_or(&[][..], |brief| &brief.entries);
            let cluster = one.key;
            let shown = entries
                .iter()
                .filter(|outline| self.is_entry_in_view(ListedEntry { cluster, outline }));
            let is_own = one.state() == RungState::Broken && entries.iter().all(|outline| outline.state() != RungState::Broken);
            if is_selected {
                at = (places.len(), usize::from(entry.is_none() && is_own));
            }
            places.push(Place {
                cluster: one.key,
                entry: None,
                fails: is_own,
            });
            for outline in shown {
                if is_selected && entry == Some(&*outline.entry) {
                    at = (places.len(), 1);
                }
                places.push(Place {
                    cluster: one.key,
                    entry: Some(&outline.entry),
                    fails: fails(outline.state()),
                });
            }
        }
        (places, at)
    }

    /// How many entries in view are not known to hold, nor to fail.
    pub fn unknown_in_view(&self) -> usize {
        let shown = self.clusters_in_view();
        let entries = shown.iter().flat_map(ListedCluster::entries);
        entries.filter(|outline| outline.state() == RungState::Unknown).count()
    }
}

/// Where one can go.
struct Place<'a> {
    cluster: &'a ClusterKey,
    entry: Option<&'a str>,
    fails: bool,
}
