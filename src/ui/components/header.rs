use leptos::prelude::*;

use crate::runtime::App;
use crate::ui::links;

#[component]
pub fn Header() -> impl IntoView {
    let app = expect_context::<App>();
    view! {
        <header class="masthead">
            <a class="wordmark" href=links::home(app)>
                <svg class="wordmark__sign" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
                    <path class="wordmark__links" d="M16 16L16 4M16 16L26.5 11M16 16L23 26M16 16L9 26M16 16L5.5 11" />
                    <circle class="wordmark__hub" cx="16" cy="16" r="5" />
                    <circle class="wordmark__peer" cx="16" cy="4" r="2.5" />
                    <circle class="wordmark__peer" cx="26.5" cy="11" r="2.5" />
                    <circle class="wordmark__peer" cx="23" cy="26" r="2.5" />
                    <circle class="wordmark__peer" cx="9" cy="26" r="2.5" />
                    <circle class="wordmark__peer" cx="5.5" cy="11" r="2.5" />
                </svg>
                <span>"Peerpoll"</span>
            </a>
            {app
                .guest()
                .then(|| {
                    view! {
                        <p class="badge">
                            "Guest tab " <span class="badge__more">"– an identity of its own, for this tab alone"</span>
                        </p>
                    }
                })}
        </header>
    }
}
