//! The report as text for people: readable without colour, and without a wide terminal.

use std::io::{self, Write};

use super::report::{ClusterReport, EntryReport, InstanceReport, Report, RungReport};
use crate::domain::ladder::{RungKind, RungState};
use crate::domain::rollout::MountState;

/// Headings of [`entry_row`].
pub(super) const ENTRY_HEAD: [&str; 10] = [
    "ENTRY",
    "MOUNT",
    "PATH",
    "AVAIL",
    "PRELOAD",
    "REQ",
    "INSTALLED",
    "VERSION",
    "STATE",
    "IMAGE",
];

/// Writes a list, and what is missing below it; `nothing` stands for an empty one.
pub(super) fn list(head: &[&str], rows: &[Vec<String>], nothing: &str, missing: &[String], out: &mut dyn Write) -> io::Result<()> {
    if rows.is_empty() {
        writeln!(out, "{nothing}")?;
    } else {
        columns(head, rows, out)?;
    }
    write_missing(missing, out)
}

fn write_missing(missing: &[String], out: &mut dyn Write) -> io::Result<()> {
    if !missing.is_empty() {
        writeln!(out, "\nMISSING")?;
        for line in missing {
            writeln!(out, "  {line}")?;
        }
    }
    Ok(())
}

/// Writes the report; `wide` says why of every rung, not of the first alone.
pub(super) fn write(report: &Report, wide: bool, out: &mut dyn Write) -> io::Result<()> {
    if report.clusters.is_empty() {
        writeln!(out, "no cluster in view")?;
    }
    for (n, cluster) in report.clusters.iter().enumerate() {
        if n > 0 {
            writeln!(out)?;
        }
        write_cluster(cluster, wide, out)?;
    }
    write_missing(&report.missing, out)
}

fn write_cluster(cluster: &ClusterReport, wide: bool, out: &mut dyn Write) -> io::Result<()> {
    let or_unknown = |text: Option<&str>| text.unwrap_or("unknown").to_owned();
    writeln!(out, "{}/{}: {}", cluster.namespace, cluster.name, cluster.phase)?;
    writeln!(
        out,
        "  {} of {} instances ready, primary {}, PostgreSQL {}, operator {}, SQL by {}",
        cluster.ready,
        cluster.instance_count,
        or_unknown(cluster.primary.as_deref()),
        cluster
            .postgres_major
            .map_or_else(|| "unknown".to_owned(), |major| major.to_string()),
        or_unknown(cluster.operator.as_deref()),
        cluster.access.route.unwrap_or("no route"),
    )?;
    if let Some(because) = &cluster.access.because {
        writeln!(out, "  SQL unknown: {because}")?;
    }
    writeln!(out)?;
    if cluster.entries.is_empty() {
        writeln!(out, "  no extension entries")?;
    } else {
        let rows: Vec<Vec<String>> = cluster.entries.iter().map(entry_row).collect();
        columns(&ENTRY_HEAD, &rows, out)?;
        for entry in &cluster.entries {
            write_reasons(entry, wide, out)?;
        }
    }
    writeln!(out)?;
    let head = ["INSTANCE", "ROLE", "READY", "RESTART", "MOUNTS"];
    let rows: Vec<Vec<String>> = cluster.instances.iter().map(instance_row).collect();
    columns(&head, &rows, out)?;
    if !cluster.findings.is_empty() {
        writeln!(out, "\n  FINDINGS")?;
        for finding in &cluster.findings {
            writeln!(
                out,
                "  {} {} on {}: {}",
                finding.severity.as_str(),
                finding.code.as_str(),
                finding.subject,
                finding.message.for_people()
            )?;
            writeln!(out, "    {}", finding.remedy.for_people())?;
        }
    }
    Ok(())
}

/// The row of an entry.
pub(super) fn entry_row(entry: &EntryReport) -> Vec<String> {
    let cell = |rung: RungKind| {
        entry
            .rungs
            .iter()
            .find(|found| found.rung == rung)
            .map_or_else(|| "?".to_owned(), count)
    };
    let versions: Vec<&str> = entry.databases.iter().filter_map(|row| row.installed.as_deref()).collect();
    let version = match versions.split_first() {
        Some((first, rest)) if rest.iter().all(|version| version == first) => (*first).to_owned(),
        Some(_) => "mixed".to_owned(),
        None => cell(RungKind::AtVersion),
    };
    let state = entry.headline.map_or_else(
        || "unknown".to_owned(),
        |headline| format!("{} {}", headline.rung.as_str(), headline.state.as_str()),
    );
    vec![
        entry.name.clone(),
        cell(RungKind::Mounted),
        cell(RungKind::OnPath),
        cell(RungKind::Available),
        cell(RungKind::Preloaded),
        cell(RungKind::Requested),
        cell(RungKind::Installed),
        version,
        state,
        match &entry.reference {
            Some(reference) => format!("{reference} ({})", entry.origin),
            None => "none".to_owned(),
        },
    ]
}

/// A rung in a cell: counted where it can be; unknown is neither empty nor broken.
fn count(rung: &RungReport) -> String {
    match (rung.state, rung.have, rung.want) {
        (RungState::Unknown, ..) => "?".to_owned(),
        (RungState::NotApplicable, ..) => "-".to_owned(),
        (_, Some(have), Some(want)) => format!("{have}/{want}"),
        (RungState::Holds, ..) => "yes".to_owned(),
        (RungState::InProgress, ..) => "...".to_owned(),
        (RungState::Broken, ..) => "no".to_owned(),
    }
}

/// Why the entry's headline does not hold.
pub(super) fn reason(entry: &EntryReport) -> Option<&str> {
    let headline = entry.headline.filter(|headline| headline.state != RungState::Holds)?;
    let rung = entry.rungs.iter().find(|rung| rung.rung == headline.rung)?;
    Some(rung.because.as_ref()?.for_people())
}

fn write_reasons(entry: &EntryReport, wide: bool, out: &mut dyn Write) -> io::Result<()> {
    if !wide {
        return match reason(entry) {
            Some(because) => writeln!(out, "  {}: {because}", entry.name),
            None => Ok(()),
        };
    }
    for rung in entry.rungs.iter().filter(|rung| rung.state != RungState::Holds) {
        if let Some(because) = &rung.because {
            let because = because.for_people();
            writeln!(out, "  {} · {} {}: {because}", entry.name, rung.rung.as_str(), rung.state.as_str())?;
        }
    }
    Ok(())
}

fn instance_row(instance: &InstanceReport) -> Vec<String> {
    let mounts: Vec<String> = instance
        .mounts
        .iter()
        .map(|mount| match mount.state {
            MountState::Mounted => mount.entry.clone(),
            state => format!("{} ({})", mount.entry, state.as_str()),
        })
        .collect();
    vec![
        instance.name.clone(),
        instance.role.to_owned(),
        if instance.ready { "yes" } else { "no" }.to_owned(),
        match instance.pending_restart {
            Some(true) => "pending",
            Some(false) => "-",
            None => "?",
        }
        .to_owned(),
        mounts.join(", "),
    ]
}

/// Columns as wide as their widest cell, two blanks apart, indented.
fn columns(head: &[&str], rows: &[Vec<String>], out: &mut dyn Write) -> io::Result<()> {
    use unicode_width::UnicodeWidthStr as _;
    let widths: Vec<usize> = head
        .iter()
        .enumerate()
        .map(|(n, title)| {
            rows.iter()
                .filter_map(|row| row.get(n))
                .map(|cell| cell.width())
                .fold(title.width(), usize::max)
        })
        .collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut text = String::new();
        for (cell, width) in cells.zip(&widths) {
            text.push_str("  ");
            text.push_str(cell);
            text.push_str(&" ".repeat(width.saturating_sub(cell.width())));
        }
        text.trim_end().to_owned()
    };
    writeln!(out, "{}", line(&mut head.iter().copied()))?;
    for row in rows {
        writeln!(out, "{}", line(&mut row.iter().map(String::as_str)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::report::tests::{key, session};

    fn text(state: RungState) -> String {
        let mut out = Vec::new();
        write(&Report::new(&session(state, Vec::new()), &[key()]), false, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_table_reads_without_colour() {
        assert_eq!(
            text(RungState::Holds),
            "\
shop/orders: Cluster in healthy state
  1 of 1 instances ready, primary orders-1, PostgreSQL 18, operator 1.30.0, SQL by exec

  ENTRY  MOUNT  PATH  AVAIL  PRELOAD  REQ  INSTALLED  VERSION  STATE             IMAGE
  foo    1/1    ?     ?      ?        ?    ?          1.0      at-version holds  rig.local/foo:1.0 (catalog)

  INSTANCE  ROLE     READY  RESTART  MOUNTS
  orders-1  primary  yes    -
"
        );
    }

    #[test]
    fn unknown_is_neither_empty_nor_broken() {
        let text = text(RungState::Unknown);
        assert!(text.contains("at-version unknown") && text.contains("MISSING"), "{text}");
    }
}
