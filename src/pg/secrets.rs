//! Secrets that were read, kept in memory: they open each instance of a cluster at each reading, and change seldom.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::door::{Door, Secret};
use super::route::Trouble;
use crate::backend::ErrorKind;

/// A secret is read anew after so long, although it still opens: whoever lost the right to read it must not keep it for ever.
const OLD: Duration = Duration::from_secs(3_600);

/// Secrets by namespace and name, each with the time of its reading.
#[derive(Default)]
pub(super) struct Secrets(Mutex<BTreeMap<(String, String), (Instant, Secret)>>);

impl Secrets {
    /// A secret, out of memory where it is there; whether it is.
    pub(super) async fn read(&self, door: &Arc<dyn Door>, namespace: &str, name: &str) -> Result<(Secret, bool), Trouble> {
        let key = (namespace.to_owned(), name.to_owned());
        let known = self
            .lock()
            .get(&key)
            .filter(|(at, _)| at.elapsed() < OLD)
            .map(|(_, secret)| secret.clone());
        if let Some(secret) = known {
            return Ok((secret, true));
        }
        let secret = door.secret(key.0.clone(), key.1.clone()).await.map_err(|error| match error.kind {
            ErrorKind::NotFound => Trouble::new(format!("there is no secret {namespace}/{name}")),
            _ => Trouble::of_backend(&error, "get", &format!("secrets/{name}"), namespace),
        })?;
        self.lock().insert(key, (Instant::now(), secret.clone()));
        Ok((secret, false))
    }

    /// It may have changed.
    pub(super) fn forget(&self, namespace: &str, name: &str) {
        self.lock().remove(&(namespace.to_owned(), name.to_owned()));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<(String, String), (Instant, Secret)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
