use leptos::prelude::*;

use super::text_field::FieldError;

/// Several lines of text with their label, and what is wrong with them beside them.
#[component]
pub fn TextArea(
    id: &'static str,
    label: &'static str,
    #[prop(into)] value: Signal<String>,
    on_input: Callback<String>,
    error: Signal<Option<String>>,
    /// One line at first, in large type.
    #[prop(optional)]
    large: bool,
    #[prop(optional)] placeholder: &'static str,
) -> impl IntoView {
    let error_id = format!("{id}-error");
    let described_by = StoredValue::new(error_id.clone());
    view! {
        <div class="field">
            <label class="field__label" for=id>
                {label}
            </label>
            <textarea
                id=id
                class="field__input"
                class:field__input--large=large
                rows=if large { "1" } else { "2" }
                dir="auto"
                placeholder=placeholder
                prop:value=move || value.get()
                on:input:target=move |event| on_input.run(event.target().value())
                aria-invalid=move || error.with(Option::is_some).then_some("true")
                aria-describedby=move || error.with(Option::is_some).then(|| described_by.get_value())
            ></textarea>
            <FieldError id=error_id error />
        </div>
    }
}
