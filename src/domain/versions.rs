//! Versions of SQL extensions. PostgreSQL gives them no order; people read their numbers.

use std::cmp::Ordering;

/// Whether a version is lower than another one, by its numbers from the left. Where the numbers are the same, or one of the two
/// does not begin with a number, it is not.
pub fn is_lower(one: &str, other: &str) -> bool {
    order(one, other) == Ordering::Less
}

/// The order of two versions by their numbers from the left; `Equal` also where one of the two does not begin with a number.
pub fn order(one: &str, other: &str) -> Ordering {
    match (numbers(one), numbers(other)) {
        (Some(one), Some(other)) => compared(&one, &other),
        _ => Ordering::Equal,
    }
}

/// The numbers at the beginning, up to the first that is none. Leading zeros mean nothing, however long they are.
fn numbers(version: &str) -> Option<Vec<&str>> {
    let parts = version.split('.');
    let numbers: Vec<&str> = parts
        .map_while(|part| {
            let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            part.get(..end).filter(|digits| !digits.is_empty())
        })
        .map(|digits| digits.trim_start_matches('0'))
        .collect();
    (!numbers.is_empty()).then_some(numbers)
}

fn compared(one: &[&str], other: &[&str]) -> Ordering {
    let longest = one.len().max(other.len());
    let at = |list: &[&str], index: usize| list.get(index).map_or(String::new(), ToString::to_string);
    (0..longest)
        .map(|index| {
            let (one, other) = (at(one, index), at(other, index));
            one.len().cmp(&other.len()).then_with(|| one.cmp(&other))
        })
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        for (lower, higher) in [
            ("1.9", "1.10"),
            ("0.8.5", "0.8.6"),
            ("3.5", "3.5.1"),
            ("1", "2.0"),
            ("2.0-dev", "2.1"),
            ("09", "10"),
        ] {
            assert!(is_lower(lower, higher), "{lower} {higher}");
            assert!(!is_lower(higher, lower), "{higher} {lower}");
        }
    }

    #[test]
    fn what_has_no_order_is_not_lower() {
        for (one, other) in [
            ("1.0", "1.0.0"),
            ("1.0", "1.00"),
            ("unpackaged", "1.0"),
            ("1.0", "next"),
            ("1.0beta1", "1.0"),
            ("", "1"),
        ] {
            assert!(!is_lower(one, other) && !is_lower(other, one), "{one} {other}");
        }
    }
}
