//! What people see. Reads one view, dispatches intents, decides nothing.
//!
//! * [`shell`]: the frame around every page, and the routes.
//! * [`pages`]: one file for each page.
//! * [`components`]: one file for each component.
//! * [`view`]: what pages are put together with. [`room`]: one room, as its page asks about it.
//! * [`draft`]: what was typed into the create form, and what is wrong with it.
//! * [`words`]: every state put into words. [`format`]: numbers and dates in the reader's own way.
//! * [`links`]: addresses within the app. [`browser`]: focus, clipboard, sharing, full screen.
//! * [`announcer`]: what a screen reader is told.

#![allow(
    clippy::redundant_closure,
    reason = "a closure in place is of a type that many share: see `view`"
)]

mod announcer;
mod browser;
mod components;
mod draft;
mod format;
mod links;
mod pages;
mod room;
mod shell;
mod view;
mod words;

/// Takes over the document's body.
pub fn mount() {
    leptos::mount::mount_to_body(shell::Shell);
}
