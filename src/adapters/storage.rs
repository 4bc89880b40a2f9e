//! IndexedDB: one database an identity, one object store a [`Store`], and `meta` beside them.
//!
//! A commit is one transaction, pipelined: the epoch is asked for, every row is put behind it, and only
//! then do we wait. IndexedDB answers in that order, so a stale epoch aborts the transaction before it can
//! complete, and nothing of it is kept. Nothing foreign is awaited inside a transaction: it would end.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::IntoFuture;
use std::rc::Rc;

use idb::{
    Database, DatabaseEvent as _, Factory, ObjectStoreParams, Request as _, StoreEvent as _,
    Transaction,
};
use js_sys::{Array, Function, Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{IdbDatabase, IdbTransaction};

use crate::protocol::effect::{Batch, Durability, StorageFailure};
use crate::protocol::storage::{Row, Store};

const VERSION: u32 = 1;
/// The store that holds the identity and the epoch.
const META: &str = "meta";
const IDENTITY_KEY: &str = "identity";
const EPOCH_KEY: &str = "epoch";
/// The database that is made only to be deleted.
const SCRATCH: &str = "peerpoll-scratch";

#[wasm_bindgen]
extern "C" {
    // idb knows no durability, and web-sys hides it behind an unstable flag.
    #[wasm_bindgen(extends = IdbDatabase)]
    type DurableDatabase;

    #[wasm_bindgen(method, catch, js_name = transaction)]
    fn transaction_with_options(
        this: &DurableDatabase,
        stores: &Array,
        mode: &str,
        options: &Object,
    ) -> Result<IdbTransaction, JsValue>;
}

/// What happens to the database without our doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageEvent {
    /// A tab with a newer page wants to change the database, or it is being deleted. It is closed here
    /// and stays so: ask for a reload.
    NewerTab,
    /// Another tab with an older page holds the database: opening waits until that one is closed.
    Blocked,
    /// The browser closed the database. The next commit opens it again.
    Closed,
    /// The browser found what it had stored damaged, and has thrown it away. Only Chromium says so.
    ThrownAway,
}

/// Why a database can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageError {
    /// A newer page has already changed the database: reload.
    Newer,
    /// No room left on this device.
    Quota,
    /// What is stored is not ours, or damaged. It is left as it is.
    Damaged,
    /// No IndexedDB here, or it failed.
    Unavailable,
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Newer => "A newer version of this page has been here. Reload it.",
            Self::Quota => "There is no room left on this device.",
            Self::Damaged => "What this browser has stored can't be read.",
            Self::Unavailable => "This browser does not let the page store anything.",
        })
    }
}

impl std::error::Error for StorageError {}

/// An open database.
pub struct Storage {
    name: String,
    on_event: Rc<dyn Fn(StorageEvent)>,
    database: RefCell<Handle>,
    /// A newer tab has taken over: never open it again.
    superseded: Rc<Cell<bool>>,
}

#[derive(Clone)]
struct Handle {
    raw: IdbDatabase,
    /// Keeps the callbacks.
    _database: Rc<Database>,
}

/// What went wrong in one transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Fenced,
    Quota,
    /// The connection to the database is gone; a new one may do.
    Disconnected,
    Damaged,
    Newer,
    Other,
}

impl From<idb::Error> for Fault {
    fn from(error: idb::Error) -> Self {
        use idb::Error as E;
        match error {
            E::DomException(error) => fault(&error),
            E::DeleteFailed(error)
            | E::GetAllFailed(error)
            | E::GetAllKeysFailed(error)
            | E::GetFailed(error)
            | E::IndexedDbOpenFailed(error)
            | E::ObjectStoreNotFound(error)
            | E::UpdateFailed(error) => fault(&error),
            _ => Self::Other,
        }
    }
}

impl From<Fault> for StorageError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Quota => Self::Quota,
            Fault::Damaged => Self::Damaged,
            Fault::Newer => Self::Newer,
            Fault::Fenced | Fault::Disconnected | Fault::Other => Self::Unavailable,
        }
    }
}

impl From<Fault> for StorageFailure {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Fenced => Self::Fenced,
            Fault::Quota => Self::Quota,
            Fault::Disconnected | Fault::Damaged | Fault::Newer | Fault::Other => Self::Unavailable,
        }
    }
}

impl Storage {
    /// Opens or creates the database `name`. Waits, after [`StorageEvent::Blocked`], for an older tab.
    pub async fn open(
        name: &str,
        on_event: Rc<dyn Fn(StorageEvent)>,
    ) -> Result<Self, StorageError> {
        let superseded = Rc::new(Cell::new(false));
        let handle = connect(name, &on_event, &superseded).await?;
        Ok(Self { name: name.to_owned(), on_event, database: RefCell::new(handle), superseded })
    }

    /// The identity's secret seed: what is stored, or else `fresh`, which is stored. Whichever tab comes
    /// first wins, and all get the same.
    pub async fn load_identity_or(&self, fresh: [u8; 32]) -> Result<[u8; 32], StorageError> {
        let work = async || {
            let transaction = self.writing([META], Durability::Strict)?;
            let seed = transaction.identity_or(fresh).await;
            transaction.end(seed).await
        };
        Ok(self.reconnecting(work).await?)
    }

    /// Fences every tab that leads with a lower epoch, and returns the new one.
    pub async fn raise_epoch(&self) -> Result<u64, StorageError> {
        let work = async || {
            let transaction = self.writing([META], Durability::Strict)?;
            let epoch = transaction.raise_epoch().await;
            transaction.end(epoch).await
        };
        Ok(self.reconnecting(work).await?)
    }

    /// Every row of every store, in the order of stores and keys.
    pub async fn load(&self) -> Result<Vec<Row>, StorageError> {
        let work = async || {
            let transaction = self.reading()?;
            let rows = transaction.read_all().await;
            transaction.end(rows).await
        };
        Ok(self.reconnecting(work).await?)
    }

    /// Writes a batch: all of it, lasting as it asks, or nothing.
    pub async fn commit(&self, epoch: u64, batch: &Batch) -> Result<(), StorageFailure> {
        Ok(self.reconnecting(async || self.try_commit(epoch, batch).await).await?)
    }

    /// Works once more, on a new connection, when the browser has closed the old one. Nothing was kept of
    /// the first time, and the epoch is compared again.
    async fn reconnecting<T>(&self, work: impl AsyncFn() -> Result<T, Fault>) -> Result<T, Fault> {
        let result = work().await;
        if matches!(result, Err(Fault::Disconnected)) && self.reconnect().await {
            return work().await;
        }
        result
    }

    async fn try_commit(&self, epoch: u64, batch: &Batch) -> Result<(), Fault> {
        let touched =
            Store::ALL.into_iter().filter(|store| batch.rows.iter().any(|row| row.store == *store));
        let names = std::iter::once(META).chain(touched.map(Store::name));
        let transaction = self.writing(names, batch.durability)?;
        let fenced = Rc::new(Cell::new(false));
        let result = transaction.fence(epoch, &fenced).and_then(|fence| {
            batch.rows.iter().try_for_each(|row| transaction.write(row))?;
            Ok(fence)
        });
        let result = transaction.end(result).await;
        if fenced.get() {
            return Err(Fault::Fenced);
        }
        result.map(drop)
    }

    fn reading(&self) -> Result<Open, Fault> {
        let stores: Array = Store::ALL.iter().map(|store| JsValue::from(store.name())).collect();
        let transaction = self.handle().raw.transaction_with_str_sequence(&stores);
        transaction.map(Open::new).map_err(|error| fault(&error))
    }

    fn handle(&self) -> Handle {
        self.database.borrow().clone()
    }

    fn writing<'a>(
        &self,
        stores: impl IntoIterator<Item = &'a str>,
        durability: Durability,
    ) -> Result<Open, Fault> {
        if self.superseded.get() {
            return Err(Fault::Other);
        }
        let options = Object::new();
        let durability = match durability {
            Durability::Strict => "strict",
            Durability::Relaxed => "relaxed",
        };
        Reflect::set(&options, &"durability".into(), &durability.into())
            .map_err(|_| Fault::Other)?;
        let stores: Array = stores.into_iter().map(JsValue::from).collect();
        let handle = self.handle();
        handle
            .raw
            .unchecked_ref::<DurableDatabase>()
            .transaction_with_options(&stores, "readwrite", &options)
            .map(Open::new)
            .map_err(|error| fault(&error))
    }

    async fn reconnect(&self) -> bool {
        if self.superseded.get() {
            return false;
        }
        self.handle().raw.close();
        let Ok(handle) = connect(&self.name, &self.on_event, &self.superseded).await else {
            return false;
        };
        let previous = self.database.replace(handle);
        drop(previous);
        true
    }
}

impl Drop for Storage {
    fn drop(&mut self) {
        self.handle().raw.close();
    }
}

/// Asks the browser to keep what this page stores when room runs out, and returns its answer; `None` where
/// it can't be asked (insecure contexts, old browsers).
pub async fn persisted() -> Option<bool> {
    let navigator = web_sys::window()?.navigator();
    // Undefined in insecure contexts, which web-sys does not expect.
    Reflect::get(&navigator, &"storage".into()).ok().filter(JsValue::is_object)?;
    let answer = JsFuture::from(navigator.storage().persist().ok()?).await.ok()?;
    answer.as_bool()
}

/// Has the browser begin a new log for its databases, which makes up for a flaw of Chromium's.
///
/// A site's databases are one `LevelDB` there, which writes a record in two pieces and goes on with the log
/// that it finds (`reuse_logs`). A browser killed between the two leaves the first piece behind; the next one
/// reads all before it, and writes after it; the one after that takes the log for corrupt, and throws all
/// databases away. Deleting a database makes `LevelDB` move what its log holds to a table and begin a new one.
pub async fn begin_new_log() -> Result<(), StorageError> {
    Ok(make_and_delete(SCRATCH).await.map_err(Fault::from)?)
}

async fn make_and_delete(name: &str) -> Result<(), idb::Error> {
    let factory = Factory::new()?;
    factory.open(name, None)?.await?.close();
    factory.delete(name)?.await
}

async fn connect(
    name: &str,
    on_event: &Rc<dyn Fn(StorageEvent)>,
    superseded: &Rc<Cell<bool>>,
) -> Result<Handle, StorageError> {
    let opening = Factory::new().and_then(|factory| factory.open(name, Some(VERSION)));
    let mut request = opening.map_err(Fault::from)?;
    let losing = Rc::clone(on_event);
    request.on_upgrade_needed(move |event| {
        // Version 1 has nothing to carry over. A store that can't be made fails the first transaction.
        let Ok(database) = event.database() else { return };
        for store in Store::ALL.into_iter().map(Store::name).chain([META]) {
            let _ = database.create_object_store(store, ObjectStoreParams::new());
        }
        if lost_all(&event.into()) {
            losing(StorageEvent::ThrownAway);
        }
    });
    let blocked = Rc::clone(on_event);
    request.on_blocked(move |_| blocked(StorageEvent::Blocked));
    let opened = request.await.map_err(Fault::from)?;

    let raw = IdbDatabase::from(opened);
    let mut database = Database::from(raw.clone());
    let (on_change, superseded, changing) =
        (Rc::clone(on_event), Rc::clone(superseded), raw.clone());
    database.on_version_change(move |_| {
        superseded.set(true);
        changing.close();
        on_change(StorageEvent::NewerTab);
    });
    let on_close = Rc::clone(on_event);
    database.on_close(move |_| on_close(StorageEvent::Closed));
    Ok(Handle { raw, _database: Rc::new(database) })
}

/// One transaction under way. Its end is watched from the start, by what the transaction itself reports:
/// idb takes an abort for a success, and a request's error for something else.
struct Open {
    raw: IdbTransaction,
    transaction: Transaction,
    ended: Promise,
}

impl Open {
    fn new(raw: IdbTransaction) -> Self {
        let mut transaction = Transaction::from(raw.clone());
        let ended = Promise::new(&mut |resolve: Function, _| {
            let settle = |resolve: Function, completed: bool| {
                move |_| drop(resolve.call1(&JsValue::UNDEFINED, &completed.into()))
            };
            transaction.on_complete(settle(resolve.clone(), true));
            transaction.on_abort(settle(resolve, false));
        });
        Self { raw, transaction, ended }
    }

    fn store(&self, name: &str) -> Result<idb::ObjectStore, Fault> {
        Ok(self.transaction.object_store(name)?)
    }

    /// Aborts, and says so, once the stored epoch turns out to be another. The answer is the fence: it
    /// stands as long as it is kept.
    fn fence(
        &self,
        epoch: u64,
        fenced: &Rc<Cell<bool>>,
    ) -> Result<idb::request::GetStoreRequest, Fault> {
        let mut stored = self.store(META)?.get(JsValue::from(EPOCH_KEY))?;
        let (transaction, fenced) = (self.raw.clone(), Rc::clone(fenced));
        stored.on_success(move |event| {
            let stored = event.result().ok().flatten();
            if stored.as_ref().and_then(read_epoch) != Some(epoch) {
                fenced.set(true);
                // Fails only when it is over, and it is not before this returns.
                let _ = transaction.abort();
            }
        });
        Ok(stored)
    }

    /// Asks for one row to be written; the answer shows in the transaction's end.
    fn write(&self, row: &Row) -> Result<(), Fault> {
        let store = self.store(row.store.name())?;
        let key = JsValue::from(&row.key);
        match &row.value {
            Some(value) => drop(store.put(&value.into(), Some(&key))?),
            None => drop(store.delete(key)?),
        }
        Ok(())
    }

    async fn identity_or(&self, fresh: [u8; 32]) -> Result<[u8; 32], Fault> {
        let meta = self.store(META)?;
        let Some(stored) = meta.get(JsValue::from(IDENTITY_KEY))?.await? else {
            meta.put(&Uint8Array::from(fresh.as_slice()), Some(&IDENTITY_KEY.into()))?;
            return Ok(fresh);
        };
        let bytes = stored.dyn_into::<Uint8Array>().map_err(|_| Fault::Damaged)?;
        bytes.to_vec().try_into().map_err(|_| Fault::Damaged)
    }

    async fn raise_epoch(&self) -> Result<u64, Fault> {
        let meta = self.store(META)?;
        let epoch = match meta.get(JsValue::from(EPOCH_KEY))?.await? {
            Some(stored) => read_epoch(&stored).ok_or(Fault::Damaged)?.saturating_add(1),
            None => 1,
        };
        meta.put(&epoch.to_string().into(), Some(&EPOCH_KEY.into()))?;
        Ok(epoch)
    }

    async fn read_all(&self) -> Result<Vec<Row>, Fault> {
        let mut requests = Vec::new();
        for store in Store::ALL {
            let source = self.store(store.name())?;
            let keys = source.get_all_keys(None, None)?.into_future();
            requests.push((store, keys, source.get_all(None, None)?.into_future()));
        }
        let mut rows = Vec::new();
        for (store, keys, values) in requests {
            for (key, value) in keys.await?.into_iter().zip(values.await?) {
                let (Some(key), Some(value)) = (key.as_string(), value.as_string()) else {
                    return Err(Fault::Damaged);
                };
                rows.push(Row { store, key, value: Some(value) });
            }
        }
        Ok(rows)
    }

    /// Waits for `complete`; aborts first if `result` is an error already.
    async fn end<T>(self, result: Result<T, Fault>) -> Result<T, Fault> {
        if result.is_err() {
            // May have aborted by itself, which is why.
            let _ = self.raw.abort();
        }
        let completed = JsFuture::from(self.ended).await.is_ok_and(|completed| completed == true);
        let value = result?;
        if completed {
            Ok(value)
        } else {
            Err(self.raw.error().map_or(Fault::Other, |error| fault(&error)))
        }
    }
}

/// Whether there was a database before, which could not be read. A property that only Chromium has.
fn lost_all(upgrade: &JsValue) -> bool {
    Reflect::get(upgrade, &"dataLoss".into()).is_ok_and(|loss| loss == "total")
}

fn read_epoch(stored: &JsValue) -> Option<u64> {
    stored.as_string()?.parse().ok()
}

/// By name, since a quota error is a class of its own in newer browsers.
fn fault(error: &JsValue) -> Fault {
    let name = Reflect::get(error, &"name".into()).ok().and_then(|name| name.as_string());
    match name.as_deref() {
        Some("QuotaExceededError") => Fault::Quota,
        Some("VersionError") => Fault::Newer,
        // `UnknownError` is how Safari says that it lost its database process.
        Some("InvalidStateError" | "UnknownError") => Fault::Disconnected,
        _ => Fault::Other,
    }
}
