use leptos::prelude::*;

use crate::runtime::App;
use crate::ui::components::JoinForm;
use crate::ui::{browser, links};

/// A poll's address that names no poll. Nothing is dialled from here.
#[component]
pub fn BadLink(
    /// What is wrong with it.
    words: String,
) -> impl IntoView {
    let app = expect_context::<App>();
    browser::set_title("This link does not work – Peerpoll");
    view! {
        <div class="message">
            <p class="eyebrow">"This link does not work"</p>
            <h1 class="message__title message__title--long">{words}</h1>
            <p>
                "Ask for the link again, or paste the whole of it here. Links often lose their end when \
                they are copied from a chat or broken over two lines."
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
