#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use super::*;
use crate::domain::change::Change;
use crate::domain::database::RequestedExtension;
use crate::domain::extension::ExtensionEntry;
use crate::domain::fixture;
use crate::domain::request::request;

fn of(change: &Change, world: &World) -> String {
    let lines: Vec<String> = diff(&request(change, world).unwrap(), world)
        .into_iter()
        .map(|line| match line {
            DiffLine::Same(text) => format!(" {text}"),
            DiffLine::Removed(text) => format!("-{text}"),
            DiffLine::Added(text) => format!("+{text}"),
        })
        .collect();
    lines.join("\n")
}

#[test]
fn an_added_entry_is_shown_where_it_will_stand() {
    let mut foo = ExtensionEntry::new("foo", "rig.local/foo:1.0-18-bookworm");
    foo.ld_paths = vec!["system".to_owned()];
    let change = Change::AddEntry {
        cluster: fixture::cluster_key(),
        entry: foo,
    };
    assert_eq!(
        of(&change, &fixture::world()),
        "     - name: hstore
       image:
         reference: rig.local/hstore:1.8-18-bookworm
+    - name: foo
+      image:
+        reference: rig.local/foo:1.0-18-bookworm
+      ld_library_path:
+      - system"
            .replace("    - ", "  - ")
            .replace("      ", "    ")
            .replace("     ", "    ")
            .trim_end()
            .lines()
            .map(str::to_owned)
            .collect::<Vec<_>>()
            .join("\n")
    );
}
