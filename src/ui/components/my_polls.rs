use leptos::prelude::*;

use super::storage_note::StorageNote;
use crate::domain::identity::RoomRef;
use crate::runtime::App;
use crate::runtime::view::{Intent, Summary};
use crate::ui::view::{For, Show};
use crate::ui::{format, links, words};

/// Polls owned and joined with this browser.
#[component]
pub fn MyPolls() -> impl IntoView {
    let app = expect_context::<App>();
    let owned = Signal::derive(move || {
        app.view().with(|view| view.as_ref().map_or_else(Vec::new, |view| view.owned.clone()))
    });
    let joined = Signal::derive(move || {
        app.view().with(|view| view.as_ref().map_or_else(Vec::new, |view| view.joined.clone()))
    });
    view! {
        <section class="mine" aria-labelledby="mine-title">
            <h2 id="mine-title" class="section-title">
                "My polls"
            </h2>
            <Show when=move || owned.get().is_empty() && joined.get().is_empty()>
                <p class="empty">
                    "Polls that you make or join with this browser are listed here, and stay readable offline."
                </p>
            </Show>
            <PollList title="Made by me" polls=owned forget=false />
            <Show when=move || !owned.get().is_empty()>
                <StorageNote />
            </Show>
            <PollList title="Joined" polls=joined forget=true />
        </section>
    }
}

#[component]
fn PollList(title: &'static str, polls: Signal<Vec<Summary>>, forget: bool) -> impl IntoView {
    view! {
        <Show when=move || !polls.get().is_empty()>
            <h3 class="eyebrow">{title}</h3>
            <ul class="poll-list">
                <For
                    each=move || polls.get()
                    key=|summary| summary.room.to_fragment()
                    children=move |summary| view! { <PollLine room=summary.room polls forget /> }
                />
            </ul>
        </Show>
    }
}

#[component]
fn PollLine(room: RoomRef, polls: Signal<Vec<Summary>>, forget: bool) -> impl IntoView {
    let app = expect_context::<App>();
    let summary = move || polls.get().into_iter().find(|summary| summary.room == room);
    let question = move || summary().map(|summary| summary.question).unwrap_or_default();
    let open = move || summary().is_some_and(|summary| summary.open);
    let date = move || {
        let date = summary().map(|summary| format::date(summary.at)).unwrap_or_default();
        if forget { format!("last seen {date}") } else { date }
    };
    view! {
        <li class="poll-list__item">
            <a class="poll-list__link" href=links::room(app, room) dir="auto">
                {move || question()}
            </a>
            <p class="poll-list__facts">
                <span class="tag" class:tag--open=move || open()>
                    {move || if open() { "Open" } else { "Closed" }.to_owned()}
                </span>
                <span>{move || words::voters(summary().map_or(0, |summary| summary.voters))}</span>
                <span>{move || date()}</span>
            </p>
            {forget
                .then(|| {
                    view! {
                        <button
                            type="button"
                            class="button button--quiet poll-list__forget"
                            aria-label=move || format!("Forget {}", question())
                            on:click=move |_| app.dispatch(Intent::Forget { room })
                        >
                            "Forget"
                        </button>
                    }
                })}
        </li>
    }
}
