//! What pages ask of the browser: focus, clipboard, sharing, full screen, composed letters. Nothing here throws: where
//! a browser lacks something, the answer is no.

use std::time::Duration;

use js_sys::{Function, JsString, Object, Promise, Reflect};
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use crate::domain::text::{Text, TextError};

/// Focuses the element with this id once the page has been brought up to date.
pub fn focus_later(id: String) {
    set_timeout(move || focus(&id), Duration::ZERO);
}

pub fn focus(id: &str) {
    if let Some(element) = document().get_element_by_id(id)
        && let Ok(element) = element.dyn_into::<web_sys::HtmlElement>()
    {
        // An element that can't take focus leaves it where it is.
        let _ = element.focus();
    }
}

/// Selects the text of the field with this id.
pub fn select(id: &str) {
    focus(id);
    if let Some(field) = document().get_element_by_id(id)
        && let Ok(field) = field.dyn_into::<web_sys::HtmlInputElement>()
    {
        field.select();
    }
}

/// `object.name(argument)` where there is such an object with such a method.
fn call(object: &JsValue, name: &str, argument: &JsValue) -> Option<JsValue> {
    let method: Function = Reflect::get(object, &name.into()).ok()?.dyn_into().ok()?;
    method.call1(object, argument).ok()
}

async fn settled(promise: Option<JsValue>) -> bool {
    match promise.and_then(|value| value.dyn_into::<Promise>().ok()) {
        Some(promise) => JsFuture::from(promise).await.is_ok(),
        None => false,
    }
}

/// Whether the text is on the clipboard now. Insecure pages have no clipboard.
pub async fn copy(text: &str) -> bool {
    let promise = Reflect::get(&window().navigator(), &"clipboard".into())
        .ok()
        .and_then(|clipboard| call(&clipboard, "writeText", &text.into()));
    settled(promise).await
}

pub fn can_share() -> bool {
    Reflect::get(&window().navigator(), &"share".into()).is_ok_and(|share| share.is_function())
}

/// Opens the system's share sheet. Closing it without sharing is no failure worth words.
pub fn share(title: &str, url: &str) {
    let data = Object::new();
    for (key, value) in [("title", title), ("url", url)] {
        // Setting a property of a plain object of our own can't fail.
        let _ = Reflect::set(&data, &key.into(), &value.into());
    }
    let promise = call(&window().navigator(), "share", &data);
    leptos::task::spawn_local(async move {
        settled(promise).await;
    });
}

/// Asks for the whole screen. Where that is refused, presenting goes on within the window.
pub fn enter_fullscreen() {
    if let Some(root) = document().document_element() {
        let promise = call(&root, "requestFullscreen", &JsValue::UNDEFINED);
        leptos::task::spawn_local(async move {
            settled(promise).await;
        });
    }
}

pub fn leave_fullscreen() {
    if in_fullscreen() {
        let promise = call(&document(), "exitFullscreen", &JsValue::UNDEFINED);
        leptos::task::spawn_local(async move {
            settled(promise).await;
        });
    }
}

pub fn in_fullscreen() -> bool {
    Reflect::get(&document(), &"fullscreenElement".into()).is_ok_and(|element| element.is_object())
}

/// Keeps the screen on until dropped, where the browser can and the page stays visible.
pub struct ScreenOn(Promise);

impl ScreenOn {
    pub fn ask() -> Option<Self> {
        let lock = Reflect::get(&window().navigator(), &"wakeLock".into()).ok()?;
        call(&lock, "request", &"screen".into())?.dyn_into().ok().map(Self)
    }
}

impl Drop for ScreenOn {
    fn drop(&mut self) {
        let granted = self.0.clone();
        leptos::task::spawn_local(async move {
            if let Ok(sentinel) = JsFuture::from(granted).await {
                settled(call(&sentinel, "release", &JsValue::UNDEFINED)).await;
            }
        });
    }
}

/// What somebody typed, as it goes into a poll. The browser composes its letters first: it has the tables for that.
pub fn typed<const MAX: usize>(text: &str) -> Result<Text<MAX>, TextError> {
    let composed = JsString::from(text).normalize("NFC");
    Text::clean(&String::from(composed))
}

/// The same for a field that may be left empty.
pub fn typed_or_nothing<const MAX: usize>(text: &str) -> Result<Option<Text<MAX>>, TextError> {
    match typed(text) {
        Ok(text) => Ok(Some(text)),
        Err(TextError::Empty) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Lets this tab's title say what it shows.
pub fn set_title(title: &str) {
    document().set_title(title);
}
