//! The routes and shapes of `data/*.json`, which `tables/make` takes from Microsoft's SDKs.

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// An operation of an SDK.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    /// Client and method of the Go SDK: `API.CreateOrUpdate`.
    pub name: String,
    /// `GET`, `PUT`, ...
    pub method: String,
    /// The path with `{parameters}`.
    pub path: String,
    /// The api-version of the SDK; none when the caller chooses it.
    pub api_version: Option<String>,
    /// Query parameters; required ones end in `!`.
    pub query: Vec<String>,
    /// `If-Match` and `If-None-Match`; required ones end in `!`.
    pub headers: Vec<String>,
    /// Status codes of success.
    pub success: Vec<u16>,
    /// Whether the SDK polls for the end.
    pub long_running: bool,
    /// The model that is sent.
    pub body: Option<String>,
    /// The model that is answered.
    pub answer: Option<String>,
    /// Constraints of path parameters.
    #[serde(default)]
    pub parameters: BTreeMap<String, Rules>,
}

/// Constraints of a text or number.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Rules {
    /// Least length.
    pub min: Option<u64>,
    /// Greatest length.
    pub max: Option<u64>,
    /// Regular expression.
    pub pattern: Option<String>,
    /// Least value.
    pub at_least: Option<f64>,
    /// Greatest value.
    pub at_most: Option<f64>,
    /// Greatest number of items.
    pub max_items: Option<u64>,
    /// Least number of items.
    pub min_items: Option<u64>,
}

/// A property of a model.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Property {
    /// `str`, `bool`, `int`, `float`, `iso-8601`, `duration`, `object`, a model, `[X]`, `{X}`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether a PUT needs it.
    #[serde(default)]
    pub required: bool,
    /// Whether only the service sets it.
    #[serde(default)]
    pub read_only: bool,
    /// The enumeration of its values.
    #[serde(rename = "enum")]
    pub values: Option<String>,
    /// Lengths and patterns.
    #[serde(flatten)]
    pub rules: Rules,
}

/// A model.
#[derive(Debug, Deserialize)]
pub struct Model {
    /// By place in the JSON: `properties.displayName`.
    pub properties: BTreeMap<String, Property>,
}

#[derive(Debug, Deserialize)]
struct File {
    operations: Vec<Operation>,
    #[serde(default)]
    models: BTreeMap<String, BTreeMap<String, Property>>,
    #[serde(default)]
    enums: BTreeMap<String, Vec<String>>,
}

/// What an older api-version has not of what the newest of the SDKs has.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Older {
    /// Method and path of operations.
    routes: BTreeSet<String>,
    /// Properties by model.
    properties: BTreeMap<String, BTreeSet<String>>,
    /// Values by enumeration.
    enums: BTreeMap<String, BTreeSet<String>>,
}

impl Older {
    /// Whether it lacks an operation.
    pub fn lacks(&self, operation: &Operation) -> bool {
        let route = format!("{} {}", operation.method, operation.path);
        self.routes.contains(&route)
    }

    /// Whether it lacks a property of a model.
    pub fn lacks_property(&self, model: &str, place: &str) -> bool {
        self.properties
            .get(model)
            .is_some_and(|places| places.contains(place))
    }

    /// Whether it lacks a value of an enumeration.
    pub fn lacks_value(&self, name: &str, value: &str) -> bool {
        self.enums
            .get(name)
            .is_some_and(|values| values.iter().any(|one| one.eq_ignore_ascii_case(value)))
    }
}

/// A step of the tree of routes. Literals are matched without case, as Azure does.
#[derive(Debug, Default)]
struct Step {
    literals: HashMap<String, Step>,
    parameter: Option<Box<Step>>,
    /// Operations that end here, by index.
    ends: Vec<usize>,
}

/// Everything that the SDKs say.
#[derive(Debug)]
pub struct Table {
    operations: Vec<Operation>,
    routes: Step,
    models: BTreeMap<String, Model>,
    enums: BTreeMap<String, Vec<String>>,
    patterns: HashMap<String, regex::Regex>,
    older: BTreeMap<String, Older>,
}

/// Why the tables cannot be used: they were made wrongly.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// A file is no table.
    #[error("read the tables made of the SDKs: {0}")]
    Json(#[from] serde_json::Error),
    /// A pattern that this program cannot use.
    #[error("read the tables made of the SDKs: {0}")]
    Pattern(#[from] regex::Error),
}

const APIM: &str = include_str!("../data/apimanagement.json");
const VERSIONS: &str = include_str!("../data/versions.json");
const EDGE: &str = include_str!("../data/resourcemanager.json");

impl Table {
    /// Reads the tables that are compiled in.
    pub fn read() -> Result<Self, TableError> {
        let apim: File = serde_json::from_str(APIM)?;
        let edge: File = serde_json::from_str(EDGE)?;
        let mut table = Self {
            operations: Vec::new(),
            routes: Step::default(),
            models: BTreeMap::new(),
            enums: apim.enums,
            patterns: HashMap::new(),
            older: serde_json::from_str(VERSIONS)?,
        };
        for (name, properties) in apim.models {
            for property in properties.values() {
                table.pattern(property.rules.pattern.as_deref())?;
            }
            table.models.insert(name, Model { properties });
        }
        for operation in apim.operations.into_iter().chain(edge.operations) {
            // Generic routes of Resource Manager would take every path.
            if operation.path.starts_with("/{") || operation.path.contains("{parentResourcePath}") {
                continue;
            }
            for rules in operation.parameters.values() {
                table.pattern(rules.pattern.as_deref())?;
            }
            let mut step = &mut table.routes;
            for segment in segments(&operation.path) {
                step = if segment.starts_with('{') {
                    step.parameter.get_or_insert_default()
                } else {
                    step.literals.entry(segment.to_lowercase()).or_default()
                };
            }
            step.ends.push(table.operations.len());
            table.operations.push(operation);
        }
        Ok(table)
    }

    fn pattern(&mut self, pattern: Option<&str>) -> Result<(), regex::Error> {
        if let Some(pattern) = pattern.filter(|pattern| !self.patterns.contains_key(*pattern)) {
            let compiled = regex::Regex::new(pattern)?;
            self.patterns.insert(pattern.to_owned(), compiled);
        }
        Ok(())
    }

    /// Whether `text` has the form of `pattern`, which is one of the table.
    pub fn matches(&self, pattern: &str, text: &str) -> bool {
        self.patterns
            .get(pattern)
            .is_none_or(|pattern| pattern.is_match(text))
    }

    /// The operations at a path, whatever their method. Several have one method where the
    /// SDK has two of one route, told apart by what is asked for.
    pub fn at(&self, path: &[String]) -> Vec<&Operation> {
        let mut found = Vec::new();
        let mut open = vec![(&self.routes, 0)];
        // Literal before parameter; the literal route ends the search.
        while let Some((step, depth)) = open.pop() {
            if depth == path.len() {
                found.extend(step.ends.iter().map(|&end| &self.operations[end]));
                if !found.is_empty() {
                    break;
                }
                continue;
            }
            if let Some(next) = &step.parameter {
                open.push((next, depth + 1));
            }
            if let Some(next) = step.literals.get(&path[depth].to_lowercase()) {
                open.push((next, depth + 1));
            }
        }
        found
    }

    /// Every operation.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// What an api-version lacks; none for the newest of the SDKs, and for those that have no
    /// SDK of their own.
    pub fn older(&self, version: &str) -> Option<&Older> {
        self.older.get(&version.to_lowercase())
    }

    /// A model by its name in the Python SDK.
    pub fn model(&self, name: &str) -> Option<&Model> {
        self.models.get(name)
    }

    /// The values of an enumeration.
    pub fn values(&self, name: &str) -> &[String] {
        self.enums.get(name).map_or(&[], Vec::as_slice)
    }
}

/// The segments of a path.
pub fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}
