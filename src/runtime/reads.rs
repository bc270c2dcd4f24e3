//! Which reads run now and which wait: many instances become ready at once, and one slow pod must not hold up the rest.

use std::collections::{BTreeMap, VecDeque};

use crate::backend::Read;

/// Reads of one target that run at the same time; each exec or port-forward is a connection of its own.
const AT_ONCE: usize = 8;

/// The reads of one target.
#[derive(Debug, Default)]
pub(super) struct Reads {
    waiting: VecDeque<Read>,
    /// Each with its ticket.
    running: BTreeMap<Ticket, Read>,
    tickets: u64,
}

/// What the end of a read is known by: one that was asked again has another ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket(u64);

impl Reads {
    /// Puts a read in line; one that waits there already is not asked twice.
    pub(super) fn push(&mut self, read: Read) {
        if self.waiting.contains(&read) {
            return;
        }
        if is_awaited(&read) {
            self.waiting.push_front(read);
        } else {
            self.waiting.push_back(read);
        }
    }

    /// The next read to start, if one may.
    pub(super) fn start(&mut self) -> Option<(Ticket, Read)> {
        if self.running.len() >= AT_ONCE {
            return None;
        }
        let read = self.waiting.pop_front()?;
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.running.insert(ticket, read.clone());
        Some((ticket, read))
    }

    /// A read has ended. Whether its answer counts: not, where it was asked again.
    pub(super) fn ended(&mut self, ticket: Ticket) -> bool {
        self.running.remove(&ticket).is_some()
    }

    /// The way on which reads run is not used any more: they are asked again, before those that wait.
    pub(super) fn again(&mut self) {
        while let Some((_, read)) = self.running.pop_last() {
            if !self.waiting.contains(&read) {
                self.waiting.push_front(read);
            }
        }
    }

    /// Nothing runs or waits.
    pub(super) fn is_idle(&self) -> bool {
        self.running.is_empty() && self.waiting.is_empty()
    }
}

/// A guided action waits for the answer.
fn is_awaited(read: &Read) -> bool {
    match read {
        Read::Probe(request) => request.fresh,
        Read::Permissions(_) => true,
        Read::CrashLog { .. } | Read::Events { .. } | Read::JobEvents { .. } | Read::Manager { .. } | Read::Nodes | Read::Schema => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;
    use crate::domain::ids::PodKey;
    use crate::domain::permission::Permission;

    fn started(reads: &mut Reads) -> Vec<Read> {
        std::iter::from_fn(|| reads.start()).map(|(_, read)| read).collect()
    }

    fn manager(name: &str) -> Read {
        Read::Manager {
            pod: PodKey::new("shop", name),
            uid: "u".to_owned(),
            tls: true,
        }
    }

    #[test]
    fn a_read_that_waits_is_not_asked_twice_but_one_that_runs_is_asked_again() {
        let mut reads = Reads::default();
        reads.push(manager("a"));
        reads.push(manager("a"));
        assert_eq!(started(&mut reads), [manager("a")]);
        reads.push(manager("a"));
        assert_eq!(started(&mut reads), [manager("a")]);
    }

    #[test]
    fn only_so_many_run_at_once() {
        let mut reads = Reads::default();
        for n in 0..20 {
            reads.push(manager(&n.to_string()));
        }
        let (first, _) = reads.start().unwrap();
        assert_eq!(started(&mut reads).len(), AT_ONCE - 1);
        assert!(reads.ended(first));
        assert_eq!(started(&mut reads).len(), 1);
        assert!(!reads.is_idle());
    }

    // E9
    #[test]
    fn what_runs_is_asked_again_first_and_its_end_counts_once() {
        let mut reads = Reads::default();
        for n in 0..AT_ONCE + 2 {
            reads.push(manager(&n.to_string()));
        }
        let tickets: Vec<Ticket> = std::iter::from_fn(|| reads.start()).map(|(ticket, _)| ticket).collect();
        reads.again();
        let second: Vec<(Ticket, Read)> = std::iter::from_fn(|| reads.start()).collect();
        assert_eq!(second.len(), AT_ONCE);
        assert_eq!(second[0].1, manager("0"), "in their order");
        for ticket in tickets {
            assert!(!reads.ended(ticket), "it was asked again");
        }
        assert_eq!(started(&mut reads), [], "no end of an older one makes room");
        for (ticket, _) in second {
            assert!(reads.ended(ticket));
        }
        let last: Vec<(Ticket, Read)> = std::iter::from_fn(|| reads.start()).collect();
        assert_eq!(last.len(), 2);
        assert!(!reads.is_idle());
        assert!(last.into_iter().all(|(ticket, _)| reads.ended(ticket)));
        assert!(reads.is_idle());
    }

    #[test]
    fn what_a_guided_action_waits_for_goes_first() {
        let mut reads = Reads::default();
        reads.push(manager("a"));
        let review = Read::Permissions(vec![Permission::new("patch", "clusters", "shop")]);
        reads.push(review.clone());
        assert_eq!(started(&mut reads), [review, manager("a")]);
    }
}
