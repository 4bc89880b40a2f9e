use std::sync::Arc;

use leptos::ev::SubmitEvent;
use leptos::html::Dialog;
use leptos::prelude::*;

use super::checkbox::Checkbox;
use super::text_area::TextArea;
use crate::domain::poll::{Action, Edit, Poll};
use crate::domain::text::TextError;
use crate::ui::browser;
use crate::ui::room::Room;

/// Everything about a poll that may change without touching votes.
#[component]
pub fn EditDialog(room: Room, dialog: NodeRef<Dialog>) -> impl IntoView {
    let close = move || {
        if let Some(dialog) = dialog.get_untracked() {
            dialog.close();
        }
    };
    // Opened anew, it shows the poll as it stands; while it is open, nothing typed is touched.
    let opened = RwSignal::new(0_u32);
    view! {
        <dialog
            class="dialog"
            aria-labelledby="edit-title"
            node_ref=dialog
            on:close=move |_| opened.update(|times| *times += 1)
        >
            {move || {
                opened.track();
                let poll = untrack(|| room.poll())?;
                let close = Callback::new(move |()| close());
                Some(view! { <EditForm room poll close /> }.into_any())
            }}
        </dialog>
    }
}

#[component]
fn EditForm(room: Room, poll: Arc<Poll>, close: Callback<()>) -> impl IntoView {
    let question = RwSignal::new(poll.question.to_string());
    let description =
        RwSignal::new(poll.description.as_ref().map(ToString::to_string).unwrap_or_default());
    let participants_add_options = RwSignal::new(poll.participants_add_options);
    let listed = RwSignal::new(poll.listed);
    let attempted = RwSignal::new(false);
    let clean_question = move || browser::typed(&question.get());
    let clean_description = move || browser::typed_or_nothing(&description.get());
    let said = move |error: Option<TextError>| {
        error.filter(|_| attempted.get()).map(|error| error.to_string())
    };
    let question_error = Signal::derive(move || said(clean_question().err()));
    let description_error = Signal::derive(move || said(clean_description().err()));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        match (clean_question(), clean_description()) {
            (Ok(question), Ok(description)) if room.can_act() => {
                room.act(Action::Edit(Edit {
                    question,
                    description,
                    participants_add_options: participants_add_options.get_untracked(),
                    listed: listed.get_untracked(),
                }));
                close.run(());
            }
            _ => attempted.set(true),
        }
    };
    view! {
        <form class="dialog__form" novalidate on:submit=submit>
            <h2 id="edit-title" class="card__title">
                "Edit this poll"
            </h2>
            <p class="field__hint">"Votes stay as they are, and everybody sees the new words at once."</p>
            <TextArea
                id="edit-question"
                label="Question"
                value=question
                on_input=Callback::new(move |text| question.set(text))
                error=question_error
            />
            <TextArea
                id="edit-description"
                label="Description"
                value=description
                on_input=Callback::new(move |text| description.set(text))
                error=description_error
            />
            <Checkbox
                checked=participants_add_options
                on_change=Callback::new(move |on| participants_add_options.set(on))
                label="Participants may add options"
            />
            <Checkbox
                checked=listed
                on_change=Callback::new(move |on| listed.set(on))
                label="Show this poll to people who know only the owner's peer id"
            />
            <p class="field__error" role="alert">
                {move || room.out_of_reach().filter(|_| attempted.get()).unwrap_or_default().to_owned()}
            </p>
            <div class="panel__buttons">
                <button type="submit" class="button button--primary">
                    "Save changes"
                </button>
                <button type="button" class="button" on:click=move |_| close.run(())>
                    "Cancel"
                </button>
            </div>
        </form>
    }
}
