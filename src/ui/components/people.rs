use leptos::prelude::*;

use super::person::PersonLine;
use crate::ui::format;
use crate::ui::room::Room;
use crate::ui::view::{For, Show, memo};

/// People listed before "Show everybody" is pressed.
const SHOWN_AT_FIRST: usize = 12;

/// Who took part or is here now.
#[component]
pub fn People(room: Room) -> impl IntoView {
    let all = RwSignal::new(false);
    let people = memo(move || room.people());
    let count = move || people.with(Vec::len);
    let here =
        move || people.with(|people| people.iter().filter(|person| person.is_here()).count());
    let shown = move || {
        let mut people = people.get();
        if !all.get() {
            people.truncate(SHOWN_AT_FIRST);
        }
        people
    };
    view! {
        <section class="panel" aria-labelledby="people-title">
            <h2 id="people-title" class="panel__title">
                "People"
            </h2>
            <p class="field__hint">
                {move || {
                    format!("{} in this poll, {} here now", format::number(count()), format::number(here()))
                }}
            </p>
            <ul class="people">
                <For
                    each=shown
                    key=|person| person.who.to_string()
                    children=move |person| view! { <PersonLine room who=person.who /> }
                />
            </ul>
            <Show when=move || !all.get() && (count() > SHOWN_AT_FIRST)>
                <button type="button" class="button button--small" on:click=move |_| all.set(true)>
                    {move || format!("Show all {}", format::number(count()))}
                </button>
            </Show>
        </section>
    }
}
