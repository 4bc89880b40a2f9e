//! Other tabs of the same browser: which of them leads, and what they tell each other.

use std::cell::Cell;
use std::rc::Rc;

use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{AbortController, BroadcastChannel, MessageEvent};

use super::listener::Listener;

#[wasm_bindgen]
extern "C" {
    // web-sys hides Web Locks behind an unstable flag.
    #[wasm_bindgen(catch, js_namespace = ["navigator", "locks"], js_name = request)]
    fn request_lock(name: &str, options: &Object, granted: &Function) -> Result<Promise, JsValue>;
}

/// A place in the queue for an exclusive lock, then the lock, until released or dropped.
pub struct LeaderLock {
    state: Rc<LockState>,
    queued: Option<AbortController>,
}

struct LockState {
    released: Cell<bool>,
    /// Settles the promise that keeps the lock.
    release: Cell<Option<Function>>,
}

impl LeaderLock {
    /// Whether this page may use Web Locks: insecure contexts have none.
    pub fn available() -> bool {
        web_sys::window()
            .and_then(|window| Reflect::get(&window.navigator(), &"locks".into()).ok())
            .is_some_and(|locks| locks.is_object())
    }

    /// Queues for the lock `name`; `on_granted` is called once it is ours, and never where there are no
    /// Web Locks.
    pub fn request(name: &str, on_granted: impl FnOnce() + 'static) -> Self {
        let state = Rc::new(LockState { released: Cell::new(false), release: Cell::new(None) });
        let options = Object::new();
        let queued = AbortController::new().ok().filter(|controller| {
            Reflect::set(&options, &"signal".into(), &controller.signal()).unwrap_or(false)
        });
        let held = Rc::clone(&state);
        let granted = Closure::once(move |_lock: JsValue| -> JsValue {
            if held.released.get() {
                return JsValue::UNDEFINED;
            }
            spawn_local(async move { on_granted() });
            Promise::new(&mut |resolve, _| held.release.set(Some(resolve))).into()
        });
        if let Ok(request) = request_lock(name, &options, granted.as_ref().unchecked_ref()) {
            spawn_local(async move {
                // Settles when the lock is released, or the request given up. The callback lives till then.
                let _ = JsFuture::from(request).await;
                drop(granted);
            });
        }
        Self { state, queued }
    }

    /// Gives up the lock, or the place in the queue. Dropping does the same.
    pub fn release(&self) {
        self.state.released.set(true);
        match (self.state.release.take(), &self.queued) {
            // A promise's resolver can't throw.
            (Some(release), _) => drop(release.call0(&JsValue::UNDEFINED)),
            (None, Some(queued)) => queued.abort(),
            (None, None) => {}
        }
    }
}

impl Drop for LeaderLock {
    fn drop(&mut self) {
        self.release();
    }
}

/// A named channel to the other tabs of this origin. What is posted does not come back to the sender.
pub struct Channel {
    channel: BroadcastChannel,
    _listener: Listener,
}

impl Channel {
    /// `None` where the browser has no such channels. Messages that are not text are dropped.
    pub fn open(name: &str, on_message: Rc<dyn Fn(String)>) -> Option<Self> {
        let channel = BroadcastChannel::new(name).ok()?;
        let listener = Listener::dom(&channel, "message", move |event| {
            let text =
                event.dyn_into::<MessageEvent>().ok().and_then(|event| event.data().as_string());
            if let Some(text) = text {
                on_message(text);
            }
        })?;
        Some(Self { channel, _listener: listener })
    }

    pub fn post(&self, message: &str) {
        // Throws only once closed, and closing is dropping.
        let _ = self.channel.post_message(&message.into());
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.channel.close();
    }
}
