//! Addresses within the app. It lives under whatever path it was put, and a guest's tab stays a guest's.

use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use crate::domain::identity::RoomRef;
use crate::runtime::App;

const GUEST_QUERY: &str = "?as=guest";

/// The path of the app without the slash at its end: what the router calls its base.
pub fn router_base(app: App) -> String {
    let url = app.base_url();
    let path = url.split_once("://").map_or(url.as_str(), |(_, rest)| {
        rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default()
    });
    path.trim_end_matches('/').to_owned()
}

fn query(app: App) -> &'static str {
    if app.guest() { GUEST_QUERY } else { "" }
}

/// The home page, for this tab.
pub fn home(app: App) -> String {
    format!("{}{}", app.base_url(), query(app))
}

/// A room, for this tab.
pub fn room(app: App, room: RoomRef) -> String {
    format!("{}poll{}#{}", app.base_url(), query(app), room.to_fragment())
}

/// A room, for other people.
pub fn share(app: App, room: RoomRef) -> String {
    format!("{}poll#{}", app.base_url(), room.to_fragment())
}

/// A room, for a tab that is to have an identity of its own.
pub fn guest(app: App, room: RoomRef) -> String {
    format!("{}poll{GUEST_QUERY}#{}", app.base_url(), room.to_fragment())
}

/// How to go to a room without loading the page anew.
pub fn use_go_to(app: App) -> impl Fn(RoomRef) + Clone + 'static {
    let navigate = use_navigate();
    let base = router_base(app);
    move |room: RoomRef| {
        let path = format!("{base}/poll{}#{}", query(app), room.to_fragment());
        navigate(&path, NavigateOptions { resolve: false, ..NavigateOptions::default() });
    }
}
