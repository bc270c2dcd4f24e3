//! Which text editor must be open: it follows from what is on the screen, so that no way in or out can forget it.

use crate::app::effect::Effect;
use crate::app::model::{Model, Overlay};
use crate::app::msg::EditorId;
use crate::workflow::FieldKind;
use crate::workflow::run::{Phase, Run};

/// An editor that is wanted.
struct Wanted {
    editor: EditorId,
    text: String,
    multiline: bool,
}

/// Opens or closes the runtime's editor when it is not the one that is wanted, or has another text.
pub(super) fn settle(model: &mut Model) -> Option<Effect> {
    let wanted = wanted(model);
    let open = model.editor.as_ref();
    match wanted {
        Some(wanted) if open.is_some_and(|(editor, text)| *editor == wanted.editor && *text == wanted.text) => None,
        Some(Wanted { editor, text, multiline }) => {
            model.editor = Some((editor, text.clone()));
            model.dirty = true;
            Some(Effect::Edit { editor, text, multiline })
        }
        None => model.editor.take().map(|_| Effect::EndEdit),
    }
}

fn wanted(model: &Model) -> Option<Wanted> {
    let line = |editor, text: &str| Wanted {
        editor,
        text: text.to_owned(),
        multiline: false,
    };
    match model.overlays.last() {
        Some(Overlay::Form(_, form)) => {
            let field = form.fields.get(form.focus)?;
            Some(Wanted {
                editor: EditorId::Field(field.id),
                text: field.value.clone(),
                multiline: field.kind == FieldKind::Lines,
            })
        }
        Some(Overlay::Palette(text, _)) => Some(line(EditorId::Palette, text)),
        Some(Overlay::Run(id, _, typed)) => model
            .run(id)
            .is_some_and(asks_for_words)
            .then(|| line(EditorId::Confirmation, typed)),
        Some(_) => None,
        None => {
            let pane = model.screen.filtering.as_ref()?.pane;
            Some(line(EditorId::Filter, model.screen.filter(pane).text()))
        }
    }
}

/// The plan can be confirmed, and something must be typed for it.
fn asks_for_words(run: &Run) -> bool {
    let plan = &run.plan;
    run.phase == Phase::Review && !run.to_type().is_empty() && !plan.is_refused() && plan.text_only.is_none()
}
