//! The journal: what the runs of this target asked, sent and saw.

use super::text::width;
use super::time::clock;
use super::{Cell, Column, Columns, Line as Text, Panel, Role, key_of, mark};
use crate::app::action::Action;
use crate::app::model::{Model, Tab};
use crate::workflow::run::Line;

/// A line of a transcript, with the mark and the title of its run.
type Event<'a> = (&'a Line, Cell, String);

/// The transcripts of the runs of the target, oldest first; so many rows of the table can be in sight.
pub fn journal(model: &Model, room: usize) -> Panel {
    let unfinished = model.session().map_or(&[][..], |session| session.unfinished.as_slice());
    let kept = unfinished.iter().flat_map(|kept| {
        let (mark, title) = (Cell::new(Role::Warning, "▲"), kept.intent.title());
        kept.transcript.iter().map(move |line| (line, mark.clone(), title.clone()))
    });
    let runs = model
        .runs
        .iter()
        .filter(|(target, _)| *target == model.active)
        .flat_map(|(_, run)| {
            let (mark, title) = (mark::run(run), run.intent.title());
            run.transcript.iter().map(move |line| (line, mark.clone(), title.clone()))
        });
    let events: Vec<Event<'_>> = kept.chain(runs).collect();
    let mut panel = Panel::default();
    if events.is_empty() {
        panel.head = vec![
            Text::plain("nothing was changed in this session").indented(2),
            Text::new(
                Role::Dim,
                format!(
                    "{} shows the guided actions; what they ask, send and see is written here",
                    key_of(model, Action::Menu)
                ),
            )
            .indented(2),
        ];
        return panel;
    }
    let widest = events.iter().map(|(.., title)| width(title)).max().unwrap_or_default();
    let columns = Columns::default()
        .with(Column::whole("TIME"), |(line, ..): &Event<'_>| Cell::new(Role::Dim, clock(line.at)))
        .with(Column::whole(""), |(_, mark, _)| mark.clone())
        .with(Column::cut("RUN", 10).steady(widest), |(.., title)| Cell::plain(title))
        .with(Column::cut("EVENT", 12).short("WHAT"), |(line, ..)| Cell::plain(&line.text));
    let last = events.len() - 1;
    let at = model.screen.rows.get(&Tab::Journal).copied().unwrap_or(last).min(last);
    panel
        .foot
        .extend(events.get(at).map(|(line, ..)| Text::plain(&line.text).indented(2)));
    panel.table = Some(columns.table(&events, at, room));
    panel
}
