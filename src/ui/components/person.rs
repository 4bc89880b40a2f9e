use leptos::prelude::*;

use crate::domain::identity::PublicKey;
use crate::domain::poll::{Action, Role, RoleUpdate};
use crate::ui::room::Room;
use crate::ui::view::{For, Show, memo};
use crate::ui::words;

/// One person: whether they are here, whether they voted, and their role.
#[component]
pub fn PersonLine(room: Room, who: PublicKey) -> impl IntoView {
    let name = Signal::derive(move || words::name_in(room.poll().as_deref(), &who));
    let you = move || if room.me() == Some(who) { " (you)" } else { "" }.to_owned();
    let presence = move || if room.is_here(who) { "here" } else { "away" }.to_owned();
    let voted = move || {
        let voted = room.poll().is_some_and(|poll| poll.votes.contains_key(&who));
        if voted { ", voted" } else { ", no vote" }.to_owned()
    };
    view! {
        <li class="person">
            <span class="person__dot" class:person__dot--here=move || room.is_here(who)></span>
            <span class="person__name">
                <bdi>{move || name.get()}</bdi>
                {move || you()}
            </span>
            <span class="person__facts">
                {move || presence()}
                {move || voted()}
            </span>
            // With one role alone there is nothing to choose.
            <Show
                when=move || { choices(room, who).len() > 1 }
                fallback=move || view! { <span class="person__role">{move || role_of(room, who).to_owned()}</span> }
            >
                <RoleSelect room who name />
            </Show>
        </li>
    }
}

fn role_of(room: Room, who: PublicKey) -> &'static str {
    words::role(room.poll().map(|poll| poll.role_of(&who)).unwrap_or_default())
}

/// The roles that this person may be given by us.
fn choices(room: Room, who: PublicKey) -> Vec<Role> {
    let Some((poll, me)) = room.poll_and_me() else { return vec![] };
    Role::ALL.into_iter().filter(|role| poll.may_set_role(&me, &who, *role).is_ok()).collect()
}

#[component]
fn RoleSelect(room: Room, who: PublicKey, name: Signal<String>) -> impl IntoView {
    let role = memo(move || role_of(room, who).to_owned());
    let change = move |chosen: String| {
        let chosen = Role::ALL.into_iter().find(|role| words::role(*role) == chosen);
        if let (Some(role), true) = (chosen, room.can_act()) {
            room.act(Action::SetRole(RoleUpdate { peer: who, role }));
        }
    };
    view! {
        <select
            class="person__select"
            aria-label=move || format!("Role of {}", name.get())
            disabled=move || !room.can_act()
            prop:value=move || role.get()
            on:change:target=move |event| change(event.target().value())
        >
            <For
                each=move || choices(room, who)
                key=|role| words::role(*role).to_owned()
                children=move |choice| {
                    view! {
                        <option value=words::role(choice) selected=move || role.get() == words::role(choice)>
                            {words::role(choice)}
                        </option>
                    }
                }
            />
        </select>
    }
}
