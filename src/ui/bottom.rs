//! The footer: notices, the run in flight, keys or the filter that is being typed.

use ratatui::layout::Rect;

use super::Editor;
use super::form::edit;
use super::paint::Paint;
use crate::app::model::Model;
use crate::rows::footer::Footer;
use crate::rows::form::{filter_mistakes, filter_prompt};
use crate::rows::{Line, Role, text};

/// Rows that the footer takes.
pub(super) fn height(footer: &Footer, width: u16) -> u16 {
    let runs = u16::from(footer.run.is_some() && !on_one_line(footer, width));
    u16::try_from(footer.notices.len()).unwrap_or(u16::MAX).saturating_add(1 + runs)
}

fn on_one_line(footer: &Footer, width: u16) -> bool {
    let run = footer.run.as_ref().map_or(0, Line::width);
    run + 6 + keys(footer).width() <= usize::from(width)
}

fn keys(footer: &Footer) -> Line {
    footer.keys.iter().enumerate().fold(Line::empty(), |line, (at, (key, word))| {
        let gap = if at == 0 { "" } else { "  " };
        line.with(Role::Key, format!("{gap}{key}")).with(Role::Dim, format!(" {word}"))
    })
}

/// Draws the footer.
pub(super) fn draw(model: &Model, paint: &mut Paint<'_>, footer: &Footer, filter: Editor<'_>, area: Rect) {
    let area = Rect {
        x: area.x + 1.min(area.width),
        width: area.width.saturating_sub(2),
        ..area
    };
    let above = paint.lines(area, &footer.notices, false);
    let mut rest = Rect {
        y: area.y + above,
        height: area.height - above,
        ..area
    };
    if let (Some(prompt), Some((_, editor))) = (filter_prompt(model), filter) {
        let wide = u16::try_from(prompt.width()).unwrap_or(u16::MAX).min(rest.width);
        let last = Rect {
            y: rest.bottom().saturating_sub(1),
            height: 1.min(rest.height),
            ..rest
        };
        paint.line(last, &prompt, false);
        let typed = Rect {
            x: last.x + wide,
            width: last.width - wide,
            ..last
        };
        let text: usize = editor.lines().iter().map(|line| text::width(line)).sum();
        // The cursor stands behind the text, then there is a gap.
        let used = u16::try_from(text + 3).unwrap_or(u16::MAX).min(typed.width);
        edit(paint, typed, editor);
        if let Some(mistakes) = filter_mistakes(model) {
            let right = Rect {
                x: typed.x + used,
                width: typed.width - used,
                ..typed
            };
            paint.line(right, &mistakes, false);
        }
        rest.height = rest.height.saturating_sub(1);
        if let Some(run) = &footer.run {
            paint.line(rest, run, false);
        }
        return;
    }
    let keys = fitting(footer, rest.width);
    match &footer.run {
        Some(run) if rest.height > 1 => {
            paint.lines(rest, &[run.clone(), keys], false);
        }
        Some(run) => {
            paint.line(rest, run, false);
            let wide = u16::try_from(keys.width()).unwrap_or(u16::MAX).min(rest.width);
            let right = Rect {
                x: rest.right() - wide,
                width: wide,
                ..rest
            };
            paint.line(right, &keys, false);
        }
        None => paint.line(rest, &keys, false),
    }
}

/// The keys that have room, whole.
fn fitting(footer: &Footer, width: u16) -> Line {
    let mut shown = footer.clone();
    let mut line = keys(&shown);
    while line.width() > usize::from(width) && shown.keys.len() > 1 {
        // Help stays: it tells of all the others.
        let at = shown.keys.iter().rposition(|(_, word)| *word != "help").unwrap_or_default();
        shown.keys.remove(at);
        line = keys(&shown);
    }
    line
}
