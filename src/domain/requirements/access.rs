//! What this user may do, as access reviews answered it.

use super::{CheckCode, CheckResult, CheckSubject, Checks};
use crate::domain::change::PERMISSIONS;
use crate::domain::permission::{Permission, Verdict};

impl Checks<'_> {
    pub(super) fn permissions(&mut self) {
        let namespace = &self.cluster.key.namespace;
        let subject = CheckSubject::Namespace(namespace.clone());
        let (mut denied, mut unknown) = (Vec::new(), Vec::new());
        for permission in PERMISSIONS.map(|(verb, resource)| Permission::new(verb, resource, namespace)) {
            match self.world.may(&permission) {
                Some(Verdict::Allowed) => {}
                Some(Verdict::Denied) => denied.push(permission.to_string()),
                Some(Verdict::Unknown(_)) | None => unknown.push(permission.to_string()),
            }
        }
        let (result, evidence, hint) = if !denied.is_empty() {
            (
                CheckResult::Warn,
                format!(
                    "this user may not do all that the guided actions do: {} is denied",
                    denied.join(", ")
                ),
                Some("ask for it, or use another context"),
            )
        } else if unknown.is_empty() {
            (CheckResult::Pass, "this user may do what the guided actions do".to_owned(), None)
        } else {
            let evidence = format!("it is not known whether this user may {}", unknown.join(", "));
            (CheckResult::Unknown, evidence, None)
        };
        self.say(CheckCode::Permissions, result, subject, evidence, hint);
    }
}
