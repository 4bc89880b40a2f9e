//! Events on their way out, so that reporting one never re-enters whoever is giving us a command.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;

use super::Event;
use crate::protocol::effect::LinkId;

pub(super) struct EventQueue {
    waiting: RefCell<VecDeque<Event>>,
    scheduled: Cell<bool>,
    on_event: Rc<dyn Fn(Event)>,
}

impl EventQueue {
    pub fn new(on_event: Rc<dyn Fn(Event)>) -> Rc<Self> {
        Rc::new(Self { waiting: RefCell::default(), scheduled: Cell::new(false), on_event })
    }

    pub fn push(self: &Rc<Self>, event: Event) {
        self.waiting.borrow_mut().push_back(event);
        if !self.scheduled.replace(true) {
            let queue = Rc::clone(self);
            spawn_local(async move { queue.drain() });
        }
    }

    /// The link was closed by the caller, who wants to hear no more of it.
    pub fn forget_link(&self, closed: LinkId) {
        self.waiting
            .borrow_mut()
            .retain(|event| !matches!(event, Event::Link(link, _) if *link == closed));
    }

    /// What an earlier peer had to say would be taken for the next one's.
    pub fn forget_signalling(&self) {
        self.waiting.borrow_mut().retain(|event| !matches!(event, Event::Signalling(_)));
    }

    pub fn clear(&self) {
        self.waiting.borrow_mut().clear();
    }

    fn drain(&self) {
        while let Some(event) = self.next() {
            (self.on_event)(event);
        }
        self.scheduled.set(false);
    }

    fn next(&self) -> Option<Event> {
        self.waiting.borrow_mut().pop_front()
    }
}
