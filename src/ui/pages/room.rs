use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use leptos::ev;
use leptos::prelude::*;

use crate::ui::announcer::use_announcer;
use crate::ui::browser::ScreenOn;
use crate::ui::components::{
    AddOption, Alerts, Ballot, Connection, Delivery, Manage, NameForm, PendingSync, People,
    Privacy, Share, Waiting,
};
use crate::ui::room::Room;
use crate::ui::view::{Show, effect, memo};
use crate::ui::{browser, words};

/// Changes of the count are read out at most this often.
const SPOKEN_EVERY: Duration = Duration::from_secs(4);

/// From here on a question is set smaller.
const LONG_QUESTION_CHARS: usize = 110;

/// A poll.
#[component]
pub fn RoomPage(room: Room) -> impl IntoView {
    announce_changes(room);
    let presenting = presenting();
    let question = memo(move || room.poll().map(|poll| poll.question.to_string()));
    let known = Signal::derive(move || question.with(Option::is_some));
    effect(move || {
        let title = question.get().unwrap_or_else(|| "Joining a poll".into());
        browser::set_title(&format!("{title} – Peerpoll"));
    });
    let present = move |_| {
        let on = !presenting.get_untracked();
        presenting.set(on);
        if on { browser::enter_fullscreen() } else { browser::leave_fullscreen() }
    };
    let long = move || {
        question.with(|text| {
            text.as_ref().is_some_and(|text| text.chars().count() > LONG_QUESTION_CHARS)
        })
    };
    let content = move || {
        view! {
            <div class="room__main">
                <Alerts room />
                <header class="question">
                    <h1 class="question__text" class:question__text--long=move || long() dir="auto">
                        {move || question.get().unwrap_or_default()}
                    </h1>
                    <Description room />
                </header>
                <Ballot room />
                <AddOption room />
                <Delivery room />
            </div>
            <aside class="room__side" aria-label="About this poll">
                <Share room />
                <Manage room />
                <NameForm room />
                <Privacy />
            </aside>
            <div class="room__people">
                <People room />
            </div>
        }
    };
    view! {
        <div class="room" class:room--presenting=move || presenting.get()>
            <div class="room__bar">
                <Connection room />
                <PendingSync room />
                <Show when=known>
                    <button type="button" class="button button--quiet room__present" on:click=present>
                        {move || if presenting.get() { "Leave presentation" } else { "Present" }}
                    </button>
                </Show>
            </div>
            <Show when=known fallback=move || view! { <Waiting room /> }>
                {content()}
            </Show>
        </div>
    }
}

#[component]
fn Description(room: Room) -> impl IntoView {
    let text = move || {
        let poll = room.poll()?;
        poll.description.as_ref().map(ToString::to_string)
    };
    view! {
        <Show when=move || text().is_some()>
            <p class="question__description" dir="auto">
                {move || text().unwrap_or_default()}
            </p>
        </Show>
    }
}

/// Whether the page is shown to a room full of people. Leaving full screen by any way ends it.
fn presenting() -> RwSignal<bool> {
    let presenting = RwSignal::new(false);
    let left = window_event_listener(ev::fullscreenchange, move |_| {
        if !browser::in_fullscreen() {
            presenting.set(false);
        }
    });
    // Where full screen was refused, Escape reaches the page.
    let escaped = window_event_listener(ev::keydown, move |event| {
        if event.key() == "Escape" && presenting.get_untracked() {
            presenting.set(false);
        }
    });
    on_cleanup(move || {
        left.remove();
        escaped.remove();
    });
    // Dropped, and the screen let go, when presenting ends or the page goes.
    let screen = StoredValue::new_local(None::<ScreenOn>);
    effect(move || screen.set_value(presenting.get().then(ScreenOn::ask).flatten()));
    presenting
}

/// Reads out what changed without anybody having pressed anything.
fn announce_changes(room: Room) {
    let announcer = use_announcer();

    let mut before = None;
    effect(move || {
        let words = words::connection_change(&room.link());
        if before.replace(words).is_some_and(|before| before != words) {
            announcer.say(words);
        }
    });

    let mut before = 0;
    effect(move || {
        let pending = room.pending().len();
        if pending == 0 && before > 0 {
            announcer.say("Confirmed by the owner");
        }
        before = pending;
    });

    let mut before = None;
    let due = Rc::new(Cell::new(false));
    effect(move || {
        let tally = room.poll().map(|_| room.tally());
        let changed = before.is_some() && tally.is_some() && tally != before;
        before = tally;
        if changed && !due.replace(true) {
            let due = Rc::clone(&due);
            set_timeout(
                move || {
                    due.set(false);
                    // The page may be gone by now.
                    if let Some(words) = room.spoken_tally() {
                        announcer.say(words);
                    }
                },
                SPOKEN_EVERY,
            );
        }
    });
}
