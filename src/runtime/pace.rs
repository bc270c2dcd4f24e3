//! When the next frame may be drawn: at once after a pause, soon after a key, and at most thirty times a second in a storm.

use std::time::Duration;

use tokio::time::Instant;

/// Time between two frames, at least.
const FRAME: Duration = Duration::from_millis(33);
/// The same where somebody waits for the answer to a key. Not none: what is pasted may come as thousands of keys.
const ANSWER: Duration = Duration::from_millis(8);

/// When the last frame was drawn.
#[derive(Debug, Default)]
pub(super) struct Pace {
    last: Option<Instant>,
    /// A key was pressed since.
    is_awaited: bool,
}

impl Pace {
    /// The earliest time for the next frame.
    pub(super) fn due(&self, now: Instant) -> Instant {
        let pause = if self.is_awaited { ANSWER } else { FRAME };
        self.last.map_or(now, |last| (last + pause).max(now))
    }

    /// A key was pressed: its answer is awaited.
    pub(super) fn pressed(&mut self) {
        self.is_awaited = true;
    }

    /// A frame was drawn.
    pub(super) fn drawn(&mut self, at: Instant) {
        self.last = Some(at);
        self.is_awaited = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_frame_and_one_after_a_pause_are_drawn_at_once() {
        let now = Instant::now();
        let mut pace = Pace::default();
        assert_eq!(pace.due(now), now);
        pace.drawn(now);
        let later = now + Duration::from_secs(1);
        assert_eq!(pace.due(later), later);
    }

    #[test]
    fn a_key_in_a_storm_is_answered_within_eight_milliseconds() {
        let now = Instant::now();
        let mut pace = Pace::default();
        pace.drawn(now);
        assert_eq!(pace.due(now), now + FRAME);
        pace.pressed();
        assert_eq!(pace.due(now), now + ANSWER);
        pace.drawn(now + ANSWER);
        assert_eq!(pace.due(now + ANSWER), now + ANSWER + FRAME, "the storm goes on");
    }

    #[test]
    fn a_storm_is_drawn_thirty_times_a_second() {
        let start = Instant::now();
        let (mut pace, mut now, mut frames) = (Pace::default(), start, 0);
        loop {
            now = pace.due(now);
            if now >= start + Duration::from_secs(1) {
                break;
            }
            pace.drawn(now);
            frames += 1;
        }
        assert!((28..=31).contains(&frames), "{frames}");
    }
}
