use leptos::prelude::*;

/// Where the peers of the picture sit around the hub at (200, 150).
const PEERS: [(u16, u16); 7] =
    [(60, 60), (205, 22), (345, 75), (372, 205), (270, 285), (112, 275), (28, 180)];

/// The shape of every poll: one hub, everybody connected to it. Decoration.
#[component]
pub fn Star() -> impl IntoView {
    let line = |(x, y): (u16, u16)| format!("M{x} {y}L200 150");
    view! {
        <svg class="star" viewBox="0 0 400 310" aria-hidden="true" focusable="false">
            {PEERS.map(|peer| view! { <path class="star__link" d=line(peer) /> }).collect_view()}
            {PEERS.map(|peer| view! { <path class="star__vote" d=line(peer) /> }).collect_view()}
            {PEERS
                .map(|(x, y)| view! { <circle class="star__peer" cx=x.to_string() cy=y.to_string() r="13" /> })
                .collect_view()}
            <circle class="star__hub" cx="200" cy="150" r="58" />
            <rect class="star__bar star__bar--leading" x="168" y="124" width="64" height="11" rx="5.5" />
            <rect class="star__bar" x="168" y="145" width="38" height="11" rx="5.5" />
            <rect class="star__bar" x="168" y="166" width="50" height="11" rx="5.5" />
        </svg>
    }
}
