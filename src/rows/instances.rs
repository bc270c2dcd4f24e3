//! The instances of the selected cluster and what they mount.

use super::standing::Standing;
use super::text::image_name;
use super::{Cell, Column, Columns, Line, Panel, Role, mark};
use crate::app::model::{Model, Session};
use crate::domain::cluster::Cluster;
use crate::domain::instance::{Instance, Role as InstanceRole};
use crate::domain::rollout::{self, InstanceRollout, MountState, Rollout};
use crate::domain::watch::Kind;

/// The instances of the selected cluster.
pub fn instances(model: &Model) -> Panel {
    let standing = Standing::of(model, &[Kind::Pod]);
    let mut panel = Panel {
        head: standing.lines,
        stale: standing.stale,
        ..Panel::default()
    };
    let Some((session, cluster)) = selected(model) else {
        panel.head.push(Line::new(Role::Dim, "no cluster is selected"));
        return panel;
    };
    let rollout = rollout::assess(&session.world, cluster);
    if let Some(why) = &rollout.blocked {
        panel
            .head
            .push(Line::new(Role::Broken, "! blocked: ").with(Role::Text, why).indented(2));
    }
    let instances: Vec<&Instance> = session.world.instances_of(&cluster.key).collect();
    if instances.is_empty() {
        if !standing.missing {
            panel
                .head
                .push(Line::plain("no instance exists: the operator has not created a pod").indented(2));
        }
        return panel;
    }
    let chosen = model.screen.instance.as_ref();
    let at = instances
        .iter()
        .position(|instance| Some(&instance.key) == chosen)
        .unwrap_or_default();
    panel.table = Some(columns(session, cluster, &rollout).table(&instances, at, instances.len()));
    if let Some(instance) = instances.get(at) {
        panel.foot = detail(session, &rollout, instance);
    }
    panel
}

fn selected(model: &Model) -> Option<(&Session, &Cluster)> {
    let session = model.session()?;
    Some((session, session.world.clusters.get(model.selected_cluster()?)?))
}

fn columns<'a>(session: &'a Session, cluster: &'a Cluster, rollout: &'a Rollout) -> Columns<'a, &'a Instance> {
    Columns::default()
        .with(Column::whole(""), |instance: &&Instance| lead(session, rollout, instance))
        .with(Column::cut("INSTANCE", 8), |instance| Cell::new(Role::Strong, &instance.key.name))
        .with(Column::cut("ROLE", 7), |instance| Cell::plain(role(cluster, instance)))
        .with(Column::cut("NODE", 6).ranked(2), |instance| {
            Cell::plain(instance.node.clone().unwrap_or_else(|| "not scheduled".to_owned()))
        })
        .with(Column::whole("READY"), |instance| ready(instance))
        .with(Column::whole("RESTARTS").short("RST").ranked(3), |instance| {
            let role = if instance.restarts == 0 { Role::Text } else { Role::Warning };
            Cell::new(role, instance.restarts.to_string())
        })
        .with(Column::whole("PENDING RESTART").short("PEND").ranked(4), |instance| {
            pending(session, instance)
        })
        .with(Column::cut("MOUNTS", 16), |instance| mounts(of(rollout, instance)))
        .with(Column::cut("IMAGE", 12).ranked(1), |instance| {
            Cell::new(Role::Dim, image_name(&instance.operand_image))
        })
}

/// The mark of an instance: trouble, all that is resolved, or on its way to that.
fn lead(session: &Session, rollout: &Rollout, instance: &Instance) -> Cell {
    mark::mount(if rollout::trouble(&session.world, instance).is_some() {
        MountState::Failing
    } else if of(rollout, instance).is_some_and(|of| of.done) {
        MountState::Mounted
    } else {
        MountState::Rolling
    })
}

fn of<'a>(rollout: &'a Rollout, instance: &Instance) -> Option<&'a InstanceRollout> {
    rollout.instances.iter().find(|of| of.pod == instance.key)
}

/// The role as the cluster's status tells it, which is the truth during transitions.
fn role(cluster: &Cluster, instance: &Instance) -> &'static str {
    if cluster.status.current_primary.as_deref() == Some(&instance.key.name) {
        return "primary";
    }
    match instance.role {
        InstanceRole::Primary => "primary by label",
        InstanceRole::Replica => "replica",
        InstanceRole::Unhealthy => "unhealthy",
        InstanceRole::Unlabelled => "no role yet",
    }
}

fn ready(instance: &Instance) -> Cell {
    if instance.deleting {
        Cell::new(Role::InProgress, "▶ ending")
    } else if instance.ready {
        Cell::new(Role::Holds, "✓")
    } else {
        Cell::new(Role::Broken, format!("× {}", instance.phase))
    }
}

/// Whether a setting waits for a restart.
fn pending(session: &Session, instance: &Instance) -> Cell {
    match session.world.pending_restart(instance).map(|pending| pending.waits) {
        Some(true) => Cell::new(Role::Warning, "▲ yes"),
        Some(false) => Cell::new(Role::Text, "no"),
        None => Cell::new(Role::Unknown, "?"),
    }
}

/// How many entries are mounted as they shall be, and which are not.
fn mounts(of: Option<&InstanceRollout>) -> Cell {
    let Some(of) = of else { return Cell::new(Role::Unknown, "?") };
    if of.mounts.is_empty() {
        return Cell::new(Role::NotApplicable, "– none");
    }
    let there = of.mounts.iter().filter(|mount| mount.state == MountState::Mounted).count();
    let others: Vec<String> = of
        .mounts
        .iter()
        .filter(|mount| mount.state != MountState::Mounted)
        .map(|mount| format!("{} {} {}", mark::mount(mount.state).text, mount.entry, mount.state.as_str()))
        .collect();
    let role = of
        .mounts
        .iter()
        .map(|mount| mount.state)
        .max()
        .map_or(Role::Text, |worst| mark::mount(worst).role);
    let count = format!("{there}/{}", of.mounts.len());
    Cell::new(
        role,
        if others.is_empty() {
            count
        } else {
            format!("{count} {}", others.join(", "))
        },
    )
}

/// The mounts of one instance, one line each, and its trouble.
fn detail(session: &Session, rollout: &Rollout, instance: &Instance) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(trouble) = rollout::trouble(&session.world, instance) {
        lines.push(Line::new(Role::Broken, "! ").with(Role::Text, trouble).indented(2));
    }
    for mount in of(rollout, instance).into_iter().flat_map(|of| &of.mounts) {
        let mark = mark::mount(mount.state);
        let reference = mount.reference.as_deref().unwrap_or("no image");
        lines.push(
            Line::new(mark.role, format!("{} {}", mark.text, mount.state.as_str()))
                .with(Role::Text, format!("  {}  ", mount.entry))
                .with(Role::Dim, reference)
                .indented(2),
        );
    }
    lines
}
