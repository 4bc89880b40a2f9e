use leptos::prelude::*;

use crate::runtime::App;
use crate::ui::components::JoinForm;
use crate::ui::{browser, links};

#[component]
pub fn NotFoundPage() -> impl IntoView {
    let app = expect_context::<App>();
    browser::set_title("No such page – Peerpoll");
    view! {
        <div class="message">
            <p class="eyebrow">"Not found"</p>
            <h1 class="message__title">"There is no page at this address"</h1>
            <p>
                "A poll's link looks like this: an address ending in " <code>"poll"</code>
                ", then " <code>"#"</code> " and two long words with a slash between them."
            </p>
            <JoinForm />
            <p>
                <a class="button button--quiet" href=links::home(app)>
                    "To the start page"
                </a>
            </p>
        </div>
    }
}
