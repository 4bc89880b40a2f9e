use std::time::Duration;

use leptos::prelude::*;

use super::qr::QrCode;
use crate::ui::announcer::use_announcer;
use crate::ui::room::Room;
use crate::ui::view::Show;
use crate::ui::{browser, links};

const FIELD: &str = "poll-link";
/// How long "Copied" stays.
const COPIED_FOR: Duration = Duration::from_secs(4);

/// How other people get here.
#[component]
pub fn Share(room: Room) -> impl IntoView {
    let announcer = use_announcer();
    let link = links::share(room.app, room.at());
    let note = RwSignal::new(String::new());
    let say = move |words: &'static str| {
        note.set(words.to_owned());
        announcer.say(words);
        set_timeout(
            move || {
                note.try_set(String::new());
            },
            COPIED_FOR,
        );
    };
    let copy = {
        let link = link.clone();
        move |_| {
            let link = link.clone();
            leptos::task::spawn_local(async move {
                if browser::copy(&link).await {
                    say("Copied");
                } else {
                    browser::select(FIELD);
                    say("Selected: copy it with Ctrl+C or the menu");
                }
            });
        }
    };
    let native_share = browser::can_share().then(|| {
        let link = link.clone();
        let share = move |_| {
            let title = room.poll().map(|poll| poll.question.to_string()).unwrap_or_default();
            browser::share(&title, &link);
        };
        view! {
            <button type="button" class="button" on:click=share>
                "Share …"
            </button>
        }
    });
    let guest_link = links::guest(room.app, room.at());
    view! {
        <section class="panel share" aria-labelledby="share-title">
            <h2 id="share-title" class="panel__title">
                "Invite people"
            </h2>
            <QrCode text=link.clone() />
            <div class="share__link">
                <label class="field__label" for=FIELD>
                    "Poll link"
                </label>
                <input
                    id=FIELD
                    class="field__input field__input--code"
                    type="text"
                    readonly
                    dir="ltr"
                    value=link
                    on:focus:target=|event| event.target().select()
                />
                <div class="share__buttons">
                    <button type="button" class="button button--primary" on:click=copy>
                        "Copy link"
                    </button>
                    {native_share}
                    <span class="share__note">{move || note.get()}</span>
                </div>
            </div>
            <Show when=move || room.is_owner()>
                <p class="share__guest">
                    <a href=guest_link.clone() target="_blank" rel="noopener">
                        "Open as a guest"
                    </a>
                    " to try it out: a new tab that is somebody else."
                </p>
            </Show>
        </section>
    }
}
