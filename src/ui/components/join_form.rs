use leptos::prelude::*;

use super::text_field::FieldError;
use crate::domain::identity::RoomRef;
use crate::runtime::App;
use crate::ui::{browser, links};

const FIELD: &str = "join-link";
const ERROR: &str = "join-error";

/// Takes a link, its last part, or an owner's peer id.
#[component]
pub fn JoinForm() -> impl IntoView {
    let app = expect_context::<App>();
    let go_to = links::use_go_to(app);
    let text = RwSignal::new(String::new());
    // Nobody is told off halfway through typing: only after a paste, on leaving, or on "Join".
    let finished = RwSignal::new(false);
    let place = move || RoomRef::parse(&text.get());
    let error = Signal::derive(move || {
        if finished.get() { place().err().map(|error| error.to_string()) } else { None }
    });
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if let Ok(room) = place() {
            go_to(room);
        } else {
            finished.set(true);
            browser::focus(FIELD);
        }
    };
    view! {
        <form class="join" novalidate on:submit=submit>
            <div class="field">
                <label class="field__label" for=FIELD>
                    "Link or peer id"
                </label>
                <div class="join__row">
                    <input
                        id=FIELD
                        class="field__input"
                        type="text"
                        inputmode="url"
                        autocomplete="off"
                        autocapitalize="none"
                        spellcheck="false"
                        placeholder="Paste what you were sent"
                        prop:value=move || text.get()
                        on:input:target=move |event| {
                            text.set(event.target().value());
                            if text.with_untracked(String::is_empty) {
                                finished.set(false);
                            }
                        }
                        on:paste=move |_| finished.set(true)
                        on:change=move |_| finished.set(!text.with_untracked(String::is_empty))
                        aria-invalid=move || error.with(Option::is_some).then_some("true")
                        aria-describedby=move || error.with(Option::is_some).then_some(ERROR)
                    />
                    <button type="submit" class="button">
                        "Join"
                    </button>
                </div>
                <FieldError id=ERROR.to_owned() error />
            </div>
        </form>
    }
}
