use leptos::prelude::*;

use super::icon::{Icon, Sign};
use crate::runtime::view::StorageView;
use crate::runtime::{App, Notices, StorageNotice};
use crate::ui::view::{For, Show};

/// What will not work in this browser, in words, with a way out.
#[component]
pub fn NoticesBanner() -> impl IntoView {
    let app = expect_context::<App>();
    let lines = move || {
        let storage = app.view().with(|view| view.as_ref().map(|view| view.storage));
        app.notices().with(|notices| words(notices, storage))
    };
    let reload = move || app.notices().with(|notices| notices.newer_tab || notices.fatal.is_some());
    view! {
        <Show when=move || !lines().is_empty()>
            <section class="notices" aria-label="About this browser">
                <ul class="notices__list">
                    <For each=lines key=String::clone children=notice />
                </ul>
                <Show when=reload>
                    <button
                        type="button"
                        class="button"
                        on:click=move |_| {
                            // A page that can't reload is being left already.
                            let _ = window().location().reload();
                        }
                    >
                        "Reload this page"
                    </button>
                </Show>
            </section>
        </Show>
    }
}

fn notice(line: String) -> impl IntoView {
    view! {
        <li class="notices__line">
            <Icon sign=Sign::Warning />
            <span>{line}</span>
        </li>
    }
}

fn words(notices: &Notices, storage: Option<StorageView>) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(message) = &notices.fatal {
        lines.push(format!("Peerpoll can't go on here. Nothing that was confirmed is lost. What happened: {message}"));
    }
    if notices.newer_tab {
        lines.push(
            "A newer version of Peerpoll is open in another tab. Reload to go on here.".into(),
        );
    }
    if let Some(message) = &notices.signalling_misconfigured {
        lines.push(format!(
            "Nobody can connect, because this site is set up wrongly. Please tell whoever runs it: {message}"
        ));
    }
    if notices.no_webrtc {
        lines.push(
            "This browser has no WebRTC, or it is switched off: you can read what is saved here, but \
             connect to nobody. Allow it, or use another browser."
                .into(),
        );
    }
    if notices.no_locks {
        lines.push(
            "This browser can't coordinate several tabs (Web Locks are missing, or the address is not \
             https). Use Peerpoll in one tab only."
                .into(),
        );
    }
    match notices.storage {
        StorageNotice::Unavailable => lines.push(
            "This browser keeps nothing for this site, as in some private windows. You can vote, but a vote \
             not yet confirmed is gone once the tab is closed, and no poll can be made here. Use a normal \
             window for both."
                .into(),
        ),
        StorageNotice::ThrownAway => lines.push(
            "What this browser had kept for Peerpoll was damaged, and the browser has thrown it away: polls \
             made here are gone, and votes that were not confirmed yet. Confirmed votes in polls of others \
             are safe with their owners."
                .into(),
        ),
        // Said where it matters: beside the polls that live here.
        StorageNotice::MayBeErased | StorageNotice::Unknown | StorageNotice::Persistent => {}
    }
    match storage {
        Some(StorageView::Full) => lines.push(
            "This device has no room left, so nothing new is saved, sent or confirmed. Free some space: \
             saving is tried again by itself."
                .into(),
        ),
        Some(StorageView::Failing) => lines.push(
            "Saving on this device fails at the moment, so nothing new is sent or confirmed. It is tried \
             again by itself; reload the page if this stays."
                .into(),
        ),
        Some(StorageView::Working) | None => {}
    }
    lines
}
