use leptos::prelude::*;

/// What others get to know.
#[component]
pub fn Privacy() -> impl IntoView {
    view! {
        <section class="panel privacy" aria-labelledby="privacy-title">
            <h2 id="privacy-title" class="panel__title">
                "Who sees what"
            </h2>
            <ul class="caveats">
                <li>"The owner and everybody in this poll can see how each key voted."</li>
                <li>"A direct connection shows IP addresses: yours to the owner, the owner's to you."</li>
                <li>"An open link does not stop one person from voting with two browsers."</li>
            </ul>
        </section>
    }
}
