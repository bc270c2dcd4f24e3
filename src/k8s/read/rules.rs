//! The rules that hold for the user in a namespace, as the API server lists them: one question in place of a dozen. The list may
//! leave out what an authorizer cannot list, so that what is not in it is not known to be forbidden.

use std::time::Duration;

use kube::Client;
use serde::Deserialize;
use serde_json::json;

use super::question;
use crate::domain::permission::Permission;

/// What may be done with resources. Rules for single objects say nothing about all of them.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Rule {
    verbs: Vec<String>,
    api_groups: Vec<String>,
    resources: Vec<String>,
    resource_names: Vec<String>,
}

impl Rule {
    /// As the API server matches a rule: `*` stands for all, `*/status` for that part of all resources.
    pub(super) fn allows(&self, asked: &Permission) -> bool {
        let has = |list: &[String], wanted: &str| list.iter().any(|one| one == "*" || one == wanted);
        let is_of = |listed: &str| match listed.split_once('/') {
            Some((resource, part)) => part == asked.subresource && (resource == asked.resource || resource == "*"),
            None => asked.subresource.is_empty() && listed == asked.resource,
        };
        self.resource_names.is_empty()
            && has(&self.verbs, &asked.verb)
            && has(&self.api_groups, &asked.group)
            && self.resources.iter().any(|listed| listed == "*" || is_of(listed))
    }
}

/// The rules of the namespace that all of these permissions are in; none where they cannot be had.
pub(super) async fn of_namespace(client: &Client, timeout: Duration, asked: &[Permission]) -> Vec<Rule> {
    let Some(namespace) = asked.first().and_then(|first| first.namespace.as_ref()) else {
        return Vec::new();
    };
    let body = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace},
    });
    let Ok(answer) = question(client, timeout, "selfsubjectrulesreviews", &body).await else {
        return Vec::new();
    };
    let rules = answer.pointer("/status/resourceRules").and_then(serde_json::Value::as_array);
    let rules = rules.into_iter().flatten();
    rules.filter_map(|rule| Rule::deserialize(rule).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::permission::Verdict;
    use crate::k8s::mock::{Mock, json_answer};
    use serde_json::Value;

    const LIMIT: Duration = Duration::from_secs(10);

    fn rule(verbs: &[&str], groups: &[&str], resources: &[&str]) -> Rule {
        let owned = |list: &[&str]| list.iter().map(|one| (*one).to_owned()).collect();
        Rule {
            verbs: owned(verbs),
            api_groups: owned(groups),
            resources: owned(resources),
            resource_names: Vec::new(),
        }
    }

    #[test]
    fn a_rule_allows_what_the_server_would_allow_by_it() {
        let exec = Permission::new("create", "pods/exec", "shop");
        let patch = Permission::new("patch", "clusters", "shop");
        let status = Permission::new("patch", "clusters/status", "shop");
        for (rule, allowed) in [
            (rule(&["*"], &["*"], &["*"]), [true, true, true]),
            (rule(&["create"], &[""], &["pods/exec"]), [true, false, false]),
            (rule(&["create"], &[""], &["pods"]), [false, false, false]),
            (rule(&["create"], &[""], &["*/exec"]), [true, false, false]),
            (rule(&["patch"], &["postgresql.cnpg.io"], &["clusters"]), [false, true, false]),
            (
                rule(&["patch"], &["postgresql.cnpg.io"], &["clusters", "clusters/status"]),
                [false, true, true],
            ),
            (rule(&["patch"], &[""], &["clusters"]), [false, false, false]),
        ] {
            let told = [&exec, &patch, &status].map(|asked| rule.allows(asked));
            assert_eq!(told, allowed, "{rule:?}");
        }
        let one = Rule {
            resource_names: vec!["orders".to_owned()],
            ..rule(&["patch"], &["postgresql.cnpg.io"], &["clusters"])
        };
        assert!(!one.allows(&patch), "a rule for one object is no rule for all");
    }

    async fn asked(rules: Option<Value>) -> (Vec<(Permission, Verdict)>, usize) {
        let mock = Mock::new(move |seen| match (&rules, seen.uri.ends_with("/selfsubjectrulesreviews")) {
            (Some(rules), true) => json_answer(201, &json!({"status": {"resourceRules": rules, "incomplete": true}})),
            (None, true) => json_answer(404, &json!({"kind": "Status", "code": 404, "message": "no"})),
            _ => json_answer(201, &json!({"status": {"allowed": false}})),
        });
        let permissions = vec![
            Permission::new("create", "pods/exec", "shop"),
            Permission::new("patch", "clusters", "shop"),
        ];
        let answers = super::super::ruled(&mock.reading(), LIMIT, permissions).await;
        (answers, mock.seen().len())
    }

    #[tokio::test]
    async fn what_the_rules_allow_is_one_question_and_what_they_leave_out_is_reviewed() {
        let rules = json!([{"verbs": ["create"], "apiGroups": [""], "resources": ["pods/exec"]}, {"verbs": "garbage"}]);
        let (answers, requests) = asked(Some(rules)).await;
        let verdict = |verb: &str| {
            answers
                .iter()
                .find(|(asked, _)| asked.verb == verb)
                .map(|(_, verdict)| verdict.clone())
        };
        assert_eq!(
            (verdict("create"), verdict("patch")),
            (Some(Verdict::Allowed), Some(Verdict::Denied))
        );
        assert_eq!(requests, 2);
        let (answers, requests) = asked(Some(json!([{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]))).await;
        assert!(answers.iter().all(|(_, verdict)| *verdict == Verdict::Allowed));
        assert_eq!(requests, 1);
        let (answers, requests) = asked(None).await;
        assert!(
            answers.iter().all(|(_, verdict)| *verdict == Verdict::Denied),
            "where they are not served"
        );
        assert_eq!(requests, 3);
    }
}
