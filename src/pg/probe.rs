//! One probe: everything that SQL tells about one instance, read in one go.

use std::sync::Arc;
use std::time::Duration;

use super::door::Door;
use crate::backend::{DatabaseAccess, ProbeRequest};
use crate::domain::probe::ProbeFailure;
use crate::domain::{Observation, Timestamp};

/// Asks instances.
pub struct Prober {
    _door: Arc<dyn Door>,
    _access: DatabaseAccess,
    _timeout: Duration,
}

impl Prober {
    /// A prober that goes through `door`; one probe takes `timeout` at most.
    pub fn new(door: Arc<dyn Door>, access: DatabaseAccess, timeout: Duration) -> Self {
        Self {
            _door: door,
            _access: access,
            _timeout: timeout,
        }
    }

    /// Reads the evidence: answers `Probed` or `ProbeFailed`.
    pub async fn probe(&self, request: ProbeRequest) -> Observation {
        Observation::ProbeFailed(ProbeFailure {
            pod: request.pod,
            uid: request.uid,
            at: Timestamp::now(),
            because: "SQL is not asked yet".to_owned(),
            missing: Vec::new(),
        })
    }
}
