//! Times as people read them.

use crate::domain::Timestamp;

/// How long ago: `now`, `12 s`, `3 min`, `2 h`, `4 d`.
pub fn age(now: Timestamp, at: Timestamp) -> String {
    match now.as_second() - at.as_second() {
        ..=0 => "now".to_owned(),
        seconds => duration(seconds),
    }
}

/// How long ago, if there is a time.
pub fn age_of(now: Timestamp, at: Option<Timestamp>) -> String {
    at.map_or_else(String::new, |at| age(now, at))
}

/// A number of seconds: `12 s`, `3 min`, `2 h`, `4 d`.
pub fn duration(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// The time of day, in UTC as everything that Kubernetes writes.
pub fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_grow_coarser() {
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let ages: Vec<String> = [0, 1, 119, 120, 7_200, 172_800].map(|seconds| age(at(seconds), at(0))).to_vec();
        assert_eq!(ages, ["now", "1 s", "119 s", "2 min", "2 h", "2 d"]);
        assert_eq!(age(at(0), at(5)), "now");
        assert_eq!(clock(at(3_661)), "01:01:01Z");
    }
}
