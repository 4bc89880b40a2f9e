//! The clock, and the one timeout the runtime needs.

use std::cell::RefCell;
use std::rc::Rc;

use gloo_timers::callback::Timeout;
use wasm_bindgen_futures::spawn_local;

use crate::domain::Timestamp;

/// Browsers keep delays in 32 bits with a sign; a longer one would fire at once.
const DELAY_MS_MAX: u32 = i32::MAX as u32;

/// The wall clock. It may jump, backwards too.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
pub fn now() -> Timestamp {
    Timestamp(js_sys::Date::now() as u64)
}

/// One timeout that is set again and again. It may fire early, never more than once a setting.
pub struct Alarm {
    on_fire: Rc<dyn Fn()>,
    timeout: RefCell<Option<Timeout>>,
}

impl Alarm {
    pub fn new(on_fire: Rc<dyn Fn()>) -> Self {
        Self { on_fire, timeout: RefCell::new(None) }
    }

    /// Replaces what was set before; `None` only clears it.
    pub fn set(&self, at: Option<Timestamp>) {
        let next = at.map(|at| {
            let delay_ms =
                u32::try_from(at.since(now())).map_or(DELAY_MS_MAX, |ms| ms.min(DELAY_MS_MAX));
            let on_fire = Rc::clone(&self.on_fire);
            // In a microtask of its own, so that setting the alarm again does not free a running callback.
            Timeout::new(delay_ms, move || spawn_local(async move { on_fire() }))
        });
        let previous = self.timeout.replace(next);
        drop(previous);
    }
}
