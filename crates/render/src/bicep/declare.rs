//! The declarations of one Bicep file: resources, loops of links, modules.

use super::super::arm::SERVICE_PARAMETER;
use super::Project;
use super::content::{Load, path};
use super::json::stays;
use super::literal::{object_key, string};
use super::scope::{Implied, Scope};
use flux_apim_link::{Expression, Node};
use flux_apim_model::Key;
use flux_apim_model::kinds::Kind;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Something that a file declares.
#[derive(Debug)]
pub(super) enum What<'g> {
    /// `resource NAME 'TYPE@VERSION' = { ... }`.
    Resource(&'g Node),
    /// Links of one parent, written one after the other.
    Loop(Vec<&'g Node>),
    /// `module NAME 'PATH' = { ... }`.
    Call(Call<'g>),
}

/// A module as a file calls it.
#[derive(Debug, Clone)]
pub(super) struct Call<'g> {
    /// What its symbol is made of.
    pub(super) words: Vec<String>,
    /// Its file, in `modules/`.
    pub(super) file: String,
    pub(super) parameters: Vec<&'g str>,
    /// What its output is the id of.
    pub(super) id_of: Option<Key>,
}

/// A file while its declarations are written.
pub(super) struct Declarations<'g> {
    project: &'g Project<'g>,
    pub(super) scope: Scope<'g>,
    /// From the file's folder to `bicep/`.
    up: &'static str,
    /// By what is waited for: its symbol.
    symbols: BTreeMap<usize, String>,
}

/// Bicep's type wants a logger, and Azure refuses one here (Azure/bicep-types-az#2573).
const NO_LOGGER: &str = "  // What a self-hosted gateway logs by itself: it takes no logger.\n  \
                         #disable-next-line BCP035\n";

/// Whether `node` is a diagnostic that goes to no logger.
fn has_no_logger(node: &Node) -> bool {
    let is_diagnostic = matches!(node.key.kind, Kind::Diagnostic | Kind::ApiDiagnostic);
    is_diagnostic && !node.properties.iter().any(|(name, _)| name == "loggerId")
}

impl<'g> Declarations<'g> {
    pub(super) fn new(project: &'g Project<'g>, up: &'static str, api: Option<&'g Key>) -> Self {
        Self {
            project,
            scope: Scope::new(project, api),
            up,
            symbols: BTreeMap::new(),
        }
    }

    /// Gives `what` its symbol, under which others wait for each of `ids`.
    pub(super) fn declare(&mut self, ids: &[usize], what: &What<'g>) {
        let symbol = match what {
            What::Resource(node) => self.scope.declare(&node.key),
            What::Loop(nodes) => {
                let key = &nodes[0].key;
                let plural = format!("{}s", key.kind.name());
                let words = self.scope.words(key);
                let above = words[1..words.len() - 1]
                    .iter()
                    .map(|&word| word.to_owned());
                let words: Vec<String> = std::iter::once(plural).chain(above).collect();
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                self.scope.name(&words)
            }
            What::Call(call) => {
                let words: Vec<&str> = call.words.iter().map(String::as_str).collect();
                let symbol = self.scope.name(&words);
                if let Some(key) = &call.id_of {
                    self.scope.has_output(key, &symbol);
                }
                symbol
            }
        };
        for &id in ids {
            self.symbols.insert(id, symbol.clone());
        }
    }

    /// The declaration of `what`, known as `id`, which waits for `waits`.
    pub(super) fn write(&mut self, id: usize, what: &What<'g>, waits: &[usize]) -> String {
        let symbol = self.symbols[&id].clone();
        match what {
            What::Resource(node) => self.resource(&symbol, node, waits),
            What::Loop(nodes) => self.links(&symbol, nodes, waits),
            What::Call(call) => self.call(&symbol, call, waits),
        }
    }

    fn resource(&mut self, symbol: &str, node: &'g Node, waits: &[usize]) -> String {
        let mut implied = Implied::new();
        let place = self.scope.place(&node.key, None, &mut implied);
        let mut text = format!("\nresource {symbol} '{}' = ", self.versioned(&node.key));
        if let Some(parameter) = &node.only_with {
            self.scope.parameters.insert(parameter);
            let _ = write!(text, "if (!empty({parameter})) ");
        }
        text.push_str("{\n");
        text.push_str(&place);
        if !node.properties.is_empty() || node.key.kind.row().has_properties {
            if has_no_logger(node) {
                text.push_str(NO_LOGGER);
            }
            text.push_str("  properties: ");
            self.object(&node.properties, 2, &mut text, &mut implied);
            text.push('\n');
        }
        self.depends_on(waits, symbol, &implied, 2, &mut text);
        text.push_str("}\n");
        text
    }

    /// Azure locks their parent while one is written.
    fn links(&mut self, symbol: &str, nodes: &[&'g Node], waits: &[usize]) -> String {
        let mut implied = Implied::new();
        let list = self.scope.name(&[symbol, "names"]);
        let mut text = format!("\nvar {list} = [\n");
        for node in nodes {
            let names = node.key.arm_names();
            let _ = writeln!(text, "  {}", string(names.last().copied().unwrap_or("")));
        }
        let key = &nodes[0].key;
        let place = self.scope.place(key, Some("name"), &mut implied);
        let _ = write!(
            text,
            "]\n\n@batchSize(1)\nresource {symbol} '{}' = [\n  for name in {list}: {{\n",
            self.versioned(key)
        );
        for line in place.lines() {
            let _ = writeln!(text, "  {line}");
        }
        self.depends_on(waits, symbol, &implied, 4, &mut text);
        text.push_str("  }\n]\n");
        text
    }

    fn call(&mut self, symbol: &str, call: &Call<'g>, waits: &[usize]) -> String {
        let folder = if self.up.is_empty() { "modules/" } else { "" };
        let path = string(&format!("{folder}{}", call.file));
        let mut text = format!(
            "\nmodule {symbol} {path} = {{\n  params: {{\n    {SERVICE_PARAMETER}: {SERVICE_PARAMETER}\n"
        );
        for &parameter in &call.parameters {
            self.scope.parameters.insert(parameter);
            let _ = writeln!(text, "    {parameter}: {parameter}");
        }
        text.push_str("  }\n");
        self.depends_on(waits, symbol, &Implied::new(), 2, &mut text);
        text.push_str("}\n");
        text
    }

    /// The expression of the id of `key`.
    pub(super) fn id(&mut self, key: &Key) -> String {
        self.scope.id(key, &mut Implied::new())
    }

    fn versioned(&self, key: &Key) -> String {
        format!("{}@{}", key.arm_type(), self.project.graph.api_version())
    }

    /// What `symbol` waits for beside what it names.
    fn depends_on(
        &self,
        waits: &[usize],
        symbol: &str,
        implied: &Implied,
        indent: usize,
        text: &mut String,
    ) {
        let waits = waits.iter().filter_map(|id| self.symbols.get(id));
        let named = waits.filter(|other| *other != symbol && !implied.contains(*other));
        // A loop stands for each of its links.
        let mut seen = BTreeSet::new();
        let symbols: Vec<&String> = named.filter(|name| seen.insert(*name)).collect();
        if symbols.is_empty() {
            return;
        }
        let pad = " ".repeat(indent);
        let _ = writeln!(text, "{pad}dependsOn: [");
        for name in symbols {
            let _ = writeln!(text, "{pad}  {name}");
        }
        let _ = writeln!(text, "{pad}]");
    }

    fn object(
        &mut self,
        entries: &'g [(String, Expression)],
        indent: usize,
        text: &mut String,
        implied: &mut Implied,
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
        implied: &mut Implied,
    ) {
        match value {
            Expression::Null => text.push_str("null"),
            Expression::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
            Expression::Number(digits) if stays(digits) && !digits.contains('.') => {
                text.push_str(digits);
            }
            Expression::Number(digits) => {
                let _ = write!(text, "json({})", string(digits));
            }
            Expression::String(literal) => text.push_str(&string(literal)),
            Expression::Id(key) => text.push_str(&self.scope.id(key, implied)),
            Expression::ServiceId => {
                text.push_str(&self.scope.service());
                text.push_str(".id");
            }
            Expression::Parameter(name) => {
                self.scope.parameters.insert(name);
                text.push_str(name);
            }
            Expression::Content(index) => self.content(*index, text),
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

    /// Never as one text of several: the result of an expression has a limit.
    fn content(&self, index: usize, text: &mut String) {
        let content = &self.project.graph.contents()[index];
        let file = string(&format!("{}{}", self.up, path(content)));
        let _ = match &self.project.loads[index] {
            Load::Literal(literal) => write!(text, "{}", string(literal)),
            Load::Json(_) => write!(text, "string(loadJsonContent({file}))"),
            Load::Text | Load::No => write!(text, "loadTextContent({file})"),
        };
    }
}

/// Runs of `ids` whose links are one loop.
pub(super) fn runs(ids: &[usize], is_loop: impl Fn(usize, usize) -> bool) -> Vec<&[usize]> {
    ids.chunk_by(|&a, &b| is_loop(a, b)).collect()
}
