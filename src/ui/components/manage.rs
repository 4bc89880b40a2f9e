use leptos::html::Dialog;
use leptos::prelude::*;

use super::edit_dialog::EditDialog;
use super::storage_note::StorageNote;
use crate::domain::poll::{Action, Status};
use crate::ui::room::Room;
use crate::ui::view::Show;

/// Closing, reopening and editing, for the owner and moderators.
#[component]
pub fn Manage(room: Room) -> impl IntoView {
    let open = move || room.poll().is_some_and(|poll| poll.open);
    let dialog = NodeRef::<Dialog>::new();
    let toggle = move |_| {
        if room.can_act() {
            room.act(Action::SetStatus(Status { open: !open() }));
        }
    };
    let edit = move |_| {
        if let Some(dialog) = dialog.get_untracked() {
            // Fails only when it is open already.
            let _ = dialog.show_modal();
        }
    };
    view! {
        <Show when=move || room.may_moderate()>
            <section class="panel" aria-labelledby="manage-title">
                <h2 id="manage-title" class="panel__title">
                    "Run this poll"
                </h2>
                <div class="panel__buttons">
                    <button
                        type="button"
                        class="button"
                        aria-disabled=move || (!room.can_act()).then_some("true")
                        aria-describedby="manage-reason"
                        on:click=toggle
                    >
                        {move || if open() { "Close poll" } else { "Reopen poll" }.to_owned()}
                    </button>
                    <button type="button" class="button" on:click=edit>
                        "Edit …"
                    </button>
                </div>
                <p id="manage-reason" class="field__hint">
                    {move || {
                        let words = if let Some(reason) = room.out_of_reach() {
                            reason
                        } else if open() {
                            "Closing ends the voting; you can reopen at any time."
                        } else {
                            "Reopening lets everybody vote again."
                        };
                        words.to_owned()
                    }}
                </p>
                <Show when=move || room.is_owner()>
                    <StorageNote />
                </Show>
                <EditDialog room dialog />
            </section>
        </Show>
    }
}
