//! The evidence of the selected rung: how do we know?

use super::entries::selected_rung;
use super::standing::Standing;
use super::text::width;
use super::time::{ago, ago_of};
use super::{Cell, Column, Columns, Line, Panel, Role, mark};
use crate::app::model::{Model, Tab};
use crate::domain::ladder::{EvidenceLine, Ladder, Rung, RungKind, Source};
use crate::domain::watch::Kind;

/// The evidence of the selected rung of the selected entry; so many rows of the table can be in sight.
pub fn evidence(model: &Model, room: usize) -> Panel {
    let Some(ladder) = model.selected_ladder() else {
        return Panel {
            head: vec![Line::new(Role::Dim, "no entry is selected")],
            ..Panel::default()
        };
    };
    let kind = selected_rung(model, ladder.headline().map(|rung| rung.kind));
    let mut panel = Panel {
        head: vec![strip(ladder, kind)],
        ..Panel::default()
    };
    let Some(rung) = kind.and_then(|kind| ladder.rung(kind)) else {
        return panel;
    };
    let kinds = kinds(rung.source);
    let standing = Standing::of(model, kinds);
    panel.stale = standing.stale;
    let is_live = rung.source != Source::Sql && !standing.stale && !standing.missing;
    panel.head.push(verdict(ladder, rung));
    panel.head.extend(standing.lines);
    if !rung.evidence.is_empty() {
        let age = |line: &EvidenceLine| if is_live { "live".to_owned() } else { ago_of(model, line.at) };
        // Whatever is in sight, what follows does not move.
        let widest = rung
            .evidence
            .iter()
            .map(|line| width(&line.subject.to_string()))
            .max()
            .unwrap_or_default();
        let columns = Columns::default()
            .with(Column::whole(""), |line: &EvidenceLine| mark::rung(line.state))
            .with(Column::cut("WHERE", 8).steady(widest), |line| Cell::plain(line.subject.to_string()))
            .with(Column::cut("SEEN", 12), |line| Cell::plain(line.seen.sentence().for_people()))
            .with(Column::whole("AGE").ranked(1), move |line| Cell::new(Role::Dim, age(line)));
        let at = model.screen.rows.get(&Tab::Evidence).copied().unwrap_or_default();
        panel.table = Some(columns.table(&rung.evidence, at, room));
    }
    let known = match rung.observed_at {
        _ if is_live => "kept up to date by a watch".to_owned(),
        Some(at) => ago(model, at),
        None => "never observed".to_owned(),
    };
    panel.foot.push(
        Line::new(Role::Dim, "known from: ")
            .with(Role::Text, format!("{}, {known}", rung.source.as_str()))
            .indented(2),
    );
    panel.foot.push(
        Line::new(Role::Dim, "by hand: ")
            .with(Role::Text, rung.by_hand.to_string())
            .indented(2),
    );
    panel
}

/// All nine rungs in a line, the selected one in brackets.
fn strip(ladder: &Ladder, selected: Option<RungKind>) -> Line {
    let mut line = Line::empty();
    for rung in &ladder.rungs {
        let mark = mark::rung(rung.state);
        line = if Some(rung.kind) == selected {
            line.with(mark.role, format!("[{}", mark.text))
                .with(Role::Strong, short(rung.kind))
                .with(mark.role, "]")
        } else {
            line.with(mark.role, format!(" {}", mark.text))
                .with(Role::Dim, format!("{} ", short(rung.kind)))
        };
    }
    line
}

/// The rung in few letters, so that all nine have room in 80 columns.
fn short(kind: RungKind) -> &'static str {
    match kind {
        RungKind::Declared => "declared",
        RungKind::Resolved => "resolved",
        RungKind::Mounted => "mount",
        RungKind::OnPath => "path",
        RungKind::Available => "avail",
        RungKind::Preloaded => "pre",
        RungKind::Requested => "req",
        RungKind::Installed => "inst",
        RungKind::AtVersion => "vers",
    }
}

fn verdict(ladder: &Ladder, rung: &Rung) -> Line {
    let mark = mark::rung(rung.state);
    let count = match (rung.have, rung.want) {
        (Some(have), Some(want)) => format!(" {have} of {want}"),
        _ => String::new(),
    };
    let line = Line::new(Role::Strong, &ladder.entry)
        .with(Role::Dim, " · ")
        .with(Role::Strong, rung.kind.as_str())
        .with(Role::Dim, " · ")
        .with(mark.role, format!("{} {}{count}", mark.text, mark::rung_word(rung.state)))
        .indented(2);
    match &rung.because {
        Some(because) => line.with(Role::Text, format!(": {}", because.sentence().for_people())),
        None => line,
    }
}

/// The kinds of objects that a source of evidence reads.
fn kinds(source: Source) -> &'static [Kind] {
    match source {
        Source::Cluster => &[Kind::Cluster],
        Source::Catalog => &[Kind::Cluster, Kind::ImageCatalog, Kind::ClusterImageCatalog],
        Source::Pods => &[Kind::Pod],
        Source::Sql => &[],
        Source::Databases => &[Kind::Database],
    }
}
