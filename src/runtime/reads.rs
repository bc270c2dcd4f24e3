//! Which reads run now and which wait: many instances become ready at once, one slow pod must not hold up the rest, and what a
//! run waits for stands behind nothing.

use std::collections::{BTreeMap, HashSet, VecDeque};

use crate::backend::Read;

/// Reads of one target that run at the same time; each exec or port-forward is a connection of its own.
const AT_ONCE: usize = 8;
/// So many more where a run waits for them.
const LANE: usize = 4;

/// The reads of one target.
#[derive(Debug, Default)]
pub(super) struct Reads {
    /// What runs wait for.
    awaited: Line,
    /// Everything else.
    waiting: Line,
    /// Each with its ticket.
    running: BTreeMap<Ticket, Read>,
    tickets: u64,
}

/// Reads in the order in which they are started, none twice.
#[derive(Debug, Default)]
struct Line {
    order: VecDeque<Read>,
    members: HashSet<Read>,
}

impl Line {
    fn push_back(&mut self, read: Read) {
        if self.members.insert(read.clone()) {
            self.order.push_back(read);
        }
    }

    fn push_front(&mut self, read: Read) {
        if self.members.insert(read.clone()) {
            self.order.push_front(read);
        }
    }

    fn pop(&mut self) -> Option<Read> {
        let read = self.order.pop_front()?;
        self.members.remove(&read);
        Some(read)
    }
}

/// What the end of a read is known by: one that was asked again has another ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket(u64);

impl Reads {
    /// Puts a read in line; one that waits there already is not asked twice.
    pub(super) fn push(&mut self, read: Read) {
        self.line(&read).push_back(read);
    }

    fn line(&mut self, read: &Read) -> &mut Line {
        if is_awaited(read) { &mut self.awaited } else { &mut self.waiting }
    }

    /// The next read to start, if one may.
    pub(super) fn start(&mut self) -> Option<(Ticket, Read)> {
        let running = self.running.len();
        let awaited = if running < AT_ONCE + LANE { self.awaited.pop() } else { None };
        let read = match awaited {
            Some(read) => read,
            None if running < AT_ONCE => self.waiting.pop()?,
            None => return None,
        };
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
            self.line(&read).push_front(read);
        }
    }

    /// Nothing runs or waits.
    pub(super) fn is_idle(&self) -> bool {
        self.running.is_empty() && self.waiting.order.is_empty() && self.awaited.order.is_empty()
    }
}

/// A guided action waits for the answer.
fn is_awaited(read: &Read) -> bool {
    match read {
        Read::Probe(request) => request.fresh,
        Read::Manager { awaited, .. } => *awaited,
        Read::Permissions(_) => true,
        Read::CrashLog { .. } | Read::Events { .. } | Read::JobEvents { .. } | Read::Nodes | Read::Schema | Read::Rules(_) => false,
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
            awaited: false,
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

    // P3
    #[test]
    fn what_a_run_waits_for_starts_while_a_sweep_has_every_place() {
        let mut reads = Reads::default();
        for n in 0..60_000 {
            reads.push(manager(&n.to_string()));
        }
        assert_eq!(started(&mut reads).len(), AT_ONCE);
        let awaited = |name: &str| Read::Manager {
            pod: PodKey::new("shop", name),
            uid: "u".to_owned(),
            tls: true,
            awaited: true,
        };
        for n in 0..=LANE {
            reads.push(awaited(&format!("run-{n}")));
        }
        let begun = started(&mut reads);
        assert_eq!(begun, (0..LANE).map(|n| awaited(&format!("run-{n}"))).collect::<Vec<_>>());
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
