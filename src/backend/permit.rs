//! Who may write: no part of extop, unless the write mode says so.

/// Mode of the process towards the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// No write can be made.
    ReadOnly,
    /// Writes can be made, through a confirmed plan.
    Write,
}

/// Leave to make one write. It cannot be constructed elsewhere, so that in read-only mode no write effect exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WritePermit(());

impl Access {
    /// A permit, in write mode only.
    pub fn permit(self) -> Option<WritePermit> {
        match self {
            Self::ReadOnly => None,
            Self::Write => Some(WritePermit(())),
        }
    }
}
