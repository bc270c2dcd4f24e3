//! The application: what is known, what is shown, what is going on, and the one function that changes it.

pub mod action;
pub mod age;
pub mod effect;
pub mod filter;
pub mod keymap;
pub mod keys;
pub mod listing;
pub mod model;
pub mod msg;
pub mod palette;
pub mod update;

pub use action::Action;
pub use effect::Effect;
pub use keys::{Key, KeyChord};
pub use model::{Model, Session};
pub use msg::Msg;
pub use update::update;

#[cfg(test)]
pub(crate) mod tests;
