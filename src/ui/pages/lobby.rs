use leptos::prelude::*;

use crate::domain::identity::RoomRef;
use crate::runtime::view::ListedPoll;
use crate::ui::components::Connection;
use crate::ui::room::Room;
use crate::ui::{browser, links, words};

/// What somebody sees who knows only the owner's peer id.
#[component]
pub fn Lobby(room: Room) -> impl IntoView {
    let owner = words::short_key(&room.at().owner);
    browser::set_title(&format!("Polls of {owner} – Peerpoll"));
    let listed = move || match room.listed() {
        None => view! { <Skeleton /> }.into_any(),
        Some(polls) if polls.is_empty() => view! {
            <p class="empty">
                "This owner lists no open polls. Ask them for the link of the poll itself."
            </p>
        }
        .into_any(),
        Some(polls) => view! {
            <ul class="poll-list">
                {polls.iter().map(|poll| listed_poll(room, poll)).collect_view()}
            </ul>
        }
        .into_any(),
    };
    view! {
        <div class="lobby">
            <Connection room />
            <p class="eyebrow">"Owner " <code>{owner}</code> " …"</p>
            <h1 class="message__title">"Open polls of this owner"</h1>
            {move || listed()}
        </div>
    }
}

fn listed_poll(room: Room, poll: &ListedPoll) -> AnyView {
    let at = RoomRef { owner: room.at().owner, poll: poll.poll_id };
    view! {
        <li class="poll-list__item">
            <a class="poll-list__link" href=links::room(room.app, at) dir="auto">
                {poll.question.to_string()}
            </a>
        </li>
    }
    .into_any()
}

#[component]
fn Skeleton() -> impl IntoView {
    view! {
        <div class="skeleton" aria-hidden="true">
            <span class="skeleton__line"></span>
            <span class="skeleton__line"></span>
        </div>
    }
}
