use leptos::prelude::*;

use crate::ui::format;
use crate::ui::room::Room;
use crate::ui::view::Show;

/// How much is not confirmed yet. Not there when everything is.
#[component]
pub fn PendingSync(room: Room) -> impl IntoView {
    let count = move || room.pending().len();
    view! {
        <Show when=move || { count() > 0 }>
            <p class="chip chip--wait" role="status" aria-label="Pending sync">
                {move || format!("Pending sync: {}", format::number(count()))}
            </p>
        </Show>
    }
}
