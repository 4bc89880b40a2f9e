use leptos::prelude::*;

/// A native checkbox with its label as part of the target.
#[component]
pub fn Checkbox(
    #[prop(into)] checked: Signal<bool>,
    on_change: Callback<bool>,
    label: &'static str,
) -> impl IntoView {
    view! {
        <label class="check">
            <input
                class="check__input"
                type="checkbox"
                prop:checked=move || checked.get()
                on:change:target=move |event| on_change.run(event.target().checked())
            />
            <span>{label}</span>
        </label>
    }
}
