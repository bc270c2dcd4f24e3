//! The life of a pod, with the times that were seen.

use super::operator::WAITING;
use super::state::{Pod, Sim, Stage, Step};

impl Sim {
    /// A new pod of an instance, with what the status resolves to now.
    pub(super) fn create_pod(&mut self, cluster: &str, name: &str) {
        let version = self.version();
        let resolved = self.resolved_entries(cluster);
        let pod = Pod {
            name: name.to_owned(),
            uid: format!("{name}-{version}"),
            version,
            cluster: cluster.to_owned(),
            role: None,
            image: self.text(cluster, "/status/image"),
            environment: resolved.clone(),
            entries: resolved,
            stage: Stage::Pending,
            deleting: false,
            created: self.now,
            started: self.now,
            configured: self.now,
            is_stale: false,
            ready_since: None,
            restarts: 0,
            restarted_at: Some(self.text(cluster, "/metadata/annotations/kubectl.kubernetes.io~1restartedAt")).filter(|at| !at.is_empty()),
            preload: Vec::new(),
        };
        self.pods.insert(name.to_owned(), pod.clone());
        self.tell_pod(&pod);
    }

    /// The operator creates the pod of an instance on its volume.
    pub(super) fn create_instance(&mut self, cluster: &str, name: &str) {
        if self.pods.contains_key(name) || !self.clusters.contains_key(cluster) {
            return;
        }
        self.create_pod(cluster, name);
        let Some(pod) = self.pods.get(name) else { return };
        let uid = pod.uid.clone();
        if self.unpullable(pod) {
            self.after(1.2, Step::Pod(name.to_owned(), uid, Stage::Waiting("ErrImagePull")));
            self.after(1.4, Step::Phase(cluster.to_owned(), WAITING.0, WAITING.1.to_owned()));
            return;
        }
        self.after(0.7, Step::Pod(name.to_owned(), uid.clone(), Stage::Init));
        self.after(2.1, Step::Pod(name.to_owned(), uid, Stage::Running));
        self.after(3.6, Step::Phase(cluster.to_owned(), WAITING.0, WAITING.1.to_owned()));
    }

    /// A pod reaches a stage, and what follows is put in line.
    pub(super) fn go_on(&mut self, name: &str, uid: &str, stage: Stage) {
        let Some(pod) = self
            .pods
            .get(name)
            .filter(|pod| pod.uid == uid && (!pod.deleting || stage == Stage::Succeeded))
        else {
            return;
        };
        let cluster = pod.cluster.clone();
        let now = self.now;
        let preload = self.wanted_preload(&cluster);
        let missing = self.missing_library(pod, &preload).is_some();
        self.change_pod(name, uid, |pod| {
            pod.stage = stage;
            match stage {
                Stage::Ready => pod.ready_since = Some(now),
                Stage::Running => pod.preload.clone_from(&preload),
                _ => pod.ready_since = None,
            }
        });
        let again = |stage| Step::Pod(name.to_owned(), uid.to_owned(), stage);
        match stage {
            // The two reasons alternate for as long as the pod is there.
            Stage::Waiting("ErrImagePull") => self.after(10.3, again(Stage::Waiting("ImagePullBackOff"))),
            Stage::Waiting(_) => self.after(14.0, again(Stage::Waiting("ErrImagePull"))),
            Stage::Running if missing => {
                self.after(2.0, again(Stage::CrashLoop));
                self.after(4.0, Step::Label(name.to_owned(), uid.to_owned()));
            }
            Stage::Running => {
                self.after(4.3, Step::Label(name.to_owned(), uid.to_owned()));
                self.after(8.8, again(Stage::Ready));
            }
            Stage::CrashLoop => self.after(10.0, Step::Again(name.to_owned(), uid.to_owned(), 10)),
            Stage::Ready => {
                self.after(1.3, Step::Count(cluster.clone()));
                self.after(2.3, Step::Reconcile(cluster));
            }
            Stage::Pending | Stage::Init | Stage::Succeeded => {}
        }
    }

    /// The operator's label comes seconds after the pod.
    pub(super) fn label(&mut self, name: &str, uid: &str) {
        let Some(pod) = self.pods.get(name) else { return };
        let primary = self.text(&pod.cluster, "/status/currentPrimary") == name;
        self.change_pod(name, uid, |pod| pod.role = Some(if primary { "primary" } else { "replica" }));
    }

    /// A container that ended at once is started again; the configuration is written again before.
    pub(super) fn start_again(&mut self, name: &str, uid: &str, backoff: u32) {
        let Some(pod) = self.pods.get(name).filter(|pod| pod.uid == uid && !pod.deleting) else {
            return;
        };
        let preload = self.wanted_preload(&pod.cluster);
        let missing = self.missing_library(pod, &preload).is_some();
        self.change_pod(name, uid, |pod| {
            pod.restarts += 1;
            if !missing {
                pod.stage = Stage::Running;
                pod.preload = preload;
            }
        });
        if missing {
            let longer = (backoff * 2).min(300);
            self.after(f64::from(longer), Step::Again(name.to_owned(), uid.to_owned(), longer));
        } else {
            self.after(5.0, Step::Pod(name.to_owned(), uid.to_owned(), Stage::Ready));
        }
    }

    /// A user deletes a pod: it ends in order, and is gone a second later.
    pub(super) fn mark_deleted(&mut self, name: &str, uid: &str) {
        if self.pods.get(name).is_none_or(|pod| pod.uid != uid || pod.deleting) {
            return;
        }
        self.forget(
            |step| matches!(step, Step::Pod(other, other_uid, _) | Step::Again(other, other_uid, _) if other == name && other_uid == uid),
        );
        self.change_pod(name, uid, |pod| pod.deleting = true);
        self.after(0.4, Step::Pod(name.to_owned(), uid.to_owned(), Stage::Succeeded));
        self.after(0.7, Step::Gone(name.to_owned(), uid.to_owned()));
    }

    /// The pod is gone; the operator notices, and creates it again.
    pub(super) fn gone(&mut self, name: &str, uid: &str) {
        let Some(pod) = self.pods.get(name).filter(|pod| pod.uid == uid) else {
            return;
        };
        let cluster = pod.cluster.clone();
        self.remove_pod(name);
        self.after(1.1, Step::Count(cluster.clone()));
        self.after(2.1, Step::Create(cluster, name.to_owned()));
    }
}
