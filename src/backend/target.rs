//! How a target is recognised when it is opened again.

use serde::{Deserialize, Serialize};

/// What tells one target from another. It is kept with runs on disk, so nothing secret is in it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TargetIdentity {
    /// Name of the kubeconfig context by which it was opened. Two contexts may lead to one cluster.
    pub context: String,
    /// Address of the API server, without user and password.
    pub server: String,
    /// Name of the kubeconfig's user entry, if the context names one. The credentials in it may be renewed at any time.
    pub user: Option<String>,
    /// UID of the namespace `kube-system`, which is made with the cluster and lives as long as that; `None` where it was
    /// not read, or may not be read.
    pub uid: Option<String>,
}

/// Whether two openings lead to the same cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sameness {
    /// To the same cluster, by the same user entry.
    Same,
    /// To the same cluster, by another user entry: what is permitted may differ.
    OtherUser,
    /// To another cluster, or it cannot be known that it is the same.
    Other,
}

impl TargetIdentity {
    /// Compares two openings. If both could read the UID, it alone decides; else server and user entry must be equal.
    pub fn compare(&self, other: &Self) -> Sameness {
        let same_user = self.user == other.user;
        match (&self.uid, &other.uid) {
            (Some(one), Some(two)) if one != two => Sameness::Other,
            (Some(_), Some(_)) if same_user => Sameness::Same,
            (Some(_), Some(_)) => Sameness::OtherUser,
            _ if same_user && self.server == other.server => Sameness::Same,
            _ => Sameness::Other,
        }
    }

    /// Both openings lead to the same cluster.
    pub fn is_same_cluster(&self, other: &Self) -> bool {
        self.compare(other) != Sameness::Other
    }
}

/// An address without user and password: those are never shown and never kept.
pub fn bare_address(address: &str) -> String {
    let (scheme, rest) = match address.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), address),
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(server: &str, user: &str, uid: Option<&str>) -> TargetIdentity {
        TargetIdentity {
            context: "rig".to_owned(),
            server: server.to_owned(),
            user: Some(user.to_owned()),
            uid: uid.map(str::to_owned),
        }
    }

    #[test]
    fn the_uid_alone_decides_where_both_could_read_it() {
        let first = identity("https://a", "dev", Some("1"));
        assert_eq!(first.compare(&identity("https://a", "dev", Some("1"))), Sameness::Same);
        assert_eq!(first.compare(&identity("https://b", "dev", Some("1"))), Sameness::Same);
        assert_eq!(first.compare(&identity("https://b", "admin", Some("1"))), Sameness::OtherUser);
        assert_eq!(first.compare(&identity("https://a", "dev", Some("2"))), Sameness::Other);
    }

    #[test]
    fn without_it_address_and_user_entry_must_be_equal() {
        let first = identity("https://a", "dev", Some("1"));
        for uid in [None, Some("1")] {
            let hidden = identity("https://a", "dev", None);
            assert_eq!(hidden.compare(&identity("https://a", "dev", uid)), Sameness::Same);
            assert_eq!(hidden.compare(&identity("https://a", "admin", uid)), Sameness::Other);
            assert_eq!(hidden.compare(&identity("https://b", "dev", uid)), Sameness::Other);
        }
        assert_eq!(first.compare(&identity("https://b", "dev", None)), Sameness::Other);
    }

    #[test]
    fn the_name_of_the_context_makes_no_difference() {
        let mut other = identity("https://a", "dev", None);
        other.context = "renamed".to_owned();
        assert!(other.is_same_cluster(&identity("https://a", "dev", None)));
    }

    #[test]
    fn an_address_loses_user_and_password_and_nothing_else() {
        for (address, bare) in [
            ("https://host:6443/", "https://host:6443/"),
            ("https://jo:hush@host:6443/", "https://host:6443/"),
            ("https://jo:hu@sh@host/base?a=b@c", "https://host/base?a=b@c"),
            ("jo:hush@host:6443", "host:6443"),
            ("http://[::1]:8001/k8s", "http://[::1]:8001/k8s"),
            ("simulator", "simulator"),
        ] {
            assert_eq!(bare_address(address), bare);
        }
    }
}
