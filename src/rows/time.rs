//! Times as people read them.

use crate::app::age::age;
use crate::app::model::Model;
use crate::domain::Timestamp;
use crate::workflow::run::Run;

pub use crate::app::age::{duration, is_counted};

/// How long ago; the time where ages are not counted.
pub fn ago(model: &Model, at: Timestamp) -> String {
    if model.is_unattended {
        moment(model.now, at)
    } else {
        age(model.now, at)
    }
}

/// How long ago, if there is a time.
pub fn ago_of(model: &Model, at: Option<Timestamp>) -> String {
    at.map_or_else(String::new, |at| ago(model, at))
}

/// For how long: `12 s`, or `since 14:03:20Z` where ages are not counted.
pub fn since(model: &Model, at: Timestamp) -> String {
    let word = if model.is_unattended { "since " } else { "" };
    format!("{word}{}", ago(model, at))
}

/// How long a run takes or has taken; since when, where that is not counted.
pub fn took(model: &Model, run: &Run, started: Timestamp) -> String {
    if !run.is_over() && !is_counted(model, run) {
        return since(model, started);
    }
    let end = if run.is_over() { run.since } else { model.now };
    duration((end.as_second() - started.as_second()).max(0))
}

/// The time of day, and the day where it is another one.
fn moment(now: Timestamp, at: Timestamp) -> String {
    let day = |at: Timestamp| at.strftime("%Y-%m-%d").to_string();
    if day(now) == day(at) {
        clock(at)
    } else {
        format!("{} {}", day(at), clock(at))
    }
}

/// The time of day, in UTC as everything that Kubernetes writes.
pub fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    // P8
    #[test]
    fn what_is_not_counted_is_told_with_its_day_where_that_is_another_one() {
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        assert_eq!(moment(at(86_399), at(3_661)), "01:01:01Z");
        assert_eq!(moment(at(86_400), at(3_661)), "1970-01-01 01:01:01Z");
    }

    #[test]
    fn the_time_of_day_is_utc() {
        assert_eq!(clock(Timestamp::from_second(3_661).unwrap()), "01:01:01Z");
    }
}
