//! The catalog of the selected cluster: what it offers, and which clusters a change of it would restart.

use super::standing::Standing;
use super::{Cell, Column, Line, Panel, Role, Table};
use crate::app::model::{Model, Tab};
use crate::domain::World;
use crate::domain::catalog::{self, Catalog, Use};
use crate::domain::extension::ExtensionEntry;

/// The entries of the catalog for the cluster's major version, and how the cluster uses each.
pub fn catalog(model: &Model) -> Panel {
    let parts = model
        .session()
        .and_then(|session| Some((session, session.world.clusters.get(model.selected_cluster()?)?)));
    let Some((session, cluster)) = parts else { return Panel::default() };
    let Some(asked) = &cluster.spec.catalog else {
        return Panel {
            head: vec![
                Line::new(Role::Strong, cluster.key.to_string())
                    .with(Role::Text, " uses no catalog: every entry names its image itself")
                    .indented(2),
            ],
            ..Panel::default()
        };
    };
    let standing = Standing::of(model, &[asked.key.kind()]);
    let mut panel = Panel {
        stale: standing.stale,
        head: standing.lines,
        ..Panel::default()
    };
    let Some(found) = session.world.catalog_of(cluster) else {
        if !standing.missing {
            panel.head.push(
                Line::new(Role::Broken, "× ")
                    .with(
                        Role::Text,
                        format!("the catalog {} does not exist: the operator halts everything", asked.key),
                    )
                    .indented(2),
            );
        }
        return panel;
    };
    offers(model, &session.world, found, asked.major, &mut panel);
    panel
}

/// Every entry that a catalog has for a major version.
fn offers(model: &Model, world: &World, found: &Catalog, major: u32, panel: &mut Panel) {
    panel.head.push(
        Line::new(Role::Strong, found.key.to_string())
            .with(Role::Dim, format!(" for PostgreSQL {major}; an edit is taken over at once by "))
            .with(Role::Text, users(world, found))
            .indented(2),
    );
    let images = found.images.iter().filter(|image| image.major == major);
    let offered: Vec<&ExtensionEntry> = images.flat_map(|image| &image.extensions).collect();
    if offered.is_empty() {
        panel
            .head
            .push(Line::plain(format!("it offers no extension for PostgreSQL {major}")).indented(2));
        return;
    }
    let at = model
        .screen
        .rows
        .get(&Tab::Catalog)
        .copied()
        .unwrap_or_default()
        .min(offered.len() - 1);
    let mut uses = catalog::uses(world, found);
    uses.retain(|used| used.major == major);
    let of = |entry: &ExtensionEntry| uses.iter().filter(|used| used.entry == entry.name).collect::<Vec<_>>();
    let rows = offered.iter().map(|entry| row(entry, &of(entry))).collect();
    let columns = vec![
        Column::cut("OFFERS", 8),
        Column::cut("IMAGE", 12).ranked(1),
        Column::cut("USED BY", 8),
        Column::whole("INSTANCES").short("INST"),
    ];
    panel.table = Some(Table::new(columns, rows, at));
    panel.foot = offered.get(at).map(|entry| detail(&of(entry))).unwrap_or_default();
}

fn users(world: &World, catalog: &Catalog) -> String {
    let all = catalog::users(world, catalog);
    let names: Vec<String> = all.iter().map(|cluster| cluster.key.to_string()).collect();
    match names.len() {
        0 => "no cluster in view".to_owned(),
        1 => names.concat(),
        count => format!("{count} clusters in view: {}", few(&names)),
    }
}

/// Most clusters that are named.
const NAMED: usize = 12;

/// The first names, and how many more there are.
fn few(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(NAMED).map(String::as_str).collect();
    match names.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn row(entry: &ExtensionEntry, uses: &[&Use]) -> Vec<Cell> {
    let image = entry.reference.clone().unwrap_or_else(|| "no image".to_owned());
    let clusters: Vec<String> = uses.iter().map(|used| used.cluster.to_string()).collect();
    let instances: u32 = uses.iter().filter(|used| used.rolls).map(|used| used.instances).sum();
    let by = if clusters.is_empty() {
        Cell::new(Role::Dim, "–")
    } else {
        Cell::plain(few(&clusters))
    };
    let rolled = if instances == 0 { "–".to_owned() } else { instances.to_string() };
    vec![Cell::new(Role::Strong, &entry.name), Cell::plain(image), by, Cell::plain(rolled)]
}

/// Whom another image of the entry would roll, and who would not see it.
fn detail(uses: &[&Use]) -> Vec<Line> {
    let mut lines = Vec::new();
    for used in uses.iter().take(NAMED) {
        let cluster = &used.cluster;
        let text = if used.rolls {
            match used.instances {
                1 => format!("another image here makes the operator recreate the one instance of {cluster}"),
                count => format!("another image here makes the operator recreate the {count} instances of {cluster}"),
            }
        } else {
            format!("{cluster} names its image itself: another one here changes nothing there")
        };
        lines.push(Line::plain(text).indented(2));
    }
    if let Some(more) = uses.len().checked_sub(NAMED).filter(|more| *more > 0) {
        lines.push(Line::new(Role::Dim, format!("and {more} more clusters")).indented(2));
    }
    if lines.is_empty() {
        lines.push(Line::new(Role::Dim, "no cluster in view has an entry of this name").indented(2));
    }
    lines
}
