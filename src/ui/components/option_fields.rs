//! The options of a poll that is being made: a list that grows under the cursor.

use leptos::ev::{ClipboardEvent, KeyboardEvent};
use leptos::prelude::*;

use super::icon::{Icon, Sign};
use super::text_field::FieldError;
use crate::domain::poll::{OPTIONS_MAX, OPTIONS_MIN};
use crate::ui::announcer::use_announcer;
use crate::ui::browser;
use crate::ui::view::{For, Show};

/// One field. The key stays with it while others come and go.
#[derive(Clone, Copy, PartialEq)]
pub struct OptionField {
    key: u32,
    pub text: RwSignal<String>,
    /// Whether the person has been in it and left.
    pub left: RwSignal<bool>,
}

impl OptionField {
    fn id(self) -> String {
        format!("option-{}", self.key)
    }
}

/// The fields in their order.
#[derive(Clone, Copy)]
pub struct OptionFields {
    fields: RwSignal<Vec<OptionField>>,
    next_key: StoredValue<u32>,
}

impl OptionFields {
    pub fn new() -> Self {
        let this = Self { fields: RwSignal::new(vec![]), next_key: StoredValue::new(0) };
        for _ in 0..OPTIONS_MIN {
            this.push(String::new());
        }
        this
    }

    pub fn get(self) -> Vec<OptionField> {
        self.fields.get()
    }

    pub fn texts(self) -> Vec<String> {
        self.fields.with(|fields| fields.iter().map(|field| field.text.get()).collect())
    }

    /// The id of the input at a place, counted from 0.
    pub fn id_at(self, place: usize) -> Option<String> {
        self.at(place).map(OptionField::id)
    }

    fn count(self) -> usize {
        self.fields.with(Vec::len)
    }

    fn place(self, key: u32) -> Option<usize> {
        self.fields.with(|fields| fields.iter().position(|field| field.key == key))
    }

    fn at(self, place: usize) -> Option<OptionField> {
        self.fields.with(|fields| fields.get(place).copied())
    }

    fn push(self, text: String) -> OptionField {
        let key = self.next_key.get_value();
        self.next_key.set_value(key + 1);
        let field = OptionField { key, text: RwSignal::new(text), left: RwSignal::new(false) };
        self.fields.update(|fields| fields.push(field));
        field
    }

    /// A new empty field at the end, with the cursor in it.
    fn add(self) {
        if self.count() < OPTIONS_MAX {
            browser::focus_later(self.push(String::new()).id());
        }
    }

    fn remove(self, key: u32) {
        let Some(place) = self.place(key).filter(|_| self.count() > OPTIONS_MIN) else { return };
        self.fields.update(|fields| {
            fields.remove(place);
        });
        let neighbour = place.min(self.count().saturating_sub(1));
        if let Some(field) = self.at(neighbour) {
            browser::focus_later(field.id());
        }
    }

    /// Enter: on to the next field, which is made unless this one is empty.
    fn advance(self, key: u32) {
        let Some(place) = self.place(key) else { return };
        let empty =
            self.at(place).is_none_or(|field| field.text.with(|text| text.trim().is_empty()));
        match self.at(place + 1) {
            Some(next) => browser::focus_later(next.id()),
            None if empty => {}
            None => self.add(),
        }
    }

    /// One option for each line, from this field on; returns how many lines found no place.
    fn paste(self, key: u32, lines: &[&str]) -> usize {
        let Some(mut place) = self.place(key) else { return lines.len() };
        let mut lines = lines.iter();
        let mut last = None;
        while let Some(line) = lines.next() {
            while self.at(place).is_some_and(|field| field.text.with(|text| !text.is_empty())) {
                place += 1;
            }
            match self.at(place) {
                Some(field) => field.text.set((*line).to_owned()),
                None if place < OPTIONS_MAX => {
                    self.push((*line).to_owned());
                }
                None => return lines.len() + 1,
            }
            last = self.at(place);
        }
        if let Some(field) = last {
            browser::focus_later(field.id());
        }
        0
    }
}

/// Lines that hold something, without the bullets that lists are copied with.
fn lines(text: &str) -> Vec<&str> {
    text.lines()
        .map(|line| {
            let line = line.trim();
            ["- ", "* ", "• ", "– "]
                .iter()
                .find_map(|bullet| line.strip_prefix(bullet))
                .unwrap_or(line)
        })
        .filter(|line| !line.is_empty())
        .collect()
}

#[component]
pub fn OptionList(
    fields: OptionFields,
    /// What is wrong with the field at a place, counted from 0.
    error: Callback<usize, Option<String>>,
) -> impl IntoView {
    let announcer = use_announcer();
    let overflow = RwSignal::new(None::<usize>);
    let full = move || fields.count() >= OPTIONS_MAX;
    let said_full = move || {
        overflow
            .get()
            .filter(|_| full())
            .map(|left| format!("{left} pasted lines found no place: a poll holds at most {OPTIONS_MAX} options."))
            .or_else(|| full().then(|| format!("A poll holds at most {OPTIONS_MAX} options.")))
    };
    let paste = move |key: u32, event: ClipboardEvent| {
        let text = event
            .clipboard_data()
            .and_then(|data| data.get_data("text/plain").ok())
            .unwrap_or_default();
        let lines = lines(&text);
        if lines.len() > 1 {
            event.prevent_default();
            let left = fields.paste(key, &lines);
            overflow.set((left > 0).then_some(left));
            announcer.say(format!("{} options filled in", lines.len() - left));
        }
    };
    view! {
        <fieldset class="options-edit">
            <legend class="field__label">"Options"</legend>
            <ol class="options-edit__list">
                <For
                    each=move || fields.get()
                    key=|field| field.key.to_string()
                    children=move |field| {
                        view! { <OptionRow fields field error paste=Callback::new(move |event| paste(field.key, event)) /> }
                    }
                />
            </ol>
            <button
                type="button"
                class="button button--quiet"
                disabled=move || full()
                aria-describedby="options-full"
                on:click=move |_| fields.add()
            >
                <Icon sign=Sign::Plus />
                "Add option"
            </button>
            <p id="options-full" class="field__hint">
                {move || said_full().unwrap_or_default()}
            </p>
        </fieldset>
    }
}

#[component]
fn OptionRow(
    fields: OptionFields,
    field: OptionField,
    error: Callback<usize, Option<String>>,
    paste: Callback<ClipboardEvent>,
) -> impl IntoView {
    let place = move || fields.place(field.key).unwrap_or_default();
    let error = Signal::derive(move || error.run(place()));
    let error_id = move || format!("{}-error", field.id());
    let keydown = move |event: KeyboardEvent| match event.key().as_str() {
        "Enter" if !event.ctrl_key() && !event.meta_key() && !event.is_composing() => {
            event.prevent_default();
            fields.advance(field.key);
        }
        "Backspace" if field.text.with_untracked(String::is_empty) => {
            event.prevent_default();
            fields.remove(field.key);
        }
        _ => {}
    };
    view! {
        <li class="options-edit__item">
            <div class="options-edit__row">
                <label class="options-edit__label" for=field.id()>
                    <span class="visually-hidden">"Option "</span>
                    {move || (place() + 1).to_string()}
                </label>
                <input
                    id=field.id()
                    class="field__input"
                    type="text"
                    dir="auto"
                    autocomplete="off"
                    enterkeyhint="next"
                    prop:value=move || field.text.get()
                    on:input:target=move |event| field.text.set(event.target().value())
                    on:change=move |_| field.left.set(true)
                    on:keydown=keydown
                    on:paste=move |event| paste.run(event)
                    aria-invalid=move || error.with(Option::is_some).then_some("true")
                    aria-describedby=move || error.with(Option::is_some).then(error_id)
                />
                <Show when=move || { fields.count() > OPTIONS_MIN }>
                    <button
                        type="button"
                        class="button button--icon"
                        aria-label=move || format!("Remove option {}", place() + 1)
                        on:click=move |_| fields.remove(field.key)
                    >
                        <Icon sign=Sign::Cross />
                    </button>
                </Show>
            </div>
            <FieldError id=error_id() error />
        </li>
    }
}
