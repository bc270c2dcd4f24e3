//! Durations as people write them: `10s`, `2m`, `1m30s`, `500ms`, or a plain number of seconds.

use std::time::Duration;

/// Reads a duration; the error is a sentence.
pub fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || format!("'{text}' is not a duration; write it like 10s, 2m, 1m30s or 500ms");
    if let Ok(seconds) = text.parse::<u64>() {
        return at_least_something(Duration::from_secs(seconds));
    }
    let (mut rest, mut total) = (text, Duration::ZERO);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let (number, after) = rest.split_at_checked(digits).ok_or_else(wrong)?;
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let letters = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(letters).ok_or_else(wrong)?;
        let part = match unit {
            "ms" => Some(Duration::from_millis(number)),
            "s" => Some(Duration::from_secs(number)),
            "m" => number.checked_mul(60).map(Duration::from_secs),
            "h" => number.checked_mul(3600).map(Duration::from_secs),
            _ => None,
        };
        total = part.and_then(|part| total.checked_add(part)).ok_or_else(wrong)?;
        rest = after;
    }
    at_least_something(total)
}

/// Without a limit a server that accepts and never answers would hang a request for ever.
fn at_least_something(duration: Duration) -> Result<Duration, String> {
    if duration.is_zero() {
        Err("a duration of zero leaves no time for an answer".to_owned())
    } else if duration > Duration::from_secs(7 * 24 * 3600) {
        Err("a duration of more than a week is refused".to_owned())
    } else {
        Ok(duration)
    }
}

/// The duration in the words that [`parse`] reads.
pub fn text(duration: Duration) -> String {
    let (seconds, millis) = (duration.as_secs(), duration.subsec_millis());
    match (seconds / 60, seconds % 60, millis) {
        (0, 0, millis) => format!("{millis}ms"),
        (0, seconds, _) => format!("{seconds}s"),
        (minutes, 0, _) => format!("{minutes}m"),
        (minutes, seconds, _) => format!("{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_read_as_people_write_them() {
        assert_eq!(parse("10"), Ok(Duration::from_secs(10)));
        assert_eq!(parse("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(parse("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse("1h"), Ok(Duration::from_secs(3600)));
    }

    #[test]
    fn nonsense_and_nothing_are_refused_with_a_sentence() {
        for wrong in ["", "s", "10x", "ten", "-5s", "0", "0s", "1m30", "99999999999999999999s", "9999999h"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(seconds in 1u64..86_400) {
            let duration = Duration::from_secs(seconds);
            prop_assert_eq!(parse(&text(duration)), Ok(duration));
        }

        #[test]
        fn no_text_makes_it_fall_over(text in any::<String>()) {
            drop(parse(&text));
        }
    }
}
