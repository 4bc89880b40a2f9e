//! One file for each page.

mod bad_link;
mod home;
mod lobby;
mod not_found;
mod poll;
mod room;

pub use home::HomePage;
pub use not_found::NotFoundPage;
pub use poll::PollPage;
