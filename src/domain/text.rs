//! Text from a cluster is hostile until what can move the cursor or reverse the line is gone.

/// Combining marks that may follow one character; more is an attack on the screen, not a script.
const MOST_MARKS: usize = 4;

/// The text without control characters (C0, C1), bidirectional controls, zero-width characters and tags.
/// Line breaks and tabs become one blank each.
pub fn sanitise(text: &str) -> String {
    // Nearly every text is this.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut marks = 0;
    for c in text.chars() {
        match c {
            '\n' | '\t' | '\u{2028}' | '\u{2029}' => out.push(' '),
            _ if c.is_control() || is_invisible(c) => {}
            _ if is_mark(c) => {
                marks += 1;
                if marks <= MOST_MARKS {
                    out.push(c);
                }
                continue;
            }
            _ => out.push(c),
        }
        marks = 0;
    }
    out
}

fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' | '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}')
}

fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escape_sequences_lose_what_makes_them_work() {
        assert_eq!(sanitise("a\x1b[2Jb\x07\u{9b}c"), "a[2Jbc");
        assert_eq!(sanitise("x\u{202e}gpj.exe\u{200b}"), "xgpj.exe");
        assert_eq!(sanitise("two\nlines\tand"), "two lines and");
    }

    #[test]
    fn piled_up_marks_are_capped_and_names_of_people_stay_whole() {
        assert_eq!(sanitise(&format!("a{}", "\u{301}".repeat(99))).chars().count(), 1 + MOST_MARKS);
        assert_eq!(sanitise("Zoë 数据库"), "Zoë 数据库");
    }

    proptest! {
        #[test]
        fn nothing_hostile_survives_and_doing_it_twice_changes_nothing(text in any::<String>()) {
            let clean = sanitise(&text);
            prop_assert!(!clean.chars().any(|c| c.is_control() || is_invisible(c)));
            prop_assert_eq!(sanitise(&clean), clean);
        }
    }
}
