use leptos::prelude::*;

use crate::runtime::view::{Code, LinkView, LostCause};
use crate::ui::room::Room;
use crate::ui::view::Show;

/// A poll that this device has never seen, while its owner is looked for.
#[component]
pub fn Waiting(room: Room) -> impl IntoView {
    let title = move || match room.link() {
        LinkView::Reconnecting { cause: LostCause::TurnedAway(Code::RoomFull), .. } => {
            "The room is full".to_owned()
        }
        LinkView::Connecting | LinkView::Connected | LinkView::Reconnecting { .. } => {
            "Joining the poll …".to_owned()
        }
        LinkView::OwnerOffline { .. } => "The owner is offline".to_owned(),
        LinkView::Refused { message, .. } => message,
    };
    let advice = move || match room.link() {
        LinkView::Reconnecting { cause: LostCause::TurnedAway(Code::RoomFull), .. } => {
            "Keep this page open: it joins by itself as soon as there is room."
        }
        LinkView::Connecting | LinkView::Connected | LinkView::Reconnecting { .. } => {
            "A poll lives in its owner's browser. It appears here as soon as that one answers."
        }
        LinkView::OwnerOffline { .. } => {
            "This poll lives in its owner's browser, which can't be reached at the moment, and this \
                 device has no copy of it yet. Keep this page open: it joins by itself. Or ask the owner \
                 to open the poll."
        }
        LinkView::Refused { .. } => {
            "The owner's browser answered, but does not show this poll. Check the link with the owner; \
                 this page keeps trying."
        }
    };
    let on_its_way = move || match room.link() {
        LinkView::Reconnecting { cause: LostCause::TurnedAway(Code::RoomFull), .. }
        | LinkView::OwnerOffline { .. }
        | LinkView::Refused { .. } => false,
        LinkView::Connecting | LinkView::Connected | LinkView::Reconnecting { .. } => true,
    };
    view! {
        <div class="waiting">
            <h1 class="message__title">{move || title()}</h1>
            <p>{move || advice().to_owned()}</p>
            <Show when=on_its_way>
                <div class="skeleton" aria-hidden="true">
                    <span class="skeleton__line"></span>
                    <span class="skeleton__card"></span>
                    <span class="skeleton__card"></span>
                    <span class="skeleton__card"></span>
                </div>
            </Show>
        </div>
    }
}
