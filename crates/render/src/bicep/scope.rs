//! One Bicep file: its symbols, `existing` resources, parameters and
//! declarations.

use super::super::arm::SERVICE_PARAMETER;
use super::super::piece::Writer;
use super::super::symbol::{Names, camel};
use super::content::Load;
use super::literal::{object_key, string};
use flux_apim_link::{Expression, Linked, Parameter};
use flux_apim_model::Key;
use flux_apim_model::kinds::Kind;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// A Bicep file while it is written.
pub(super) struct Scope<'g> {
    graph: &'g Linked,
    loads: &'g [Load],
    /// From the file's folder to `bicep/`.
    up: &'static str,
    /// The API whose module the file is.
    api: Option<&'g Key>,
    pub(super) symbols: Names,
    /// Resources that the file declares.
    declared: BTreeMap<Key, String>,
    /// Resources that it refers to as `existing`.
    existing: BTreeMap<Key, String>,
    existing_text: String,
    pub(super) parameters: BTreeSet<&'g str>,
    uses_service: bool,
}

impl<'g> Scope<'g> {
    pub(super) fn new(
        graph: &'g Linked,
        loads: &'g [Load],
        up: &'static str,
        api: Option<&'g Key>,
    ) -> Self {
        let mut symbols = Names::default();
        symbols.numbered("apimService");
        symbols.numbered(SERVICE_PARAMETER);
        for name in graph.parameters().keys() {
            symbols.numbered(name);
        }
        Self {
            graph,
            loads,
            up,
            api,
            symbols,
            declared: BTreeMap::new(),
            existing: BTreeMap::new(),
            existing_text: String::new(),
            parameters: BTreeSet::new(),
            uses_service: false,
        }
    }

    pub(super) fn declare(&mut self, i: usize) {
        let key = &self.graph.nodes()[i].key;
        let symbol = self.symbols.numbered(&camel(&self.words(key)));
        self.declared.insert(key.clone(), symbol);
    }

    /// Inside an API's module, names need not repeat the API's.
    fn words<'k>(&self, key: &'k Key) -> Vec<&'k str> {
        let mut words = vec![key.kind.name()];
        let own = self
            .api
            .is_some_and(|api| key.current_revision().as_ref() == Some(api));
        if own {
            let (_, revision) = key.names[0].split_once(';').unwrap_or_default();
            words.push(revision);
            words.extend(key.names.iter().skip(1).map(String::as_str));
        } else {
            words.extend(key.workspace.as_deref());
            words.extend(key.names.iter().map(String::as_str));
        }
        words
    }

    pub(super) fn symbol_of(&mut self, key: &Key) -> String {
        if let Some(symbol) = self.declared.get(key).or_else(|| self.existing.get(key)) {
            return symbol.clone();
        }
        let parent = self.parent_of(key);
        let words = self.words(key);
        let mut symbol = camel(&words);
        if self.symbols.is_taken(&symbol) {
            symbol = camel(&[&["existing"], words.as_slice()].concat());
        }
        let symbol = self.symbols.numbered(&symbol);
        self.existing.insert(key.clone(), symbol.clone());
        let _ = write!(
            self.existing_text,
            "\nresource {symbol} '{}@{}' existing = {{\n  parent: {parent}\n  name: {}\n}}\n",
            key.arm_type(),
            self.graph.api_version(),
            string(key.arm_names().last().copied().unwrap_or(""))
        );
        symbol
    }

    /// The symbol of the resource that `key` is nested in, by its ARM type.
    fn parent_of(&mut self, key: &Key) -> String {
        match arm_parent(key) {
            Some(parent) => self.symbol_of(&parent),
            None => self.service(),
        }
    }

    fn service(&mut self) -> String {
        self.uses_service = true;
        "apimService".to_owned()
    }

    /// The declaration of node `i`, which waits for the nodes `depends_on` of
    /// this file and for `modules`.
    pub(super) fn resource(
        &mut self,
        i: usize,
        depends_on: &[usize],
        modules: &[String],
    ) -> String {
        let graph = self.graph;
        let node = &graph.nodes()[i];
        let symbol = self.declared[&node.key].clone();
        let parent = self.parent_of(&node.key);
        let mut text = format!(
            "\nresource {symbol} '{}@{}' = {{\n  parent: {parent}\n  name: {}\n",
            node.key.arm_type(),
            graph.api_version(),
            string(node.key.arm_names().last().copied().unwrap_or(""))
        );
        let mut implied = BTreeSet::new();
        implied.extend(arm_parent(&node.key));
        // Behind an `existing` parent stands what that one is nested in.
        let mut above = arm_parent(&node.key);
        while let Some(key) = above.filter(|key| !self.declared.contains_key(key)) {
            above = arm_parent(&key);
            implied.extend(above.clone());
        }
        if !node.properties.is_empty() || node.key.kind.row().has_properties {
            text.push_str("  properties: ");
            self.object(&node.properties, 2, &mut text, &mut implied);
            text.push('\n');
        }
        let mut explicit = Vec::new();
        for &dependency in depends_on {
            let key = &graph.nodes()[dependency].key;
            if let Some(symbol) = self.declared.get(key)
                && !implied.contains(key)
            {
                explicit.push(symbol.clone());
            }
        }
        explicit.extend(modules.iter().cloned());
        super::depends_on_block(&mut text, &explicit);
        text.push_str("}\n");
        text
    }

    fn object(
        &mut self,
        entries: &'g [(String, Expression)],
        indent: usize,
        text: &mut String,
        implied: &mut BTreeSet<Key>,
    ) {
        if entries.is_empty() {
            return text.push_str("{}");
        }
        text.push_str("{\n");
        for (key, value) in entries {
            let _ = write!(text, "{}{}: ", " ".repeat(indent + 2), object_key(key));
            self.value(value, indent + 2, text, implied);
            text.push('\n');
        }
        text.push_str(&" ".repeat(indent));
        text.push('}');
    }

    fn value(
        &mut self,
        value: &'g Expression,
        indent: usize,
        text: &mut String,
        implied: &mut BTreeSet<Key>,
    ) {
        match value {
            Expression::Null => text.push_str("null"),
            Expression::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
            Expression::Number(digits) if digits.parse::<i64>().is_ok() => text.push_str(digits),
            Expression::Number(digits) => {
                let _ = write!(text, "json({})", string(digits));
            }
            Expression::String(literal) => text.push_str(&string(literal)),
            Expression::Id(key) => {
                let symbol = self.symbol_of(key);
                implied.insert(key.clone());
                text.push_str(&symbol);
                text.push_str(".id");
            }
            Expression::ServiceId => {
                text.push_str(&self.service());
                text.push_str(".id");
            }
            Expression::Parameter(name) => {
                self.parameters.insert(name);
                text.push_str(name);
            }
            Expression::Content(index) => match &self.loads[*index] {
                Load::Literal(literal) => text.push_str(&string(literal)),
                Load::Files(files) => {
                    let loads: Vec<String> = files
                        .iter()
                        .map(|file| {
                            format!("loadTextContent({})", string(&format!("{}{file}", self.up)))
                        })
                        .collect();
                    match loads.as_slice() {
                        [one] => text.push_str(one),
                        several => {
                            text.push('\'');
                            for load in several {
                                let _ = write!(text, "${{{load}}}");
                            }
                            text.push('\'');
                        }
                    }
                }
            },
            Expression::Array(items) if items.is_empty() => text.push_str("[]"),
            Expression::Array(items) => {
                text.push_str("[\n");
                for item in items {
                    text.push_str(&" ".repeat(indent + 2));
                    self.value(item, indent + 2, text, implied);
                    text.push('\n');
                }
                text.push_str(&" ".repeat(indent));
                text.push(']');
            }
            Expression::Object(entries) => self.object(entries, indent, text, implied),
        }
    }

    /// Makes the whole file of the declarations in `body`.
    pub(super) fn finish(&self, body: &mut Writer, title: &str) {
        let mut text = format!("metadata description = {}\n", string(title));
        text.push_str(
            "\n@description('Name of the API Management service.')\nparam apimServiceName string\n",
        );
        for name in &self.parameters {
            let Some(parameter) = self.graph.parameters().get(*name) else {
                continue;
            };
            declaration(&mut text, name, parameter);
        }
        if !self.uses_service {
            return body.prepend(&text);
        }
        let _ = write!(
            text,
            "\nresource apimService 'Microsoft.ApiManagement/service@{}' existing = {{\n  name: {SERVICE_PARAMETER}\n}}\n",
            self.graph.api_version()
        );
        text.push_str(&self.existing_text);
        body.prepend(&text);
    }
}

fn declaration(text: &mut String, name: &str, parameter: &Parameter) {
    let _ = write!(text, "\n@description({})\n", string(&parameter.description));
    if parameter.is_secure() {
        text.push_str("@secure()\n");
    }
    if !parameter.allowed.is_empty() {
        text.push_str("@allowed([\n");
        for word in &parameter.allowed {
            let _ = writeln!(text, "  {}", string(word));
        }
        text.push_str("])\n");
    }
    let _ = writeln!(text, "param {name} string");
}

/// The resource that the ARM type of `key` is nested in. For links in
/// workspaces it is not the parent of the kind.
fn arm_parent(key: &Key) -> Option<Key> {
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
