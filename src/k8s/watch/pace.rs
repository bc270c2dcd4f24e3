//! How often a watch may ask: a server in trouble is asked ever more seldom, and none is asked too often, whatever it answers.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// The first pause after a failure, and the longest. A console that is looked at should be live again soon.
const PAUSES: (Duration, Duration) = (Duration::from_millis(800), Duration::from_secs(15));
/// Requests that may follow each other without a pause.
const AT_ONCE: u32 = 4;
/// Beyond that there is one in so long: fewer than twenty a minute, also where each answer looks well.
const EACH: Duration = Duration::from_secs(4);

/// A pause that grows with every failure.
#[derive(Debug)]
pub(in crate::k8s) struct Backoff {
    next: Duration,
    /// The share of the longest pause by which it begins later.
    phase: f64,
}

impl Backoff {
    pub(in crate::k8s) fn new() -> Self {
        Self::of_many(0, 1)
    }

    /// One of several that fail together. Their longest pauses do not end together, so that one of them soon finds out that
    /// the trouble is over.
    pub(super) fn of_many(number: u8, all: u8) -> Self {
        Self {
            next: PAUSES.0,
            phase: f64::from(number) / f64::from(all),
        }
    }

    /// The pause that is due now.
    pub(in crate::k8s) fn grow(&mut self) -> Duration {
        let pause = jittered(self.next);
        let is_longest = self.next == PAUSES.1;
        self.next = (self.next * 2).min(PAUSES.1);
        let later = if !is_longest && self.next == PAUSES.1 { self.phase } else { 0.0 };
        pause + PAUSES.1.mul_f64(later)
    }

    /// Something came of it.
    pub(super) fn reset(&mut self) {
        self.next = PAUSES.0;
    }
}

/// One to one and a half times as long: many watches must not come back at the same moment.
pub(super) fn jittered(pause: Duration) -> Duration {
    let nanos = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.subsec_nanos());
    pause + pause.mul_f64(f64::from(nanos % 1000) / 2000.0)
}

/// The requests that one watch may send.
#[derive(Debug)]
pub(super) struct Allowance {
    left: u32,
    /// When the last one was added.
    since: Instant,
}

impl Allowance {
    pub(super) fn new() -> Self {
        Self {
            left: AT_ONCE,
            since: Instant::now(),
        }
    }

    /// Waits until a request may be sent.
    pub(super) async fn take(&mut self) {
        while self.since.elapsed() >= EACH && self.left < AT_ONCE {
            self.left += 1;
            self.since += EACH;
        }
        if self.left == AT_ONCE {
            self.since = Instant::now();
        }
        if self.left == 0 {
            self.since += EACH;
            sleep_until(self.since).await;
            self.left = 1;
        }
        self.left -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_minute_has_more_than_twenty_requests_and_a_few_need_not_wait() {
        let mut allowance = Allowance::new();
        tokio::time::advance(Duration::from_secs(1_000)).await;
        let begin = Instant::now();
        let mut sent = Vec::new();
        while begin.elapsed() < Duration::from_secs(300) {
            allowance.take().await;
            sent.push(begin.elapsed());
        }
        assert!(sent.iter().filter(|at| at.is_zero()).count() == 4, "{sent:?}");
        for window in sent.windows(21) {
            assert!(window[20] > window[0] + Duration::from_secs(60), "{window:?}");
        }
    }

    #[test]
    fn those_that_fail_together_do_not_end_their_pauses_together() {
        // 0.8, 1.6, 3.2, 6.4, 12.8 and 15 s, each up to a half longer.
        let shortest = Duration::from_millis(39_800);
        for number in 0..5 {
            let mut backoff = Backoff::of_many(number, 5);
            let end: Duration = (0..6).map(|_| backoff.grow()).sum();
            let later = Duration::from_secs(3) * u32::from(number);
            assert!(
                (shortest + later..=shortest.mul_f64(1.5) + later).contains(&end),
                "{number}: {end:?}"
            );
        }
    }

    #[test]
    fn a_pause_grows_up_to_its_limit_and_begins_small_again() {
        let mut backoff = Backoff::new();
        let pauses: Vec<u64> = (0..8).map(|_| backoff.grow().as_secs()).collect();
        assert!(pauses.is_sorted_by(|one, next| *one <= next * 2), "{pauses:?}");
        assert!((15..=22).contains(&pauses[7]), "{pauses:?}");
        backoff.reset();
        assert!(backoff.grow() < Duration::from_millis(1_300));
    }
}
