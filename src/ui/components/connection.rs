use leptos::prelude::*;

use crate::runtime::view::{Intent, LinkView};
use crate::ui::room::Room;
use crate::ui::view::Show;
use crate::ui::words;

/// How the connection stands, why, and a way to try at once.
#[component]
pub fn Connection(room: Room) -> impl IntoView {
    let app = room.app;
    let text = move || words::connection(&room.link(), room.cached_at(), app.now().get());
    let cause =
        move || words::connection_cause(&room.link(), room.is_owner(), room.others_online());
    let next_try = move || words::next_try(&room.link(), app.now().get()).unwrap_or_default();
    let waiting = move || match room.link() {
        LinkView::Connecting | LinkView::Connected => false,
        LinkView::Reconnecting { .. }
        | LinkView::OwnerOffline { .. }
        | LinkView::Refused { .. } => true,
    };
    // The countdown would be read out every second: changes are announced in a few words instead.
    view! {
        <div class="connection">
            <p class=move || chip_class(&room.link()) role="status" aria-live="off" aria-label="Connection">
                {move || text()}
            </p>
            <p class="connection__cause">
                {move || cause()} " " {move || next_try()}
            </p>
            <Show when=waiting>
                <button
                    type="button"
                    class="button button--small"
                    on:click=move |_| app.dispatch(Intent::TryNow)
                >
                    "Try now"
                </button>
            </Show>
        </div>
    }
}

fn chip_class(link: &LinkView) -> &'static str {
    match link {
        LinkView::Connected => "chip chip--good",
        LinkView::Connecting => "chip chip--busy",
        LinkView::Reconnecting { .. } => "chip chip--wait",
        LinkView::OwnerOffline { .. } => "chip chip--off",
        LinkView::Refused { .. } => "chip chip--bad",
    }
}
