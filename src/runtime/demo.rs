//! The built-in simulator as the only target.

use std::sync::Arc;

use futures::future::BoxFuture;

use super::connect::{Connect, Connection};
use crate::backend::{Access, BackendError, ErrorKind, Observe, Operate};
use crate::config::{Place, Settings};
use crate::sim::{Scenario, Simulator};

/// Opens a scenario, a fresh one each time.
pub(super) struct Demo {
    scenario: Scenario,
    access: Access,
}

impl Demo {
    /// A built-in scenario, or a file.
    pub(super) fn new(settings: &Settings, scenario: Option<&str>) -> Result<Self, BackendError> {
        let name = scenario.unwrap_or("healthy");
        let bad = |why: String| BackendError::new(ErrorKind::Config, why);
        let scenario = match std::path::Path::new(name).extension() {
            Some(extension) if extension == "toml" => {
                let text = std::fs::read_to_string(name).map_err(|error| bad(format!("the scenario {name} cannot be read: {error}")))?;
                Scenario::parse(name, &text)
            }
            _ => Scenario::built_in(name),
        };
        Ok(Self {
            scenario: scenario.map_err(bad)?,
            access: settings.access,
        })
    }

    /// A scenario that is there, to be looked at only.
    #[cfg(test)]
    pub(super) fn of(scenario: Scenario) -> Self {
        Self {
            scenario,
            access: Access::ReadOnly,
        }
    }
}

impl Connect for Demo {
    fn open(&self, _place: Place) -> BoxFuture<'static, Result<Connection, BackendError>> {
        let (scenario, access) = (self.scenario.clone(), self.access);
        Box::pin(async move {
            let simulator = Simulator::start(&scenario);
            let operate = (access == Access::Write).then(|| simulator.clone() as Arc<dyn Operate>);
            Ok(Connection {
                context: simulator.target().context,
                target: simulator.target(),
                observe: simulator as Arc<dyn Observe>,
                operate,
            })
        })
    }

    fn contexts(&self) -> BoxFuture<'static, Result<Vec<String>, BackendError>> {
        Box::pin(std::future::ready(Ok(vec!["demo".to_owned()])))
    }
}
