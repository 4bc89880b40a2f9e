use leptos::prelude::*;

use super::icon::{Icon, Sign};
use crate::runtime::view::{Intent, Rejected, Warning};
use crate::ui::room::Room;
use crate::ui::view::{For, Show};
use crate::ui::words;

/// What went wrong in this room, or is about to: commands that were not accepted, and whatever the room warns of.
#[component]
pub fn Alerts(room: Room) -> impl IntoView {
    view! {
        <Show when=move || room.warning() == Some(Warning::HistoryChanged)>
            <div class="alert alert--bad" role="alert">
                <Icon sign=Sign::Warning />
                <p>
                    <strong>"The owner now shows a different history."</strong>
                    " It does not contain everything that this device has seen before: the owner may have gone \
                    back to an older copy, or left something out. Compare your receipt with the owner."
                </p>
            </div>
        </Show>
        <Show when=move || room.warning() == Some(Warning::NearlyFull)>
            <div class="alert" role="status">
                <Icon sign=Sign::Warning />
                <p>
                    <strong>"Your room is almost full."</strong>
                    " A browser can't hold many more connections. Whoever finds it full gets in when somebody leaves."
                </p>
            </div>
        </Show>
        <For
            each=move || room.rejected()
            key=|rejected| rejected.id.to_string()
            children=move |rejected| view! { <RejectedAlert room rejected /> }
        />
    }
}

#[component]
fn RejectedAlert(room: Room, rejected: Rejected) -> impl IntoView {
    let what = words::action(&rejected.action, room.poll().as_deref());
    let dismiss = Intent::Dismiss { room: room.at(), command: rejected.id };
    view! {
        <div class="alert" role="alert">
            <Icon sign=Sign::Warning />
            <p>
                <strong dir="auto">{what}</strong>
                " did not go through. "
                {rejected.message}
            </p>
            <button
                type="button"
                class="button button--small"
                on:click=move |_| room.app.dispatch(dismiss.clone())
            >
                "Dismiss"
            </button>
        </div>
    }
}
