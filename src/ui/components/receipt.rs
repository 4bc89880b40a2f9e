use leptos::prelude::*;

use crate::domain::log::Receipt;
use crate::ui::format;
use crate::ui::room::Room;

/// The owner's signed word for a vote. A newer one takes its place without closing it.
#[component]
pub fn ReceiptDetails(room: Room) -> impl IntoView {
    let fact =
        move |take: fn(&Receipt) -> String| room.receipt().as_ref().map(take).unwrap_or_default();
    let line = move |term: &'static str, take: fn(&Receipt) -> String| {
        view! {
            <div class="facts__line">
                <dt>{term}</dt>
                <dd>{move || fact(take)}</dd>
            </div>
        }
    };
    view! {
        <details class="receipt">
            <summary class="receipt__summary">
                {move || fact(|receipt| format!("Confirmed – revision {}", revision(receipt)))}
            </summary>
            <p>
                "The owner signed for your newest vote. If it ever goes missing from the poll, this proves that it \
                was there."
            </p>
            <dl class="facts">
                {line("Place in the log", |receipt| format!("revision {}", revision(receipt)))}
                {line("Owner's clock", |receipt| format::moment(receipt.time_ms))}
                {line("Log entry", |receipt| receipt.entry_hash.to_string())}
                {line("Your command", |receipt| receipt.command_hash.to_string())}
                {line("Command id", |receipt| receipt.command_id.to_string())}
                {line("Owner's signature", |receipt| receipt.signature.to_string())}
            </dl>
        </details>
    }
}

fn revision(receipt: &Receipt) -> String {
    usize::try_from(receipt.revision).map_or_else(|_| receipt.revision.to_string(), format::number)
}
