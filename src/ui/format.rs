//! Numbers and dates the way the reader's browser writes them.

use js_sys::{Array, Date, Function, Intl, Object, Reflect};
use wasm_bindgen::JsValue;

use crate::domain::Timestamp;

struct Formats {
    number: Function,
    percent: Function,
    date: Function,
    moment: Function,
}

impl Formats {
    fn new() -> Self {
        // No locales named: the browser's own language.
        let locales = Array::new();
        let number = |entries| Intl::NumberFormat::new(&locales, &options(entries)).format();
        let date = |entries| Intl::DateTimeFormat::new(&locales, &options(entries)).format();
        Self {
            number: number(&[]),
            percent: number(&[("style", "percent")]),
            date: date(&[("dateStyle", "medium")]),
            moment: date(&[("dateStyle", "medium"), ("timeStyle", "short")]),
        }
    }
}

thread_local! {
    /// Making a formatter costs far more than using it.
    static FORMATS: Formats = Formats::new();
}

fn options(entries: &[(&str, &str)]) -> Object {
    let options = Object::new();
    for (key, value) in entries {
        // Setting a property of a plain object of our own can't fail.
        let _ = Reflect::set(&options, &JsValue::from_str(key), &JsValue::from_str(value));
    }
    options
}

fn call(format: &Function, value: &JsValue) -> String {
    format
        .call1(&JsValue::UNDEFINED, value)
        .ok()
        .and_then(|text| text.as_string())
        .unwrap_or_default()
}

#[allow(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn float(count: usize) -> f64 {
    count as f64
}

#[allow(clippy::cast_precision_loss, reason = "milliseconds since 1970 stay far below 2^52")]
fn js_date(at: Timestamp) -> JsValue {
    Date::new(&JsValue::from_f64(at.0 as f64)).into()
}

/// `1,204`.
pub fn number(count: usize) -> String {
    FORMATS.with(|formats| call(&formats.number, &JsValue::from_f64(float(count))))
}

/// `60%` for 3 of 5; nothing of nothing is `0%`.
pub fn percent(part: usize, whole: usize) -> String {
    let share = if whole == 0 { 0.0 } else { float(part) / float(whole) };
    FORMATS.with(|formats| call(&formats.percent, &JsValue::from_f64(share)))
}

/// `3 Nov 2025`.
pub fn date(at: Timestamp) -> String {
    FORMATS.with(|formats| call(&formats.date, &js_date(at)))
}

/// `3 Nov 2025, 14:05`.
pub fn moment(at: Timestamp) -> String {
    FORMATS.with(|formats| call(&formats.moment, &js_date(at)))
}
