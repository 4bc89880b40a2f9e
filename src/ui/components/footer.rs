use leptos::prelude::*;

#[component]
pub fn Footer() -> impl IntoView {
    view! {
        <footer class="colophon">
            <p>
                "Peerpoll keeps polls in the browsers of the people who make and answer them, and nowhere else."
            </p>
        </footer>
    }
}
