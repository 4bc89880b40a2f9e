use leptos::prelude::*;

/// How it works, and what it does not promise, before anybody relies on it.
#[component]
pub fn Promises() -> impl IntoView {
    view! {
        <section class="promises" aria-labelledby="promises-title">
            <h2 id="promises-title" class="section-title">
                "How it works"
            </h2>
            <ol class="steps">
                <li class="steps__item">
                    <h3 class="steps__title">"Your browser is the hub"</h3>
                    <p>
                        "The poll lives where you make it. Everybody who opens the link connects to your browser, \
                        which counts. A small server only introduces the browsers to each other."
                    </p>
                </li>
                <li class="steps__item">
                    <h3 class="steps__title">"Every vote is signed and kept"</h3>
                    <p>
                        "A vote is saved on the voter's device before it is sent, and again on yours before it is \
                        confirmed. Pull any plug: it arrives once, or says that it has not."
                    </p>
                </li>
                <li class="steps__item">
                    <h3 class="steps__title">"The confirmation is a receipt"</h3>
                    <p>
                        "Each confirmation is signed by the owner and names its place in the poll's log. A vote that \
                        was confirmed and then dropped can be proved."
                    </p>
                </li>
            </ol>
            <h2 class="section-title">"What it does not promise"</h2>
            <ul class="caveats">
                <li>"While the owner's browser is closed, a poll can be read but not voted in."</li>
                <li>"Votes are not secret: everybody in a poll can see how each key voted."</li>
                <li>"Keys are free: an open link does not stop one person with two browsers."</li>
                <li>"A direct connection shows your IP address to the owner, and theirs to you."</li>
                <li>"It is made for groups who trust each other, not for public elections."</li>
            </ul>
        </section>
    }
}
