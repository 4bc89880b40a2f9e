use leptos::ev::{KeyboardEvent, SubmitEvent};
use leptos::html::Details;
use leptos::prelude::*;

use super::checkbox::Checkbox;
use super::option_fields::{OptionFields, OptionList};
use super::text_area::TextArea;
use crate::domain::identity::RoomRef;
use crate::domain::poll::{Choice, Draft};
use crate::runtime::view::Intent;
use crate::runtime::{App, StorageNotice};
use crate::ui::draft::{self, Field, Problem, Typed};
use crate::ui::view::{effect, memo};
use crate::ui::{browser, links};

const QUESTION: &str = "question";
const DESCRIPTION: &str = "description";

/// Everything there is to fill in. What is wrong with it is derived, so nothing typed is ever touched.
#[derive(Clone, Copy)]
struct Form {
    question: RwSignal<String>,
    description: RwSignal<String>,
    options: OptionFields,
    choice: RwSignal<Choice>,
    participants_add_options: RwSignal<bool>,
    listed: RwSignal<bool>,
    /// Whether "Create poll" has been pressed.
    attempted: RwSignal<bool>,
    checked: Memo<Result<Draft, Vec<(Field, Problem)>>>,
}

impl Form {
    fn new() -> Self {
        let question = RwSignal::new(String::new());
        let description = RwSignal::new(String::new());
        let options = OptionFields::new();
        let choice = RwSignal::new(Choice::Single);
        let participants_add_options = RwSignal::new(false);
        let listed = RwSignal::new(false);
        let checked = memo(move || {
            draft::check(&Typed {
                question: question.get(),
                description: description.get(),
                options: options.texts(),
                choice: choice.get(),
                participants_add_options: participants_add_options.get(),
                listed: listed.get(),
            })
        });
        Self {
            question,
            description,
            options,
            choice,
            participants_add_options,
            listed,
            attempted: RwSignal::new(false),
            checked,
        }
    }

    /// The words beside a field. Nobody is told that a field is empty before they have tried to go on.
    fn error(self, field: Field) -> Option<String> {
        let left = match field {
            Field::Option(at) => self.options.get().get(at).is_some_and(|option| option.left.get()),
            Field::Question | Field::Description => false,
        };
        let problem = self.checked.with(|checked| {
            let problems = checked.as_ref().err()?;
            problems.iter().find(|(at, _)| *at == field).map(|(_, problem)| *problem)
        });
        problem
            .filter(|problem| {
                self.attempted.get()
                    || problem.at_once()
                    || (left && matches!(problem, Problem::SameAs(_)))
            })
            .map(|problem| problem.words(field))
    }

    fn summary(self) -> Option<String> {
        let count = self.checked.with(|checked| checked.as_ref().err().map_or(0, Vec::len));
        (self.attempted.get() && count > 0).then(|| match count {
            1 => "One thing above needs your attention.".to_owned(),
            n => format!("{n} things above need your attention."),
        })
    }

    /// The draft, or the focus on the first field that stands in its way.
    fn submit(self) -> Option<Draft> {
        match self.checked.get_untracked() {
            Ok(draft) => Some(draft),
            Err(problems) => {
                self.attempted.set(true);
                if let Some((field, _)) = problems.first() {
                    browser::focus_later(self.field_id(*field));
                }
                None
            }
        }
    }

    fn field_id(self, field: Field) -> String {
        match field {
            Field::Question => QUESTION.into(),
            Field::Description => DESCRIPTION.into(),
            Field::Option(at) => self.options.id_at(at).unwrap_or_default(),
        }
    }
}

/// A poll is what its owner's browser keeps.
const KEEPS_NOTHING: &str = "This browser keeps no storage for this page, so it can't hold a poll. \
                             Use a normal window, or allow storage, and create it there.";

/// Makes a poll and goes to it.
#[component]
pub fn CreateForm() -> impl IntoView {
    let app = expect_context::<App>();
    let go_to = links::use_go_to(app);
    let form = Form::new();
    let ready = RwSignal::new(None::<Draft>);

    // The key of this browser may still be on its way when somebody is quick. A memo, so that the view
    // that the new poll brings about does not make another poll.
    let me = memo(move || app.view().with(|view| view.as_ref().map(|view| view.me)));
    effect(move || {
        if let (Some(draft), Some(me)) = (ready.get(), me.get()) {
            untrack(|| {
                let poll = app.new_poll_id();
                app.dispatch(Intent::Create { poll, draft });
                go_to(RoomRef { owner: me, poll });
            });
        }
    });
    let keeps_nothing = RwSignal::new(false);
    let submit = move || {
        keeps_nothing
            .set(app.notices().with(|notices| notices.storage == StorageNotice::Unavailable));
        if keeps_nothing.get_untracked() {
            return;
        }
        // A second press while the first is on its way makes no second poll.
        if ready.with_untracked(Option::is_none) {
            ready.set(form.submit());
        }
    };
    let question_key = move |event: KeyboardEvent| {
        if event.key() == "Enter" && !event.is_composing() {
            event.prevent_default();
            if let Some(id) = form.options.id_at(0) {
                browser::focus(&id);
            }
        }
    };
    view! {
        <form
            class="card create"
            aria-labelledby="create-title"
            novalidate
            on:submit=move |event: SubmitEvent| {
                event.prevent_default();
                submit();
            }
            on:keydown=move |event: KeyboardEvent| {
                if event.key() == "Enter" && (event.ctrl_key() || event.meta_key()) {
                    event.prevent_default();
                    submit();
                }
            }
        >
            <h2 id="create-title" class="card__title">
                "New poll"
            </h2>
            <div on:keydown=question_key>
                <TextArea
                    id=QUESTION
                    label="Question"
                    large=true
                    placeholder="What do we eat on Friday?"
                    value=form.question
                    on_input=Callback::new(move |text| form.question.set(text))
                    error=Signal::derive(move || form.error(Field::Question))
                />
            </div>
            <OptionList
                fields=form.options
                error=Callback::new(move |at| form.error(Field::Option(at)))
            />
            <ChoiceRadios choice=form.choice on_change=Callback::new(move |choice| form.choice.set(choice)) />
            <Settings form />
            <div class="create__end">
                <button
                    type="submit"
                    class="button button--primary"
                    aria-busy=move || ready.with(Option::is_some).to_string()
                >
                    "Create poll"
                </button>
                <p class="field__error" role="alert">
                    {move || if keeps_nothing.get() { KEEPS_NOTHING.to_owned() } else { form.summary().unwrap_or_default() }}
                </p>
            </div>
        </form>
    }
}

#[component]
fn ChoiceRadios(
    #[prop(into)] choice: Signal<Choice>,
    on_change: Callback<Choice>,
) -> impl IntoView {
    let radio = move |value: Choice, label: &'static str| {
        view! {
            <label class="segment">
                <input
                    class="segment__input"
                    type="radio"
                    name="choice"
                    prop:checked=move || choice.get() == value
                    on:change=move |_| on_change.run(value)
                />
                <span class="segment__label">{label}</span>
            </label>
        }
    };
    view! {
        <fieldset class="segments">
            <legend class="field__label">"Everybody may choose"</legend>
            <div class="segments__row">
                {radio(Choice::Single, "One")} {radio(Choice::Multiple, "Several")}
            </div>
        </fieldset>
    }
}

/// What most polls do without. Opens by itself when something in it is wrong.
#[component]
fn Settings(form: Form) -> impl IntoView {
    let error = Signal::derive(move || form.error(Field::Description));
    let details = NodeRef::<Details>::new();
    effect(move || {
        if let (Some(details), true) = (details.get(), error.with(Option::is_some)) {
            details.set_open(true);
        }
    });
    view! {
        <details class="more" node_ref=details>
            <summary class="more__summary">"Description and settings"</summary>
            <div class="more__body">
                <TextArea
                    id=DESCRIPTION
                    label="Description"
                    value=form.description
                    on_input=Callback::new(move |text| form.description.set(text))
                    error
                />
                <Checkbox
                    checked=form.participants_add_options
                    on_change=Callback::new(move |on| form.participants_add_options.set(on))
                    label="Participants may add options"
                />
                <Checkbox
                    checked=form.listed
                    on_change=Callback::new(move |on| form.listed.set(on))
                    label="Show this poll to people who know only my peer id"
                />
            </div>
        </details>
    }
}
