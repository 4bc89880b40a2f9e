//! What it takes to make a driver: configuration, storage, an identity.

use std::rc::{Rc, Weak};

use leptos::prelude::*;

use super::driver::{Driver, Keeping, Parts};
use super::{Signals, StorageNotice};
use crate::adapters::page::{self, ConfigError};
use crate::adapters::peerjs::PeerJs;
use crate::adapters::storage::{Storage, StorageError, StorageEvent};
use crate::adapters::tabs::LeaderLock;
use crate::domain::config::Config;
use crate::domain::identity::KeyPair;
use crate::protocol::node::Node;

const DATABASE: &str = "peerpoll";
/// Enough of a guest's peer id to tell its database from others.
const GUEST_NAME_CHARS: usize = 16;

/// Makes the driver, or says why nothing can work here.
pub async fn start(signals: Signals) -> Result<Rc<Driver>, String> {
    let no_randomness =
        |_| "This browser has no secure random numbers, so no votes can be signed.".to_owned();
    let fresh: [u8; 32] = page::random_bytes().map_err(no_randomness)?;
    let node_seed: [u8; 32] = page::random_bytes().map_err(no_randomness)?;

    let config = load_config(signals).await;
    let guest = page::wants_guest().then(|| guest_key(fresh));
    let database = guest.as_ref().map_or_else(|| DATABASE.to_owned(), guest_database);
    let on_storage = move |event| match event {
        StorageEvent::NewerTab => signals.notices.update(|notices| notices.newer_tab = true),
        StorageEvent::ThrownAway => {
            signals.notices.update(|notices| notices.storage = StorageNotice::ThrownAway);
        }
        StorageEvent::Blocked | StorageEvent::Closed => {}
    };
    let (keeping, key) = match Storage::open(&database, Rc::new(on_storage)).await {
        Ok(storage) => {
            let key = match guest {
                Some(key) => key,
                None => identity(&storage, fresh).await?,
            };
            (Keeping::Disk(storage), key)
        }
        Err(StorageError::Unavailable | StorageError::Quota) => {
            signals.notices.update(|notices| notices.storage = StorageNotice::Unavailable);
            (Keeping::Nothing, guest.unwrap_or_else(|| KeyPair::from_seed(&fresh)))
        }
        Err(error @ (StorageError::Newer | StorageError::Damaged)) => return Err(error.to_string()),
    };
    signals.notices.update(|notices| {
        notices.no_locks = !LeaderLock::available();
        notices.no_webrtc = !PeerJs::supported();
    });

    let name = key.public().peer_id();
    let token = key.signalling_token();
    Ok(Rc::new_cyclic(|driver: &Weak<Driver>| {
        let events = driver.clone();
        let peerjs = PeerJs::new(
            config,
            token,
            Rc::new(move |event| {
                if let Some(driver) = events.upgrade() {
                    driver.transport(event);
                }
            }),
        );
        Driver::new(
            driver.clone(),
            Parts { node: Node::new(key, node_seed), name, peerjs, keeping, signals },
        )
    }))
}

async fn identity(storage: &Storage, fresh: [u8; 32]) -> Result<KeyPair, String> {
    let seed = storage.load_identity_or(fresh).await.map_err(|error| error.to_string())?;
    Ok(KeyPair::from_seed(&seed))
}

/// This tab's own identity: the one it had before a reload, else a fresh one.
fn guest_key(fresh: [u8; 32]) -> KeyPair {
    let seed = page::guest_seed().unwrap_or_else(|| {
        // Where it can't be kept, a reload makes another guest.
        let _ = page::store_guest_seed(&fresh);
        fresh
    });
    KeyPair::from_seed(&seed)
}

fn guest_database(key: &KeyPair) -> String {
    let id = key.public().peer_id();
    format!("{DATABASE}-guest-{}", id.get(..GUEST_NAME_CHARS).unwrap_or(&id))
}

/// A mistake in `config.json` is shown; the page then works as if there were none.
async fn load_config(signals: Signals) -> Config {
    let complain = |words: String| {
        signals.notices.update(|notices| notices.signalling_misconfigured = Some(words));
        Config::default()
    };
    match page::fetch_config().await {
        Ok(text) => Config::parse(&text).unwrap_or_else(|error| complain(error.to_string())),
        Err(ConfigError::Missing) => Config::default(),
        Err(error @ ConfigError::Unreachable) => complain(error.to_string()),
    }
}
