//! Times as people read them.

use crate::domain::Timestamp;

pub use crate::app::age::{age, duration};

/// How long ago, if there is a time.
pub fn age_of(now: Timestamp, at: Option<Timestamp>) -> String {
    at.map_or_else(String::new, |at| age(now, at))
}

/// The time of day, in UTC as everything that Kubernetes writes.
pub fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_day_is_utc() {
        assert_eq!(clock(Timestamp::from_second(3_661).unwrap()), "01:01:01Z");
    }
}
