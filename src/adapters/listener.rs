//! Owning a callback that JavaScript holds as well.

use js_sys::Function;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::EventTarget;

/// One callback, attached to its source for as long as this lives.
pub(super) struct Listener {
    callback: Option<Callback>,
    detach: Option<Detach>,
}

type Callback = Closure<dyn Fn(JsValue)>;
type Detach = Box<dyn FnOnce(&Function)>;

impl Listener {
    /// Attaches `callback`; `None` when the source refused it.
    pub fn attach(
        callback: impl Fn(JsValue) + 'static,
        attach: impl FnOnce(&Function) -> Result<(), JsValue>,
        detach: impl FnOnce(&Function) + 'static,
    ) -> Option<Self> {
        let callback = Callback::new(callback);
        attach(callback.as_ref().unchecked_ref()).ok()?;
        Some(Self { callback: Some(callback), detach: Some(Box::new(detach)) })
    }

    /// Listens to a DOM event.
    pub fn dom(
        target: &EventTarget,
        event: &'static str,
        callback: impl Fn(JsValue) + 'static,
    ) -> Option<Self> {
        let source = target.clone();
        Self::attach(
            callback,
            |function| target.add_event_listener_with_callback(event, function),
            move |function| {
                // Nothing to be done about a source that is gone.
                let _ = source.remove_event_listener_with_callback(event, function);
            },
        )
    }
}

impl Drop for Listener {
    /// Detaches at once, but frees the callback a microtask later: it may be the one that is running,
    /// and an emitter that is going through its listeners still calls those just taken off.
    fn drop(&mut self) {
        let Some(callback) = self.callback.take() else { return };
        if let Some(detach) = self.detach.take() {
            detach(callback.as_ref().unchecked_ref());
        }
        spawn_local(async move { drop(callback) });
    }
}
