//! The page: its life cycle, its address and configuration, and its randomness.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Event as DomEvent, PageTransitionEvent, Request, RequestCache, RequestInit, Response,
    UrlSearchParams, VisibilityState,
};

use super::listener::Listener;
use crate::domain::bytes::{base64url, parse_base64url};

const CONFIG_FILE: &str = "config.json";
/// `sessionStorage` key. A tab's own: it goes with the tab, though a duplicated tab starts with a copy.
const GUEST_SEED_KEY: &str = "peerpoll-guest-seed";

/// What happens to the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageEvent {
    Online,
    Offline,
    Visible,
    Hidden,
    /// About to be put away, for good or into the back/forward cache. The last moment to close anything.
    Leaving,
    /// On show. `restored` from the back/forward cache: timers and sockets of before are gone.
    Shown {
        restored: bool,
    },
    Frozen,
    Resumed,
}

/// Listens to the page for as long as it lives.
pub struct Page {
    _listeners: Vec<Listener>,
    leave_guard: RefCell<Option<Listener>>,
}

impl Page {
    pub fn listen(on_event: &Rc<dyn Fn(PageEvent)>) -> Self {
        let mut listeners = Vec::new();
        if let Some(window) = web_sys::window() {
            let on_window = |event: &'static str, read: fn(&JsValue) -> PageEvent| {
                let on_event = Rc::clone(on_event);
                Listener::dom(&window, event, move |event| on_event(read(&event)))
            };
            listeners.extend(on_window("online", |_| PageEvent::Online));
            listeners.extend(on_window("offline", |_| PageEvent::Offline));
            listeners.extend(on_window("pagehide", |_| PageEvent::Leaving));
            listeners.extend(on_window("pageshow", |event| PageEvent::Shown {
                restored: event
                    .dyn_ref::<PageTransitionEvent>()
                    .is_some_and(PageTransitionEvent::persisted),
            }));
        }
        if let Some(document) = web_sys::window().and_then(|window| window.document()) {
            let on_document = |event: &'static str, read: fn() -> PageEvent| {
                let on_event = Rc::clone(on_event);
                Listener::dom(&document, event, move |_| on_event(read()))
            };
            listeners.extend(on_document("visibilitychange", || {
                if is_visible() { PageEvent::Visible } else { PageEvent::Hidden }
            }));
            listeners.extend(on_document("freeze", || PageEvent::Frozen));
            listeners.extend(on_document("resume", || PageEvent::Resumed));
        }
        Self { _listeners: listeners, leave_guard: RefCell::new(None) }
    }

    /// Whether the browser asks before this page is left. Only listened for while wanted, since a
    /// `beforeunload` listener keeps a page out of some browsers' back/forward cache.
    pub fn set_leave_warning(&self, wanted: bool) {
        if self.leave_guard.borrow().is_some() == wanted {
            return;
        }
        let guard = web_sys::window().filter(|_| wanted).and_then(|window| {
            Listener::dom(&window, "beforeunload", |event| {
                if let Some(event) = event.dyn_ref::<DomEvent>() {
                    event.prevent_default();
                }
            })
        });
        let previous = self.leave_guard.replace(guard);
        drop(previous);
    }
}

/// False only when the browser is sure to have no network.
pub fn is_online() -> bool {
    web_sys::window().is_none_or(|window| window.navigator().on_line())
}

pub fn is_visible() -> bool {
    web_sys::window()
        .and_then(|window| window.document())
        .is_none_or(|document| document.visibility_state() == VisibilityState::Visible)
}

/// Where relative addresses start from, as `Trunk` writes it into the page.
pub fn base_uri() -> Option<String> {
    web_sys::window()?.document()?.base_uri().ok().flatten()
}

/// Why there is no configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// Served without one: the defaults hold.
    Missing,
    /// The server could not be reached, or failed.
    Unreachable,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "There is no config.json beside this page.",
            Self::Unreachable => "config.json could not be fetched.",
        })
    }
}

/// The text of `config.json` beside the page, checked anew with the server each time.
pub async fn fetch_config() -> Result<String, ConfigError> {
    let response = request_config().await.ok_or(ConfigError::Unreachable)?;
    match response.status() {
        404 | 410 => return Err(ConfigError::Missing),
        _ if !response.ok() => return Err(ConfigError::Unreachable),
        _ => {}
    }
    let text = response.text().map_err(|_| ConfigError::Unreachable)?;
    let text = JsFuture::from(text).await.map_err(|_| ConfigError::Unreachable)?;
    text.as_string().ok_or(ConfigError::Unreachable)
}

async fn request_config() -> Option<Response> {
    let options = RequestInit::new();
    options.set_cache(RequestCache::NoCache);
    let url = web_sys::Url::new_with_base(CONFIG_FILE, &base_uri()?).ok()?.href();
    let request = Request::new_with_str_and_init(&url, &options).ok()?;
    let response = web_sys::window()?.fetch_with_request(&request);
    JsFuture::from(response).await.ok()?.dyn_into().ok()
}

/// Whether the address asks for an identity of this tab alone: `?as=guest`.
pub fn wants_guest() -> bool {
    web_sys::window()
        .and_then(|window| window.location().search().ok())
        .and_then(|search| UrlSearchParams::new_with_str(&search).ok())
        .and_then(|params| params.get("as"))
        .is_some_and(|value| value == "guest")
}

/// The guest identity this tab already has.
pub fn guest_seed() -> Option<[u8; 32]> {
    let text = session_storage()?.get_item(GUEST_SEED_KEY).ok().flatten()?;
    parse_base64url(&text)?.try_into().ok()
}

/// Keeps a guest identity over reloads of this tab; false when the browser does not let us.
pub fn store_guest_seed(seed: &[u8; 32]) -> bool {
    session_storage()
        .is_some_and(|storage| storage.set_item(GUEST_SEED_KEY, &base64url(seed)).is_ok())
}

fn session_storage() -> Option<web_sys::Storage> {
    web_sys::window()?.session_storage().ok().flatten()
}

/// Bytes nobody can guess, from the browser's generator.
pub fn random_bytes<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}
