//! `CODE[=SUBJECT]`: which findings shall not be told.

use super::file::Mistake;
use crate::domain::finding::Code;
use crate::domain::findings::ignored::Ignored;
use toml::Spanned;
use toml::de::DeValue;

/// How many codes are suggested for one that is unknown.
const NEAR: usize = 3;

/// Reads one of them.
pub fn parse(text: &str) -> Result<Ignored, String> {
    let (word, subject) = match text.split_once('=') {
        Some((word, subject)) => (word, Some(subject)),
        None => (text, None),
    };
    let Some(code) = Code::ALL.into_iter().find(|code| code.as_str() == word) else {
        return Err(format!("unknown finding '{word}', the nearest are {}", near(word).join(", ")));
    };
    match subject {
        Some(subject) if !subject.contains('/') => Err(format!(
            "{word} is about what? Write it as findings print it, like {word}=cluster/NAME"
        )),
        subject => Ok(Ignored {
            code,
            subject: subject.map(str::to_owned),
        }),
    }
}

/// Reads a list of a flag; an empty one ignores nothing.
pub fn parse_list(text: &str) -> Result<Vec<Ignored>, String> {
    text.split(',').filter(|part| !part.is_empty()).map(parse).collect()
}

/// In words, as it is written.
pub fn text(ignored: &[Ignored]) -> String {
    let one = |ignored: &Ignored| match &ignored.subject {
        Some(subject) => format!("{}={subject}", ignored.code.as_str()),
        None => ignored.code.as_str().to_owned(),
    };
    ignored.iter().map(one).collect::<Vec<_>>().join(",")
}

/// The list of the file.
pub(super) fn of_file(value: &Spanned<DeValue<'_>>) -> Result<Vec<Ignored>, Mistake> {
    let whole = || {
        (
            value.span().start,
            "ignore is a list of texts, like [\"fenced\", \"restart-pending=entry/NAME\"]".to_owned(),
        )
    };
    let DeValue::Array(items) = value.get_ref() else {
        return Err(whole());
    };
    let one = |item: &Spanned<DeValue<'_>>| match item.get_ref() {
        DeValue::String(text) => parse(text).map_err(|why| (item.span().start, format!("ignore: {why}"))),
        _ => Err(whole()),
    };
    items.iter().map(one).collect()
}

fn near(word: &str) -> Vec<&'static str> {
    let mut all: Vec<(usize, &str)> = Code::ALL
        .into_iter()
        .map(|code| (strsim::osa_distance(word, code.as_str()), code.as_str()))
        .collect();
    all.sort_unstable();
    all.into_iter().take(NEAR).map(|(_, code)| code).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_told() {
        let list = parse_list("fenced,,restart-pending=entry/foo").unwrap();
        assert_eq!(text(&list), "fenced,restart-pending=entry/foo");
        assert_eq!(parse_list(""), Ok(Vec::new()));
        assert!(list[1].covers(Code::RestartPending, "entry/foo") && !list[1].covers(Code::RestartPending, "entry/bar"));
    }

    #[test]
    fn a_mistake_is_told_with_what_is_near() {
        assert!(parse("fencd").unwrap_err().contains("'fencd', the nearest are fenced"));
        for wrong in ["fenced=", "fenced=orders"] {
            assert!(parse(wrong).unwrap_err().contains("fenced=cluster/NAME"), "{wrong}");
        }
    }
}
