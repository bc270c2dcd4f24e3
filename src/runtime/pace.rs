//! When the next frame may be drawn: at once after a pause, and at most thirty times a second in a storm.

use std::time::Duration;

use tokio::time::Instant;

/// Time between two frames, at least.
const FRAME: Duration = Duration::from_millis(33);

/// When the last frame was drawn.
#[derive(Debug, Default)]
pub(super) struct Pace {
    last: Option<Instant>,
}

impl Pace {
    /// The earliest time for the next frame.
    pub(super) fn due(&self, now: Instant) -> Instant {
        self.last.map_or(now, |last| (last + FRAME).max(now))
    }

    /// A frame was drawn.
    pub(super) fn drawn(&mut self, at: Instant) {
        self.last = Some(at);
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
