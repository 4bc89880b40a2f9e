use leptos::prelude::*;

use crate::runtime::{App, StorageNotice};
use crate::ui::view::Show;

/// Said beside polls that live in this browser alone, where the browser does not promise to keep them.
#[component]
pub fn StorageNote() -> impl IntoView {
    let app = expect_context::<App>();
    let may_be_erased =
        move || app.notices().with(|notices| notices.storage == StorageNotice::MayBeErased);
    view! {
        <Show when=may_be_erased>
            <p class="field__hint">
                "Polls you make live in this browser alone, and it may clear them when space runs low or after \
                some weeks without a visit. Adding Peerpoll to your bookmarks or home screen makes that less likely."
            </p>
        </Show>
    }
}
