use leptos::prelude::*;
use leptos_router::hooks::use_location;

use super::bad_link::BadLink;
use super::lobby::Lobby;
use super::room::RoomPage;
use crate::domain::identity::RoomRef;
use crate::runtime::App;
use crate::ui::room::Room;
use crate::ui::view::{For, effect, memo};

/// What the part of the address after `#` names: a poll, an owner's lobby, or nothing.
#[component]
pub fn PollPage() -> impl IntoView {
    let app = expect_context::<App>();
    let hash = use_location().hash;
    let place = memo(move || RoomRef::parse(&hash.get()));
    effect(move || app.watch(place.get().ok()));
    on_cleanup(move || app.watch(None));
    // A list of one: of another place's page nothing is taken over.
    view! {
        <For
            each=move || vec![place.get()]
            key=|place| place.as_ref().map_or_else(ToString::to_string, RoomRef::to_fragment)
            children=move |place| match place {
                Err(error) => view! { <BadLink words=error.to_string() /> }.into_any(),
                Ok(at) if at.is_lobby() => view! { <Lobby room=Room::new(app, at) /> }.into_any(),
                Ok(at) => view! { <RoomPage room=Room::new(app, at) /> }.into_any(),
            }
        />
    }
}
