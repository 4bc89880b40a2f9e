//! The frame around every page, and the routes.

use leptos::prelude::*;
use leptos_router::components::Router;
use leptos_router::hooks::use_location;
use leptos_router::location::{BrowserUrl, LocationProvider};

use super::announcer::{Announcer, LiveRegion};
use super::components::{Footer, Header, NoticesBanner};
use super::pages::{HomePage, NotFoundPage, PollPage};
use super::view::{For, effect};
use super::{browser, links};
use crate::runtime::App;

const MAIN: &str = "main";

#[component]
pub fn Shell() -> impl IntoView {
    let app = App::start();
    let announcer = Announcer::new();
    provide_context(app);
    provide_context(announcer);
    let base = links::router_base(app);
    view! {
        <Router base=base.clone()>
            <SkipLink />
            <Header />
            <NoticesBanner />
            <main id=MAIN class="page" tabindex="-1">
                <FocusOnNavigation />
                <CurrentPage base=base.clone() />
            </main>
            <Footer />
        </Router>
        <LiveRegion announcer />
    }
}

/// The fragment names a room, so that a skip link can't be a plain `#main`.
#[component]
fn SkipLink() -> impl IntoView {
    view! {
        <a
            class="skip"
            href="#main"
            on:click=move |event| {
                event.prevent_default();
                browser::focus(MAIN);
            }
        >
            "Skip to the content"
        </a>
    }
}

/// The page at this address. Leptos' own routes are a tree, matched and loaded step by step, which two fixed paths don't
/// need and a first visit would wait for.
#[component]
fn CurrentPage(base: String) -> impl IntoView {
    let pathname = use_location().pathname;
    let address = expect_context::<BrowserUrl>();
    // A link that was followed stands in the address bar once its page is there.
    effect(move || {
        pathname.track();
        address.ready_to_complete();
    });
    let path = move || {
        let path = pathname.get();
        path.strip_prefix(&base).unwrap_or(&path).trim_matches('/').to_owned()
    };
    // A list of one: of another page nothing is taken over.
    view! {
        <For
            each=move || vec![path()]
            key=String::clone
            children=|path| match path.as_str() {
                "" => view! { <HomePage /> }.into_any(),
                "poll" => view! { <PollPage /> }.into_any(),
                _ => view! { <NotFoundPage /> }.into_any(),
            }
        />
    }
}

/// After a page change the reading goes on at the top of the new page.
#[component]
fn FocusOnNavigation() -> impl IntoView {
    let pathname = use_location().pathname;
    let mut before = None;
    effect(move || {
        let path = pathname.get();
        if before.replace(path.clone()).is_some_and(|before| before != path) {
            browser::focus_later(MAIN.into());
        }
    });
}
