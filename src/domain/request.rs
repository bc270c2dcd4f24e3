//! From a change to the exact request that makes it, and back to its inverse.

use super::World;
use super::change::{Change, Request};

/// The request that makes a change on the objects as they are now, with their resource version as optimistic lock.
/// The error is a sentence that says why it cannot be made.
pub fn request(_change: &Change, _world: &World) -> Result<Request, String> {
    Err("not yet".to_owned())
}

/// The change is there already.
pub fn holds(_change: &Change, _world: &World) -> bool {
    false
}

/// The change that would put back what `change` is about to alter; `None` when it cannot be put back (a restart).
pub fn inverse(_change: &Change, _world: &World) -> Option<Change> {
    None
}
