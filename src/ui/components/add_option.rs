use leptos::ev::SubmitEvent;
use leptos::prelude::*;

use super::text_field::TextField;
use crate::domain::poll::{Action, NewOption, OPTIONS_MAX};
use crate::ui::browser;
use crate::ui::room::Room;
use crate::ui::view::Show;

const FIELD: &str = "new-option";

/// Adds an option to a running poll, for whoever may.
#[component]
pub fn AddOption(room: Room) -> impl IntoView {
    let allowed =
        move || room.poll_and_me().is_some_and(|(poll, me)| poll.open && poll.may_add_options(&me));
    let text = RwSignal::new(String::new());
    let attempted = RwSignal::new(false);
    let checked = move || {
        let label = browser::typed(&text.get()).map_err(|error| error.to_string())?;
        let action = Action::AddOption(NewOption { label });
        let (poll, me) =
            room.poll_and_me().ok_or_else(|| "The poll is not here yet.".to_owned())?;
        poll.check(&me, &action).map_err(|refusal| refusal.message().to_owned())?;
        Ok::<Action, String>(action)
    };
    let error = Signal::derive(move || if attempted.get() { checked().err() } else { None });
    // Why nothing can be added now.
    let reason = move || {
        if room.poll().is_some_and(|poll| poll.options.len() >= OPTIONS_MAX) {
            Some("This poll holds as many options as it can.")
        } else {
            room.out_of_reach()
        }
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if reason().is_some() {
            return;
        }
        match checked() {
            Ok(action) => {
                room.act(action);
                text.set(String::new());
                attempted.set(false);
            }
            Err(_) => attempted.set(true),
        }
        browser::focus(FIELD);
    };
    view! {
        <Show when=allowed>
            <form class="inline-form add-option" novalidate on:submit=submit>
                <TextField
                    id=FIELD
                    label="New option"
                    value=text
                    on_input=Callback::new(move |typed| {
                        text.set(typed);
                        attempted.set(false);
                    })
                    error
                    placeholder="Something that is missing above"
                />
                <button
                    type="submit"
                    class="button"
                    aria-disabled=move || reason().map(|_| "true")
                    aria-describedby="new-option-reason"
                >
                    "Add to poll"
                </button>
                <p id="new-option-reason" class="field__hint">
                    {move || reason().unwrap_or_default().to_owned()}
                </p>
            </form>
        </Show>
    }
}
