//! One polite live region for the whole app: what is said here is read out, and shown nowhere.

use leptos::prelude::*;

/// Where things to be read out are put.
#[derive(Clone, Copy)]
pub struct Announcer(RwSignal<String>);

impl Announcer {
    pub fn new() -> Self {
        Self(RwSignal::new(String::new()))
    }

    pub fn say(self, text: impl Into<String>) {
        self.0.update(|said| {
            let text = text.into();
            // The same words twice are no change to a screen reader: a space makes them one.
            *said = if *said == text { format!("{text}\u{a0}") } else { text };
        });
    }
}

pub fn use_announcer() -> Announcer {
    expect_context::<Announcer>()
}

/// The live region itself. Rendered once, by the shell.
#[component]
pub fn LiveRegion(announcer: Announcer) -> impl IntoView {
    view! {
        <div class="visually-hidden" aria-live="polite">
            {move || announcer.0.get()}
        </div>
    }
}
