//! The names of one Bicep file: symbols of what it declares, and of what it refers to.

use super::super::arm::SERVICE_PARAMETER;
use super::super::piece::Writer;
use super::super::symbol::{Names, camel};
use super::Project;
use super::labels::Labels;
use super::literal::{escape, string};
use super::parameters;
use flux_apim_link::Linked;
use flux_apim_model::Key;
use flux_apim_model::kinds::Kind;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Symbols whose use makes a declaration wait.
pub(super) type Implied = BTreeSet<String>;

/// A Bicep file while it is written.
pub(super) struct Scope<'g> {
    pub(super) graph: &'g Linked,
    labels: &'g Labels,
    optional: &'g BTreeSet<&'g str>,
    /// The API whose module the file is.
    api: Option<&'g Key>,
    pub(super) symbols: Names,
    /// Resources that it declares by themselves: what can be a parent.
    declared: BTreeMap<Key, String>,
    /// Those of them that are named by all of their names.
    full: BTreeSet<Key>,
    /// The modules whose output `id` is the id of a resource.
    outputs: BTreeMap<Key, String>,
    /// Resources that it refers to as `existing`, and what each makes wait.
    existing: BTreeMap<Key, (String, Implied)>,
    existing_text: String,
    pub(super) parameters: BTreeSet<&'g str>,
    uses_service: bool,
}

impl<'g> Scope<'g> {
    pub(super) fn new(project: &'g Project<'g>, api: Option<&'g Key>) -> Self {
        let graph = project.graph;
        let mut symbols = Names::default();
        // `name` is what loops call their items.
        for taken in ["apimService", SERVICE_PARAMETER, "name"] {
            symbols.numbered(taken);
        }
        for name in graph.parameters().keys() {
            symbols.numbered(name);
        }
        Self {
            graph,
            labels: &project.labels,
            optional: &project.optional,
            api,
            symbols,
            declared: BTreeMap::new(),
            full: BTreeSet::new(),
            outputs: BTreeMap::new(),
            existing: BTreeMap::new(),
            existing_text: String::new(),
            parameters: BTreeSet::new(),
            uses_service: false,
        }
    }

    /// The symbol under which the file declares `key`.
    pub(super) fn declare(&mut self, key: &Key) -> String {
        let symbol = self.symbols.numbered(&camel(&self.words(key)));
        self.declared.insert(key.clone(), symbol.clone());
        symbol
    }

    /// The symbol of something that is neither parent nor reference: a loop, or a module.
    pub(super) fn name(&mut self, words: &[&str]) -> String {
        self.symbols.numbered(&camel(words))
    }

    /// The module `symbol` has the id of `key` as its output.
    pub(super) fn has_output(&mut self, key: &Key, symbol: &str) {
        self.outputs.insert(key.clone(), symbol.to_owned());
    }

    /// Inside an API's module, names need not repeat the API's.
    pub(super) fn words<'k>(&'k self, key: &'k Key) -> Vec<&'k str> {
        let mut words = vec![key.kind.name()];
        let own = self
            .api
            .is_some_and(|api| key.current_revision().as_ref() == Some(api));
        if own {
            let (_, revision) = key.names[0].split_once(';').unwrap_or_default();
            words.push(revision);
            words.extend(key.names.iter().skip(1).map(|name| self.labels.of(name)));
        } else {
            words.extend(key.workspace.as_deref());
            words.extend(key.names.iter().map(|name| self.labels.of(name)));
        }
        words
    }

    /// The id of `key` as an expression.
    pub(super) fn id(&mut self, key: &Key, implied: &mut Implied) -> String {
        if let Some(symbol) = self.declared.get(key) {
            implied.insert(symbol.clone());
            return format!("{symbol}.id");
        }
        if let Some(module) = self.outputs.get(key) {
            implied.insert(module.clone());
            return format!("{module}.outputs.id");
        }
        if !self.existing.contains_key(key) {
            self.declare_existing(key);
        }
        let (symbol, waits) = &self.existing[key];
        implied.extend(waits.iter().cloned());
        format!("{symbol}.id")
    }

    fn declare_existing(&mut self, key: &Key) {
        let mut waits = Implied::new();
        let place = self.place(key, None, &mut waits);
        let words = self.words(key);
        let mut symbol = camel(&words);
        if self.symbols.is_taken(&symbol) {
            symbol = camel(&[&["existing"], words.as_slice()].concat());
        }
        let symbol = self.symbols.numbered(&symbol);
        let _ = write!(
            self.existing_text,
            "\nresource {symbol} '{}@{}' existing = {{\n{place}}}\n",
            key.arm_type(),
            self.graph.api_version(),
        );
        self.existing.insert(key.clone(), (symbol, waits));
    }

    /// The lines that say where `key` is: by its parent where the file declares that, else
    /// by all of its names. `item` stands for the last name.
    pub(super) fn place(&mut self, key: &Key, item: Option<&str>, implied: &mut Implied) -> String {
        let names = key.arm_names();
        let last = names.last().copied().unwrap_or("");
        let last = item.map_or_else(|| string(last), str::to_owned);
        let parent = match arm_parent(key) {
            None => Some(self.service()),
            Some(parent) => self.declared.get(&parent).cloned(),
        };
        if let Some(parent) = parent {
            let place = format!("  parent: {parent}\n  name: {last}\n");
            implied.insert(parent);
            return place;
        }
        let mut name = format!("${{{SERVICE_PARAMETER}}}");
        // The name of the API that it belongs to waits for that.
        let api = key.api();
        let api = api.filter(|api| api != key && names.starts_with(&api.arm_names()));
        let symbol = api.as_ref().and_then(|api| self.declared.get(api).cloned());
        let mut rest = names.as_slice();
        if let (Some(symbol), Some(api)) = (symbol, &api) {
            let above = api.arm_names();
            if !self.full.contains(api) {
                for word in &above[..above.len() - 1] {
                    name.push('/');
                    escape(&mut name, word);
                }
                let _ = write!(name, "/${{{symbol}.name}}");
            } else {
                name = format!("${{{symbol}.name}}");
            }
            implied.insert(symbol);
            rest = &names[above.len()..];
        }
        for (n, word) in rest.iter().enumerate() {
            name.push('/');
            match item {
                Some(item) if n + 1 == rest.len() => {
                    let _ = write!(name, "${{{item}}}");
                }
                _ => escape(&mut name, word),
            }
        }
        if self.declared.contains_key(key) {
            self.full.insert(key.clone());
        }
        format!("  name: '{name}'\n")
    }

    pub(super) fn service(&mut self) -> String {
        self.uses_service = true;
        "apimService".to_owned()
    }

    /// Makes the whole file of the declarations in `body`.
    pub(super) fn finish(&self, body: &mut Writer, title: &str) {
        let mut text = format!("metadata description = {}\n", string(title));
        text.push_str(
            "\n@description('Name of the API Management service.')\nparam apimServiceName string\n",
        );
        for name in &self.parameters {
            parameters::declare(&mut text, self.graph, self.optional, name);
        }
        if self.uses_service {
            let _ = write!(
                text,
                "\nresource apimService 'Microsoft.ApiManagement/service@{}' existing = {{\n  name: {SERVICE_PARAMETER}\n}}\n",
                self.graph.api_version()
            );
        }
        text.push_str(&self.existing_text);
        body.prepend(&text);
    }
}

/// The resource that the ARM type of `key` is nested in. For links in
/// workspaces it is not the parent of the kind.
pub(super) fn arm_parent(key: &Key) -> Option<Key> {
    let arm = key.arm_type();
    let types: Vec<&str> = arm.split('/').skip(2).collect();
    let names = key.arm_names();
    let (types, names) = match types.split_first() {
        Some((&"workspaces", rest)) if key.workspace.is_some() => (rest.to_vec(), &names[1..]),
        _ => (types, &names[..]),
    };
    let above = types.len() - 1;
    if above == 0 {
        return key
            .workspace
            .as_deref()
            .map(|workspace| Key::new(None, Kind::Workspace, &[workspace]));
    }
    let kind = Kind::by_arm(&types[..above].join("/"))?;
    Some(Key::new(key.workspace.as_deref(), kind, &names[..above]))
}
