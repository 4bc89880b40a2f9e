use leptos::prelude::*;

use super::option_card::OptionCard;
use crate::domain::poll::Choice;
use crate::ui::room::Room;
use crate::ui::view::{For, Show};
use crate::ui::words;

/// Names the element that says why voting is not possible now.
pub const REASON: &str = "ballot-reason";

/// The options, each with its button and its bar.
#[component]
pub fn Ballot(room: Room) -> impl IntoView {
    let multiple = move || room.poll().is_some_and(|poll| poll.choice == Choice::Multiple);
    let title = move || match (room.is_open(), multiple()) {
        (false, _) => "Result",
        (true, false) => "Choose one",
        (true, true) => "Choose as many as you like",
    };
    view! {
        <section class="ballot" class:ballot--multiple=move || multiple() aria-labelledby="ballot-title">
            <Show when=move || !room.is_open()>
                <p id=REASON class="closed">
                    <strong>"This poll is closed."</strong>
                    " The votes below are final unless it is reopened."
                </p>
            </Show>
            <div class="ballot__head">
                <h2 id="ballot-title" class="eyebrow">
                    {move || title().to_owned()}
                </h2>
                <p class="ballot__voters">
                    {move || words::voters(room.voters())}
                </p>
            </div>
            <Show when=move || room.is_open() && room.cannot_vote().is_some()>
                <p id=REASON class="ballot__reason">
                    {move || room.cannot_vote().unwrap_or_default().to_owned()}
                </p>
            </Show>
            <ul class="options">
                <For
                    each=move || room.poll().map_or_else(Vec::new, |poll| poll.options.clone())
                    // No honest owner changes a label. Whoever does must not be given votes under the old one.
                    key=|option| format!("{} {}", option.id.0, option.label)
                    children=move |option| {
                        view! { <OptionCard room id=option.id label=option.label.to_string() /> }
                    }
                />
            </ul>
            <p class="field__hint">"Votes are not secret: everybody in this poll can see how each key voted."</p>
        </section>
    }
}
