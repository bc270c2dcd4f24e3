//! Findings that a user knows and does not want to be told again.

use crate::domain::finding::{Code, Finding};

/// All findings of a code, or those of them that are about one subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// The code.
    pub code: Code,
    /// The subject, as findings print it.
    pub subject: Option<String>,
}

impl Ignored {
    /// Whether a finding of this code and about this subject is one of them.
    pub fn covers(&self, code: Code, subject: &str) -> bool {
        self.code == code && self.subject.as_deref().is_none_or(|mine| mine == subject)
    }
}

/// Whether a finding of this code and about this subject is to be left out.
pub fn is_ignored(ignored: &[Ignored], code: Code, subject: &str) -> bool {
    ignored.iter().any(|one| one.covers(code, subject))
}

/// The findings that are left, and how many were ignored.
pub fn left<'a>(all: &'a [Finding], ignored: &[Ignored]) -> (Vec<&'a Finding>, usize) {
    let is_left = |finding: &&Finding| !is_ignored(ignored, finding.code, &finding.subject.to_string());
    let left: Vec<&Finding> = all.iter().filter(is_left).collect();
    let count = all.len() - left.len();
    (left, count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_narrows_a_code() {
        let all = Ignored {
            code: Code::Fenced,
            subject: None,
        };
        let one = Ignored {
            subject: Some("cluster/orders".to_owned()),
            ..all.clone()
        };
        assert!(all.covers(Code::Fenced, "cluster/orders") && all.covers(Code::Fenced, "cluster/other"));
        assert!(one.covers(Code::Fenced, "cluster/orders") && !one.covers(Code::Fenced, "cluster/other"));
        assert!(!all.covers(Code::Hibernated, "cluster/orders"));
    }
}
