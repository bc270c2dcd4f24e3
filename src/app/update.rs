//! The one function that changes the model. It routes, and nothing else.

use super::effect::Effect;
use super::model::Model;
use super::msg::Msg;

/// Folds one message into the model and tells what is to be done about it.
pub fn update(_model: &mut Model, _msg: Msg) -> Vec<Effect> {
    Vec::new()
}
