use leptos::prelude::*;

use super::ballot::REASON;
use super::icon::{Icon, Sign};
use crate::domain::poll::{Action, OptionId};
use crate::ui::room::Room;
use crate::ui::view::Show;
use crate::ui::words;

/// One option: a button that takes the vote, and a bar that shows the count.
#[component]
pub fn OptionCard(room: Room, id: OptionId, label: String) -> impl IntoView {
    let blocked = move || room.cannot_vote().is_some();
    let pressed = move || room.chose(id);
    let count = move || room.votes_for(id);
    let leading = move || count() > 0 && count() == room.lead().votes;
    let press = move |_| {
        if blocked() {
            return;
        }
        if let Some((poll, me)) = room.poll_and_me() {
            room.act(Action::Vote(poll.toggled(&me, id)));
        }
    };
    view! {
        <li class="option" class:option--chosen=move || pressed() class:option--leading=move || leading()>
            <button
                type="button"
                class="option__vote"
                aria-label=format!("Vote for {label}")
                aria-pressed=move || pressed().to_string()
                aria-disabled=move || blocked().then_some("true")
                aria-describedby=move || blocked().then_some(REASON)
                on:click=press
            >
                <span class="option__mark">
                    <Icon sign=Sign::Check />
                </span>
                <span class="option__label" dir="auto">
                    {label.clone()}
                </span>
            </button>
            <div class="option__result">
                <meter
                    class="bar"
                    aria-label=label
                    min="0"
                    max=move || room.voters().to_string()
                    value=move || count().to_string()
                ></meter>
                <p class="option__facts">
                    <span class="option__count">{move || words::votes(count(), room.voters())}</span>
                    <Show when=leading>
                        <span class="option__lead">{move || lead_words(room)}</span>
                    </Show>
                    <Show when=pressed>
                        <span class="option__mine">"Your choice"</span>
                    </Show>
                </p>
            </div>
        </li>
    }
}

/// What an option with the most votes is called.
fn lead_words(room: Room) -> String {
    match (room.is_open(), room.lead().tied) {
        (true, false) => "Leading",
        (true, true) => "Tied for the lead",
        (false, false) => "Most votes",
        (false, true) => "Tied for most votes",
    }
    .to_owned()
}
