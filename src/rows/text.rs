//! Widths of texts as terminals draw them: cutting and wrapping never split what belongs together.

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr;

use super::{Line, Span};

/// Columns that a text takes.
pub fn width(text: &str) -> usize {
    // By grapheme, as they are drawn: a whole text may measure less than its parts.
    text.graphemes(true).map(UnicodeWidthStr::width).sum()
}

/// The text, cut with an ellipsis so that it takes no more than so many columns.
pub fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let Some(room) = columns.checked_sub(1) else { return String::new() };
    let mut out = String::new();
    let mut used = 0;
    for grapheme in text.graphemes(true) {
        let wide = grapheme.width();
        if used + wide > room {
            break;
        }
        used += wide;
        out.push_str(grapheme);
    }
    out.push('…');
    out
}

/// `NAMESPACE/NAME`, cut so that it takes no more than so many columns: first the namespace, then the middle of the name, whose
/// beginning and end tell it from its neighbours.
pub fn cut_key(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let name = text.rsplit_once('/').map_or(text, |(_, name)| name);
    let namespace = text.rsplit_once('/').map_or("", |(namespace, _)| namespace);
    // The shortest namespace is a letter and an ellipsis.
    match columns.checked_sub(width(name) + 1) {
        Some(room) if room >= 2 && !namespace.is_empty() => format!("{}/{name}", cut(namespace, room)),
        _ => cut_middle(name, columns),
    }
}

/// The text, cut in its middle.
fn cut_middle(text: &str, columns: usize) -> String {
    if width(text) <= columns || columns < 3 {
        return cut(text, columns);
    }
    let tail = (columns - 1) / 2;
    let graphemes: Vec<&str> = text.graphemes(true).collect();
    let mut end = String::new();
    for grapheme in graphemes.iter().rev() {
        if width(&end) + grapheme.width() > tail {
            break;
        }
        end.insert_str(0, grapheme);
    }
    // The head with its ellipsis takes what is left.
    format!("{}{end}", cut(text, columns - width(&end)))
}

/// The line, cut with an ellipsis.
pub fn cut_line(line: &Line, columns: usize) -> Line {
    if line.width() <= columns {
        return line.clone();
    }
    let mut left = columns;
    let mut out = Line {
        spans: Vec::new(),
        indent: line.indent,
    };
    for span in &line.spans {
        let wide = width(&span.text);
        if wide <= left && (wide < left || out.width() + wide == line.width()) {
            left -= wide;
            out.spans.push(span.clone());
            continue;
        }
        // Something follows that does not fit, so the last column belongs to the ellipsis.
        let mut text = cut(&span.text, left);
        if wide == left {
            text = cut(&format!("{}…", span.text), left);
        }
        out.spans.push(Span::new(span.role, text));
        break;
    }
    out
}

/// The line as so many lines as it needs at a width, broken between words where that is possible.
pub fn wrap(line: &Line, columns: usize) -> Vec<Line> {
    if line.width() <= columns || columns == 0 {
        return vec![line.clone()];
    }
    let mut wrapping = Wrapping {
        columns,
        indent: if line.indent * 2 < columns { line.indent } else { 0 },
        lines: Vec::new(),
        spans: Vec::new(),
        used: 0,
    };
    for span in &line.spans {
        for word in span.text.split_word_bounds_at_blanks() {
            wrapping.push(word, span);
        }
    }
    wrapping.finish()
}

struct Wrapping {
    columns: usize,
    indent: usize,
    lines: Vec<Line>,
    spans: Vec<Span>,
    used: usize,
}

impl Wrapping {
    fn push(&mut self, word: &str, of: &Span) {
        let wide = width(word);
        if self.used + width(word.trim_end()) > self.columns && self.used > self.start() {
            self.end_line();
        }
        if self.used + width(word.trim_end()) <= self.columns {
            self.spans.push(Span::new(of.role, word));
            self.used += wide;
            return;
        }
        for grapheme in word.graphemes(true) {
            let wide = width(grapheme);
            if self.used + wide > self.columns && self.used > self.start() {
                self.end_line();
            }
            self.spans.push(Span::new(of.role, grapheme));
            self.used += wide;
        }
    }

    fn start(&self) -> usize {
        if self.lines.is_empty() { 0 } else { self.indent }
    }

    fn end_line(&mut self) {
        let mut spans = std::mem::take(&mut self.spans);
        // Blanks at the end of a line need no room.
        if let Some(last) = spans.last_mut().filter(|_| self.used > self.columns) {
            let end = last.text.trim_end().len();
            last.text.truncate(end);
        }
        self.lines.push(Line { spans, indent: 0 });
        self.used = self.indent;
        if self.indent > 0 {
            self.spans.push(Span::plain(" ".repeat(self.indent)));
        }
    }

    fn finish(mut self) -> Vec<Line> {
        if self.used > self.start() || self.lines.is_empty() {
            self.end_line();
        }
        self.lines
    }
}

trait Words {
    fn split_word_bounds_at_blanks(&self) -> Vec<&str>;
}

impl Words for str {
    /// The words, each with the blanks that follow it.
    fn split_word_bounds_at_blanks(&self) -> Vec<&str> {
        let mut words = Vec::new();
        let mut rest = self;
        while !rest.is_empty() {
            let end = rest
                .char_indices()
                .scan(false, |blank, (at, c)| {
                    let starts = *blank && c != ' ';
                    *blank |= c == ' ';
                    Some((at, starts))
                })
                .find(|(_, starts)| *starts)
                .map_or(rest.len(), |(at, _)| at);
            let (word, after) = rest.split_at(end);
            words.push(word);
            rest = after;
        }
        words
    }
}

/// The image without registry and folders, which are long and alike.
pub fn image_name(reference: &str) -> &str {
    let (before, digest) = reference.split_once('@').unwrap_or((reference, ""));
    if digest.is_empty() {
        before.rsplit('/').next().unwrap_or(before)
    } else {
        reference.rsplit('/').next().unwrap_or(reference)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Role;
    use super::*;

    #[test]
    fn cutting_counts_columns_and_keeps_graphemes_whole() {
        assert_eq!(cut("orders", 6), "orders");
        assert_eq!(cut("orders", 5), "orde…");
        assert_eq!(cut("数据库", 6), "数据库");
        assert_eq!(cut("数据库", 5), "数据…");
        assert_eq!(cut("数据库", 4), "数…");
        assert_eq!(cut("orders", 0), "");
    }

    #[test]
    fn a_line_is_wrapped_between_words_and_its_continuation_moved_in() {
        let line = Line::plain("known from: ").with(Role::Dim, "the pods of the cluster").indented(2);
        let lines: Vec<String> = wrap(&line, 16).iter().map(Line::text).collect();
        assert_eq!(lines, ["known from: the ", "  pods of the ", "  cluster"]);
    }

    #[test]
    fn an_image_loses_its_registry() {
        assert_eq!(image_name("rig.local/a/pgvector:0.8.5"), "pgvector:0.8.5");
        assert_eq!(image_name("foo"), "foo");
    }

    proptest! {
        #[test]
        fn a_cut_text_takes_no_more_columns_than_there_are(text in any::<String>(), columns in 0..40_usize) {
            prop_assert!(width(&cut(&text, columns)) <= columns);
        }

        #[test]
        fn a_cut_line_takes_no_more_columns_than_there_are(texts in proptest::collection::vec("[a-z 数]{0,9}", 0..5), columns in 0..40_usize) {
            let line = texts.iter().fold(Line::empty(), |line, text| line.with(Role::Text, text));
            let cut = cut_line(&line, columns);
            prop_assert!(cut.width() <= columns);
            prop_assert!(line.width() <= columns || columns == 0 || cut.text().ends_with('…'));
        }

        #[test]
        fn nothing_is_lost_by_wrapping(text in "[a-z数 ]{0,60}", columns in 2..30_usize) {
            let lines = wrap(&Line::plain(text.clone()), columns);
            prop_assert!(lines.iter().all(|line| line.width() <= columns));
            let words = |text: &str| text.replace(' ', "");
            prop_assert_eq!(words(&lines.iter().map(Line::text).collect::<String>()), words(&text));
        }
    }

    // S2
    #[test]
    fn the_name_of_a_cluster_is_cut_last() {
        for (text, columns, expected) in [
            ("shop/orders", 11, "shop/orders"),
            ("shop/orders", 10, "sh…/orders"),
            ("shop/orders", 9, "s…/orders"),
            ("shop/orders", 8, "orders"),
            ("shop/orders", 6, "orders"),
            ("shop/orders-eu-west", 8, "orde…est"),
            ("orders-of-the-shop", 7, "ord…hop"),
            ("shop/orders", 2, "o…"),
        ] {
            assert_eq!(cut_key(text, columns), expected, "{columns}");
        }
    }
}
