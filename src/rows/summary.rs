//! One line for a terminal that has no room for panes.

use super::footer::run_line;
use super::{Line, Role, mark};
use crate::app::model::Model;
use crate::domain::ladder::RungState;

/// The most important of everything, the most important first.
pub fn summary(model: &Model) -> Line {
    let mut line = Line::new(Role::Title, "extop");
    if let Some(what) = &model.opening {
        line = line.with(Role::InProgress, format!(" ○ opening {what}"));
    }
    let Some(session) = model.session() else {
        return match &model.unopened {
            None => line.with(Role::InProgress, " ○ loading"),
            Some(why) => line.with(Role::Broken, format!(" × {why}")),
        };
    };
    line = line.with(Role::Strong, format!(" {}", session.target.context));
    if let Some(key) = model.selected_cluster() {
        let brief = session.briefs.get(key);
        let state = mark::rung(brief.map_or(RungState::Unknown, |brief| brief.state));
        line = line.with(Role::Text, " ").with(state.role, format!("{} {key}", state.text));
        if let Some(entry) = model.selected_entry()
            && let Some(rung) = entry.headline()
        {
            let mark = mark::rung(rung.state);
            let said = format!("{} {} {}", entry.entry, rung.kind.as_str(), mark::rung_word(rung.state));
            line = line.with(Role::Dim, " · ").with(mark.role, said);
        }
        let findings = brief.map_or(0, |brief| brief.findings);
        line = line.with(Role::Text, format!(" · {findings} findings"));
    } else {
        line = line.with(Role::Text, " no cluster");
    }
    let open = model.runs.iter().rev().find(|(_, run)| !run.is_over() && !run.is_draft());
    if let Some((_, run)) = open {
        line = line.with(Role::Dim, " · ");
        line.spans.extend(run_line(model, run).spans);
    }
    line.with(Role::Dim, " · 60x15 shows more")
}
