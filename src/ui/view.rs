//! What pages are put together with, in shapes that are compiled once.
//!
//! Leptos compiles its machinery anew for every type that it meets, and every closure is a type of its own: written
//! with nothing but its own parts, this app's pages were a third of all that a first visit loads. So:
//!
//! * A closure in `view!` stands where it is used, `{move || …}`. With `--cfg erase_components` (see
//!   `.cargo/config.toml`) such closures share one type for each type that they return, and they return few:
//!   `String` or a view `into_any()`; for attributes `String` or `Option<&str>`; for classes and properties `bool`.
//! * Conditions, lists, memos and effects come from here. They box what they are given before Leptos sees it.

use std::sync::Arc;

use leptos::prelude::*;

/// A value that is worked out again when what it is made from changes, and passed on when it is another one.
pub fn memo<T: Clone + PartialEq + Send + Sync + 'static>(
    value: impl Fn() -> T + Send + Sync + 'static,
) -> Memo<T> {
    fn boxed<T: PartialEq + Send + Sync + 'static>(
        value: Box<dyn Fn() -> T + Send + Sync>,
    ) -> Memo<T> {
        Memo::new(move |_| value())
    }
    boxed(Box::new(value))
}

/// Runs now, and again whenever something changes that it looked at.
pub fn effect(run: impl FnMut() + 'static) {
    fn boxed(mut run: Box<dyn FnMut()>) {
        Effect::new(move |_| run());
    }
    boxed(Box::new(run));
}

/// What is inside, as long as `when` holds; else the fallback.
#[component]
pub fn Show(
    #[prop(into)] when: Signal<bool>,
    children: ChildrenFn,
    #[prop(optional, into)] fallback: ViewFn,
) -> impl IntoView {
    let when = memo(move || when.get());
    move || if when.get() { children() } else { fallback.run() }
}

/// A row that is not there yet.
struct Row {
    key: String,
    view: Box<dyn FnOnce() -> AnyView + Send>,
}

/// A row for each item. One that was there before, by its key, stays as it is.
#[component]
pub fn For<T, V>(
    each: impl Fn() -> Vec<T> + Send + 'static,
    key: fn(&T) -> String,
    children: impl Fn(T) -> V + Send + Sync + 'static,
) -> impl IntoView
where
    T: Send + 'static,
    V: IntoView + 'static,
{
    fn boxed(rows: Box<dyn Fn() -> Vec<Row> + Send>) -> AnyView {
        use leptos::control_flow::For as KeyedFor;
        view! { <KeyedFor each=rows key=|row: &Row| row.key.clone() children=|row: Row| (row.view)() /> }
        .into_any()
    }
    let children = Arc::new(children);
    boxed(Box::new(move || {
        let row = |item| {
            let children = Arc::clone(&children);
            Row { key: key(&item), view: Box::new(move || children(item).into_any()) }
        };
        each().into_iter().map(row).collect()
    }))
}
