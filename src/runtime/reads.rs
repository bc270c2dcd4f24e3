//! Which reads run now and which wait: many instances become ready at once, and one slow pod must not hold up the rest.

use std::collections::VecDeque;

use crate::backend::Read;

/// Reads of one target that run at the same time; each exec or port-forward is a connection of its own.
const AT_ONCE: usize = 8;

/// The reads of one target.
#[derive(Debug, Default)]
pub(super) struct Reads {
    waiting: VecDeque<Read>,
    running: usize,
}

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
    pub(super) fn start(&mut self) -> Option<Read> {
        if self.running >= AT_ONCE {
            return None;
        }
        let read = self.waiting.pop_front()?;
        self.running += 1;
        Some(read)
    }

    /// A read has ended.
    pub(super) fn ended(&mut self) {
        self.running = self.running.saturating_sub(1);
    }

    /// Nothing runs or waits.
    pub(super) fn is_idle(&self) -> bool {
        self.running == 0 && self.waiting.is_empty()
    }
}

/// A guided action waits for the answer.
fn is_awaited(read: &Read) -> bool {
    match read {
        Read::Probe(request) => request.fresh,
        Read::Permissions(_) => true,
        Read::CrashLog { .. } | Read::Manager { .. } | Read::Nodes | Read::Schema => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::PodKey;
    use crate::domain::permission::Permission;

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
        assert_eq!(reads.start(), Some(manager("a")));
        assert_eq!(reads.start(), None);
        reads.push(manager("a"));
        assert_eq!(reads.start(), Some(manager("a")));
    }

    #[test]
    fn only_so_many_run_at_once() {
        let mut reads = Reads::default();
        for n in 0..20 {
            reads.push(manager(&n.to_string()));
        }
        let started = std::iter::from_fn(|| reads.start()).count();
        assert_eq!(started, AT_ONCE);
        reads.ended();
        assert!(reads.start().is_some());
        assert!(!reads.is_idle());
    }

    #[test]
    fn what_a_guided_action_waits_for_goes_first() {
        let mut reads = Reads::default();
        reads.push(manager("a"));
        let review = Read::Permissions(vec![Permission::new("patch", "clusters", "shop")]);
        reads.push(review.clone());
        assert_eq!(reads.start(), Some(review));
    }
}
