//! The simulated world: tables, what is switched on, and what is stored.

use crate::access::Access;
use crate::behaviours::{Behaviours, Row};
use crate::faults::Faults;
use crate::stacks::Denial;
use crate::store::Store;
use crate::table::{Table, TableError};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What the command line sets.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The subscription that is there from the start.
    pub subscription: String,
    /// The resource group that is there from the start.
    pub group: String,
    /// The service that is there from the start; none with the empty text.
    pub service: String,
    /// The tenant of the local Entra ID.
    pub tenant: String,
    /// How long a write holds its locks.
    pub write_time: Duration,
    /// How long a long-running operation takes after its first answer.
    pub operation_time: Duration,
    /// How long locks outlive the end of a long-running operation (apiops-cli#252).
    pub settle_time: Duration,
    /// `Retry-After` of operations that still run, in seconds.
    pub retry_after: u64,
    /// Whether the service has the products `starter` and `unlimited` and their API.
    pub samples: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            subscription: "00000000-0000-0000-0000-000000000000".to_owned(),
            group: "simulated".to_owned(),
            service: "simulated".to_owned(),
            tenant: "11111111-1111-1111-1111-111111111111".to_owned(),
            write_time: Duration::from_millis(1),
            operation_time: Duration::from_millis(10),
            settle_time: Duration::ZERO,
            retry_after: 0,
            samples: false,
        }
    }
}

/// A long-running operation.
#[derive(Debug, Clone)]
pub struct Running {
    /// The resource that it is about.
    pub id: String,
    /// Whether it has ended.
    pub has_ended: bool,
    /// The status that its end has.
    pub status: u16,
    /// The error that it ended with.
    pub error: Option<Value>,
    /// What `Location` answers when it has ended, where that is no resource.
    pub result: Option<Value>,
}

/// What changes.
#[derive(Debug, Default)]
pub struct State {
    /// Resources.
    pub store: Store,
    /// Locks that writers hold.
    pub locks: BTreeSet<String>,
    /// Long-running operations by id.
    pub running: BTreeMap<String, Running>,
    /// Exports that links lead to.
    pub exports: BTreeMap<String, Value>,
    /// Faults that are planned.
    pub faults: Faults,
    /// What stacks deny to others, by the stack's id in lower case.
    pub denials: BTreeMap<String, Denial>,
    /// Resource providers that are registered.
    pub registered: BTreeSet<String>,
    /// The last requests: method, path, status.
    pub log: VecDeque<(String, String, u16)>,
    count: u64,
}

/// How many requests the log keeps, and how many operations that have ended.
const LOG: usize = 10_000;

/// How many exports are kept.
const EXPORTS: usize = 100;

impl State {
    /// A number that is not given twice.
    pub fn number(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    /// Adds a long-running operation under a key that is in the order of time. The oldest
    /// that have ended are forgotten, so that memory follows what is stored.
    pub fn begin(&mut self, id: String, has_ended: bool, status: u16) -> String {
        let number = self.number();
        let key = format!(
            "{number:012x}{}",
            crate::apim::hex(&format!("operation {number}"))
        );
        let running = Running {
            id,
            has_ended,
            status,
            error: None,
            result: None,
        };
        self.running.insert(key.clone(), running);
        while self.running.len() > LOG {
            match self.running.first_entry() {
                Some(first) if first.get().has_ended => drop(first.remove()),
                _ => break,
            }
        }
        key
    }

    /// Says how a long-running operation has ended.
    pub fn end(&mut self, key: &str, error: Option<Value>, result: Option<Value>) {
        if let Some(running) = self.running.get_mut(key) {
            running.has_ended = true;
            running.error = error;
            running.result = result;
        }
    }

    /// Keeps an export for who follows its link.
    pub fn export(&mut self, document: Value) -> String {
        let number = self.number();
        let key = format!(
            "{number:012x}{}",
            crate::apim::hex(&format!("export {number}"))
        );
        self.exports.insert(key.clone(), document);
        while self.exports.len() > EXPORTS {
            self.exports.pop_first();
        }
        key
    }

    /// Adds a request to the log.
    pub fn record(&mut self, method: &str, path: &str, status: u16) {
        if self.log.len() == LOG {
            self.log.pop_front();
        }
        self.log
            .push_back((method.to_owned(), path.to_owned(), status));
    }
}

/// Everything.
pub struct World {
    /// Routes and shapes.
    pub table: Table,
    /// What is switched on.
    pub behaviours: Behaviours,
    /// What the command line sets.
    pub settings: Settings,
    /// Who may do what.
    pub access: Access,
    /// Wakes what a fault holds.
    pub released: tokio::sync::Notify,
    state: Mutex<State>,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World")
            .field("settings", &self.settings)
            .field("behaviours", &self.behaviours)
            .finish_non_exhaustive()
    }
}

impl World {
    /// A world with its first group and service.
    ///
    /// # Errors
    /// The tables that are compiled in cannot be read.
    pub fn new(
        settings: Settings,
        behaviours: Behaviours,
        access: Access,
    ) -> Result<Self, TableError> {
        let world = Self {
            table: Table::read()?,
            behaviours,
            settings,
            access,
            released: tokio::sync::Notify::new(),
            state: Mutex::new(State::default()),
        };
        world.begin();
        Ok(world)
    }

    /// What changes. A panic of another request leaves it usable.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The id of the first group.
    pub fn group(&self) -> String {
        format!(
            "/subscriptions/{}/resourceGroups/{}",
            self.settings.subscription, self.settings.group
        )
    }

    /// The id of the first service.
    pub fn service(&self) -> String {
        format!(
            "{}/providers/Microsoft.ApiManagement/service/{}",
            self.group(),
            self.settings.service
        )
    }

    fn begin(&self) {
        let mut state = self.state();
        state
            .registered
            .insert("microsoft.apimanagement".to_owned());
        let subscription = format!("/subscriptions/{}", self.settings.subscription);
        put(
            &mut state.store,
            &subscription,
            "Microsoft.Resources/subscriptions",
            json!({"displayName": "simulated", "state": "Enabled"}),
        );
        put(
            &mut state.store,
            &self.group(),
            "Microsoft.Resources/resourceGroups",
            json!({"location": "westeurope", "properties": {"provisioningState": "Succeeded"}}),
        );
        if !self.settings.service.is_empty() {
            let body = json!({"location": "westeurope", "sku": {"name": "Developer", "capacity": 1},
                "properties": {"publisherEmail": "admin@contoso.invalid", "publisherName": "Contoso"}});
            put(
                &mut state.store,
                &self.service(),
                "Microsoft.ApiManagement/service",
                body,
            );
            crate::apim::system_entities(&mut state, &self.service(), self.settings.samples);
        }
    }

    /// Whether a behaviour is on.
    pub fn on(&self, row: Row) -> bool {
        self.behaviours.on(row)
    }
}

/// Stores a JSON object.
pub fn put(store: &mut Store, id: &str, arm_type: &str, body: Value) {
    let body = match body {
        Value::Object(body) => body,
        _ => Map::new(),
    };
    store.put(id, arm_type, body);
}
