//! The findings about the selected cluster.

use super::standing::plural;
use super::{Cell, Column, Columns, Line, Panel, Role, key_of, mark};
use crate::app::action::Action;
use crate::app::model::{Model, Tab};
use crate::domain::finding::{Finding, Remedy};
use crate::domain::permission;
use crate::domain::watch::{Kind, WatchState};

/// The findings, worst first, and all about the selected one.
pub fn findings(model: &Model) -> Panel {
    let mut panel = Panel::default();
    let (Some(session), Some(key)) = (model.session(), model.selected_cluster()) else {
        panel.head.push(Line::new(Role::Dim, "no cluster is selected"));
        return panel;
    };
    panel.head = blind(model);
    let (found, ignored) = model.told(session.derived.get(key));
    if found.is_empty() {
        let what = if ignored > 0 { "nothing else" } else { "nothing" };
        panel.head.push(if panel.head.is_empty() {
            Line::new(Role::Holds, "✓ ").with(Role::Text, format!("{what} is wrong with this cluster, as far as can be seen"))
        } else {
            Line::plain(format!("{what} was found in what can be seen"))
        });
    }
    if ignored > 0 {
        let text = format!("{ignored} ignored, as the configuration file says");
        panel.head.push(Line::new(Role::Dim, text));
    }
    if found.is_empty() {
        return panel;
    }
    let at = model
        .screen
        .rows
        .get(&Tab::Findings)
        .copied()
        .unwrap_or_default()
        .min(found.len() - 1);
    let columns = Columns::default()
        .with(Column::whole(""), |finding: &&Finding| mark::severity(finding.severity()))
        .with(Column::cut("FINDING", 12), |finding| Cell::new(Role::Strong, finding.code.as_str()))
        .with(Column::cut("ABOUT", 8), |finding| Cell::plain(finding.subject.to_string()))
        .with(Column::cut("MESSAGE", 10).ranked(1), |finding| {
            Cell::plain(finding.message.for_people())
        });
    panel.table = Some(columns.table(&found, at, found.len()));
    if let Some(finding) = found.get(at) {
        panel.foot = detail(model, finding);
    }
    panel
}

/// What cannot be seen, so that findings may be missing.
fn blind(model: &Model) -> Vec<Line> {
    let Some(session) = model.session() else { return Vec::new() };
    Kind::ALL
        .iter()
        .filter_map(|kind| {
            let state = session.world.watch(*kind);
            let why = match state {
                WatchState::Live | WatchState::Listed { .. } | WatchState::Absent => return None,
                WatchState::Forbidden { missing } => permission::missing(missing),
                WatchState::Stale { why, .. } | WatchState::Error { why } => why.clone(),
                WatchState::Loading => "they are being listed".to_owned(),
            };
            let mark = mark::watch(state);
            Some(
                Line::new(mark.role, format!("{} {}", mark.text, state.as_str()))
                    .with(Role::Text, format!(": {}: {why}; findings may be missing", plural(*kind)))
                    .indented(2),
            )
        })
        .collect()
}

fn detail(model: &Model, finding: &Finding) -> Vec<Line> {
    let mark = mark::severity(finding.severity());
    let mut lines = vec![
        Line::new(mark.role, format!("{} {}: ", mark.text, finding.severity().as_str()))
            .with(Role::Text, finding.message.for_people())
            .indented(2),
        Line::new(Role::Dim, "  remedy: ")
            .with(Role::Text, finding.remedy_text.for_people())
            .indented(2),
    ];
    if let Some(offer) = offer(&finding.remedy) {
        let text = if model.is_read_only() {
            format!("read-only mode: \"{offer}\" is not available")
        } else {
            format!("{} offers: {offer}", key_of(model, Action::Open))
        };
        lines.push(Line::new(Role::Key, format!("  {text}")).indented(2));
    }
    lines
}

/// What extop offers, in words.
fn offer(remedy: &Remedy) -> Option<String> {
    Some(match remedy {
        Remedy::ByHand => return None,
        Remedy::DeletePod(pod) => format!("delete pod {}", pod.name),
        Remedy::RemovePreload(library) => format!("take {library} out of the preload libraries"),
        Remedy::Promote => "promote a standby".to_owned(),
        Remedy::RestartCluster => "restart the cluster".to_owned(),
        Remedy::ChangeImage(entry) => format!("change the image of {entry}"),
        Remedy::Refresh(database, _) => format!("have the operator look again at the object of {database}"),
        Remedy::SetVersion(_, extension) => format!("set the version of {extension}"),
        Remedy::Declare(database, extension) => format!("ask for {extension} in {database}"),
    })
}
