//! A plan as text.

use std::fmt::Write as _;

use crate::workflow::run::Run;

/// Checks, steps with what they bring about, and what is sent.
pub(super) fn text(run: &Run) -> String {
    let mut text = format!("plan: {}\n", run.intent.title());
    for step in &run.plan.steps {
        // Writing to a string does not fail.
        let _ = writeln!(text, "  {}", step.title);
    }
    text
}
