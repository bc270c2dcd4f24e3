//! The entries of all clusters of the target in one table.

use super::clusters::sum;
use super::entries::{image, version};
use super::standing::Standing;
use super::{Cell, Column, Columns, Line, Panel, Role, Room, key_of, mark, mistakes};
use crate::app::action::Action;
use crate::app::filter::Candidate;
use crate::app::listing::ListedEntry;
use crate::app::model::{Model, Pane};
use crate::backend::Scope;
use crate::domain::ladder::RungState;
use crate::domain::outline::Outline;
use crate::domain::watch::Kind;

/// The pane of the entries of all clusters.
pub fn extensions(model: &Model, room: Room) -> Panel {
    let standing = Standing::of(model, &[Kind::Cluster, Kind::Pod]);
    let filter = &model.screen.extension_filter;
    let mut panel = Panel {
        title: Line::new(Role::Title, "Extensions of all clusters").with(Role::Dim, format!(" by {}", model.screen.sort.as_str())),
        stale: standing.stale,
        head: standing.lines,
        ..Panel::default()
    };
    let is_filtering = model.screen.is_filtering(Pane::Extensions);
    if !filter.is_empty() || is_filtering {
        panel.aside = Line::new(Role::Key, format!("/{}", filter.text()));
    }
    if !is_filtering {
        panel.head.extend(mistakes(filter));
    }
    let Some(session) = model.session() else { return panel };
    let shown = model.extensions_in_view();
    if shown.is_empty() {
        if !filter.is_empty() {
            panel.head.push(Line::plain("no entry matches the filter").indented(2));
            panel
                .head
                .push(Line::new(Role::Dim, format!("{} clears it", key_of(model, Action::Back))));
        } else if !standing.missing {
            let what = format!("no extension entries in {}", session.target.scope);
            panel.head.push(Line::plain(what).indented(2));
        }
        return panel;
    }
    panel.head.push(sum(shown.iter().map(Candidate::state), room.columns));
    let selected = model.selected_extension();
    let at = shown.iter().position(|one| Some(one) == selected.as_ref()).unwrap_or_default();
    panel.table = Some(columns(session.target.scope == Scope::All).table(&shown, at, room.rows));
    panel
}

fn columns<'a>(with_namespace: bool) -> Columns<'static, ListedEntry<'a>> {
    Columns::default()
        .with(Column::whole(""), |one: &ListedEntry<'_>| mark::rung(one.state()))
        .with(Column::filling("CLUSTER", 8), |one| Cell::plain(&one.cluster.name))
        .with_if(with_namespace, Column::filling("NAMESPACE", 9).short("NS"), |one| {
            Cell::plain(&one.cluster.namespace)
        })
        .with(Column::filling("ENTRY", 9), |one| Cell::new(Role::Strong, &*one.outline.entry))
        .with(Column::filling("IMAGE", 14).ranked(1), |one| image(one.outline))
        .with(Column::cut("INSTALLED", 6).short("INST").steady(9), |one| version(one.outline))
        .with(Column::filling("STATE", 16), |one| state(one.outline))
}

/// The rung that decides the state, and the state.
fn state(outline: &Outline) -> Cell {
    let state = outline.state();
    let word = mark::rung_word(state);
    let role = mark::rung(state).role;
    match outline.headline() {
        Some(rung) if state != RungState::Holds => Cell::new(role, format!("{} {word}", rung.kind.as_str())),
        _ => Cell::new(role, word),
    }
}
