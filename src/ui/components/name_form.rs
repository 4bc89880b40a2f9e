use leptos::ev::SubmitEvent;
use leptos::prelude::*;

use super::text_field::TextField;
use crate::domain::poll::{Action, UserProfile};
use crate::ui::browser;
use crate::ui::room::Room;
use crate::ui::view::memo;

/// What the others call this person. Optional.
#[component]
pub fn NameForm(room: Room) -> impl IntoView {
    let known = memo(move || {
        let (poll, me) = room.poll_and_me()?;
        poll.names.get(&me).map(ToString::to_string)
    });
    // Until something is typed, the field shows the name that the poll knows.
    let typed = RwSignal::new(None::<String>);
    let text = Signal::derive(move || typed.get().or_else(|| known.get()).unwrap_or_default());
    let attempted = RwSignal::new(false);
    let name = move || browser::typed_or_nothing(&text.get());
    let error = Signal::derive(move || {
        if attempted.get() { name().err().map(|error| error.to_string()) } else { None }
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        attempted.set(true);
        if let (Ok(name), true) = (name(), room.can_act()) {
            room.act(Action::Profile(UserProfile { name }));
            typed.set(None);
        }
    };
    view! {
        <section class="panel" aria-labelledby="name-title">
            <h2 id="name-title" class="panel__title">
                "You"
            </h2>
            <form class="inline-form" novalidate on:submit=submit>
                <TextField
                    id="your-name"
                    label="Your name"
                    value=text
                    on_input=Callback::new(move |text| typed.set(Some(text)))
                    error
                    autocomplete="nickname"
                    placeholder="Optional"
                />
                <button
                    type="submit"
                    class="button"
                    aria-disabled=move || (!room.can_act()).then_some("true")
                    aria-describedby="name-reason"
                >
                    "Save name"
                </button>
                <p id="name-reason" class="field__hint">
                    {move || room.out_of_reach().unwrap_or("Everybody in this poll sees it beside your vote.").to_owned()}
                </p>
            </form>
        </section>
    }
}
