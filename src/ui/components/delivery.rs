use leptos::prelude::*;

use super::receipt::ReceiptDetails;
use crate::runtime::view::Pending;
use crate::ui::room::Room;
use crate::ui::view::{For, Show};
use crate::ui::words;

/// How far everything has come that this device asked for: saved here, sent, confirmed.
#[component]
pub fn Delivery(room: Room) -> impl IntoView {
    let idle = move || room.pending().is_empty() && room.receipt().is_none();
    view! {
        <section class="delivery" aria-labelledby="delivery-title">
            <h2 id="delivery-title" class="eyebrow">
                "Your vote"
            </h2>
            <ul class="delivery__list">
                <For
                    each=move || room.pending()
                    key=|pending| format!("{} {}", pending.id, pending.stage as u8)
                    children=move |pending| view! { <PendingLine room pending /> }
                />
            </ul>
            <Show when=move || room.receipt().is_some()>
                <ReceiptDetails room />
            </Show>
            <Show when=idle>
                <p class="delivery__none">
                    "Once you vote, it says here how far your vote has come, down to the owner's signed receipt."
                </p>
            </Show>
        </section>
    }
}

#[component]
fn PendingLine(room: Room, pending: Pending) -> impl IntoView {
    let what = words::action(&pending.action, room.poll().as_deref());
    view! {
        <li class="delivery__line">
            <span dir="auto">{what}</span>
            ": "
            <strong>{words::stage(pending.stage)}</strong>
        </li>
    }
}
