use leptos::prelude::*;

use crate::ui::browser;
use crate::ui::components::{CreateForm, JoinForm, MyPolls, Promises, Star};

#[component]
pub fn HomePage() -> impl IntoView {
    browser::set_title("Peerpoll – polls without a server");
    view! {
        <div class="home">
            <section class="hero">
                <h1 class="hero__title">"Ask the room. Your browser " <em>"is"</em> " the room."</h1>
                <p class="hero__lede">
                    "Make a poll in seconds, share one link, and watch the votes arrive. \
                    No account, no server that keeps your data: everybody connects straight to you."
                </p>
            </section>
            <CreateForm />
            <section class="home__join" aria-labelledby="join-title">
                <h2 id="join-title" class="section-title">
                    "Got a link?"
                </h2>
                <JoinForm />
                <Star />
            </section>
            <MyPolls />
            <Promises />
        </div>
    }
}
