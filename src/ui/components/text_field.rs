use leptos::prelude::*;

/// One line of text with its label, and what is wrong with it beside it.
#[component]
pub fn TextField(
    id: &'static str,
    label: &'static str,
    #[prop(into)] value: Signal<String>,
    on_input: Callback<String>,
    error: Signal<Option<String>>,
    #[prop(optional)] placeholder: &'static str,
    #[prop(default = "off")] autocomplete: &'static str,
) -> impl IntoView {
    let error_id = format!("{id}-error");
    let described_by = StoredValue::new(error_id.clone());
    view! {
        <div class="field">
            <label class="field__label" for=id>
                {label}
            </label>
            <input
                id=id
                class="field__input"
                type="text"
                dir="auto"
                autocomplete=autocomplete
                placeholder=placeholder
                prop:value=move || value.get()
                on:input:target=move |event| on_input.run(event.target().value())
                aria-invalid=move || error.with(Option::is_some).then_some("true")
                aria-describedby=move || error.with(Option::is_some).then(|| described_by.get_value())
            />
            <FieldError id=error_id error />
        </div>
    }
}

/// What is wrong with a field. The element stands there empty, so that its words are noticed when they come.
#[component]
pub fn FieldError(id: String, error: Signal<Option<String>>) -> impl IntoView {
    view! {
        <p id=id class="field__error" aria-live="polite">
            {move || error.get().unwrap_or_default()}
        </p>
    }
}
