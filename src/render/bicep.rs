//! Bicep: one module for each API, shared resources in `main.bicep`, policies
//! and definitions in `content/`.

use super::arm::SERVICE_PARAMETER;
use super::piece::{Piece, Text};
use super::symbol::{Names, camel, dns, short_hash};
use super::{File, Options, Rendered, Target};
use crate::diag::{Diagnostic, Place, rules};
use crate::model::Key;
use crate::model::kinds::Kind;
use crate::validate::{Content, Expression, Parameter, Validated};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::ops::Range;

/// `loadTextContent` takes 131,072 characters (Bicep.Core, LanguageConstants).
const MAX_LOAD: usize = 131_072;
/// The compiled template may have 4 MB.
const MAX_TEMPLATE: usize = 4 * 1024 * 1024;
/// A template may have 800 resources, modules counted as one each.
const MAX_RESOURCES: usize = 800;

pub(super) fn render(
    graph: &Validated,
    options: &Options,
    rendered: &mut Rendered,
    findings: &mut Vec<Diagnostic>,
) {
    let loads = contents(graph, rendered);
    let modules = modules(graph);
    let mut file_names = Names::default();
    let mut main = Scope::new(graph, &loads, "", None);
    let module_nodes: BTreeSet<usize> = modules.values().flatten().copied().collect();
    let mut of_module: BTreeMap<usize, Key> = BTreeMap::new();
    for (api, nodes) in &modules {
        of_module.extend(nodes.iter().map(|&node| (node, api.clone())));
    }
    for i in (0..graph.nodes.len()).filter(|i| !module_nodes.contains(i)) {
        main.declare(i);
        rendered.outputs[i].insert(Target::Bicep, "bicep/main.bicep".to_owned());
    }
    let mut calls: BTreeMap<Key, Call> = BTreeMap::new();
    for (api, nodes) in &modules {
        let label = api_label(api);
        let file = file_names.numbered(&dns(&label, 80));
        let mut scope = Scope::new(graph, &loads, "../", Some(api));
        for &i in nodes {
            scope.declare(i);
            rendered.outputs[i].insert(Target::Bicep, format!("bicep/modules/{file}.bicep"));
        }
        let body: String = nodes.iter().map(|&i| scope.resource(i, &[])).collect();
        let text = scope.file(&body, &format!("API {}", api.name()));
        rendered
            .files
            .push(File::text(format!("bicep/modules/{file}.bicep"), text));
        calls.insert(
            api.clone(),
            Call {
                symbol: main.symbols.numbered(&camel(&["api", &label])),
                file,
                parameters: scope
                    .parameters
                    .iter()
                    .map(|&name| name.to_owned())
                    .collect(),
            },
        );
    }
    let mut body = String::new();
    let mut called = BTreeSet::new();
    for i in 0..graph.nodes.len() {
        match of_module.get(&i) {
            None => {
                let modules = module_dependencies(graph, i, &of_module, None, &calls);
                body.push_str(&main.resource(i, &modules));
            }
            // A module is called where the last of its resources stands, so
            // that the file reads in deployment order.
            Some(api) => {
                if modules[api].last() == Some(&i) && called.insert(api.clone()) {
                    body.push_str(&call(
                        graph,
                        api,
                        &modules[api],
                        &calls,
                        &of_module,
                        &mut main,
                    ));
                }
            }
        }
    }
    for name in graph.parameters.keys() {
        let used_in_module = calls.values().any(|call| call.parameters.contains(name));
        if used_in_module {
            main.parameters.insert(name);
        }
    }
    let text = main.file(&body, "API Management configuration");
    rendered.files.push(File::text("bicep/main.bicep", text));
    rendered
        .files
        .push(parameter_file(graph, options, &main.parameters));
    let resources = graph.nodes.len() - module_nodes.len() + modules.len();
    if resources > MAX_RESOURCES {
        findings.push(
            Diagnostic::new(
                &rules::BICEP_TOO_LARGE,
                Place::Source,
                format!("`main.bicep` has {resources} resources, but a compiled template may have {MAX_RESOURCES}"),
            )
            .help("deploy `arm/`, which is split into parts"),
        );
    }
    let size: usize = graph.contents.iter().map(Content::len).sum();
    if size > MAX_TEMPLATE {
        findings.push(
            Diagnostic::new(
                &rules::BICEP_TOO_LARGE,
                Place::Source,
                format!("definitions and policies have {size} bytes, but a compiled template may have {MAX_TEMPLATE}"),
            )
            .help("deploy `arm/`, which is split into parts, or the Bicep modules one by one"),
        );
    }
}

/// The nodes of each API, in deployment order.
fn modules(graph: &Validated) -> BTreeMap<Key, Vec<usize>> {
    let mut modules: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
    for (i, node) in graph.nodes.iter().enumerate() {
        if let Some(api) = node.key.api() {
            modules.entry(api).or_default().push(i);
        }
    }
    modules
}

fn api_label(api: &Key) -> String {
    match &api.workspace {
        Some(workspace) => format!("{workspace}-{}", api.name()),
        None => api.name().to_owned(),
    }
}

/// A module as `main.bicep` calls it.
struct Call {
    symbol: String,
    file: String,
    parameters: Vec<String>,
}

/// Symbols of the modules (other than `own`) that node `i` depends on.
fn module_dependencies(
    graph: &Validated,
    i: usize,
    of_module: &BTreeMap<usize, Key>,
    own: Option<&Key>,
    calls: &BTreeMap<Key, Call>,
) -> Vec<String> {
    let symbols: BTreeSet<String> = graph.nodes[i]
        .depends_on
        .iter()
        .filter_map(|dependency| of_module.get(dependency))
        .filter(|api| Some(*api) != own)
        .map(|api| calls[api].symbol.clone())
        .collect();
    symbols.into_iter().collect()
}

fn call(
    graph: &Validated,
    api: &Key,
    nodes: &[usize],
    calls: &BTreeMap<Key, Call>,
    of_module: &BTreeMap<usize, Key>,
    main: &mut Scope<'_>,
) -> String {
    let call = &calls[api];
    let mut depends_on = BTreeSet::new();
    for &i in nodes {
        depends_on.extend(module_dependencies(graph, i, of_module, Some(api), calls));
        for dependency in &graph.nodes[i].depends_on {
            if !of_module.contains_key(dependency) {
                depends_on.insert(main.symbol_of(&graph.nodes[*dependency].key));
            }
        }
    }
    let mut name = format!("apim-api-{}", call.file);
    if name.len() > 64 {
        name = format!("apim-api-{}", short_hash(&name));
    }
    let mut text = format!(
        "\nmodule {} 'modules/{}.bicep' = {{\n  name: {}\n  params: {{\n    {SERVICE_PARAMETER}: {SERVICE_PARAMETER}\n",
        call.symbol,
        call.file,
        string(&name)
    );
    for parameter in &call.parameters {
        let _ = writeln!(text, "    {parameter}: {parameter}");
    }
    text.push_str("  }\n");
    depends_on_block(&mut text, depends_on.into_iter());
    text.push_str("}\n");
    text
}

fn depends_on_block(text: &mut String, symbols: impl Iterator<Item = String>) {
    let symbols: Vec<String> = symbols.collect();
    if !symbols.is_empty() {
        text.push_str("  dependsOn: [\n");
        for symbol in symbols {
            let _ = writeln!(text, "    {symbol}");
        }
        text.push_str("  ]\n");
    }
}

/// How each content is loaded: paths below `bicep/`, or a literal when no
/// file can carry it.
enum Load {
    Files(Vec<String>),
    Literal(String),
}

/// Writes the content files; large ones in chunks that `loadTextContent`
/// takes.
fn contents(graph: &Validated, rendered: &mut Rendered) -> Vec<Load> {
    let plans: Vec<Result<Vec<Range<usize>>, String>> = graph
        .contents
        .par_iter()
        .map(|content| {
            let text = content.text();
            // A byte order mark at the start of a file is not read as text.
            if text.starts_with('\u{feff}') || text.is_empty() {
                return Err(text.into_owned());
            }
            Ok(chunks(&text))
        })
        .collect();
    graph
        .contents
        .iter()
        .zip(plans)
        .enumerate()
        .map(|(index, (content, plan))| {
            let chunks = match plan {
                Ok(chunks) => chunks,
                Err(literal) => return Load::Literal(literal),
            };
            let single = chunks.len() == 1;
            let files = chunks
                .into_iter()
                .enumerate()
                .map(|(n, range)| {
                    let path = match content.path.rsplit_once('.') {
                        Some((stem, extension)) if !single => {
                            format!("content/{stem}.{:02}.{extension}", n + 1)
                        }
                        _ => format!("content/{}", content.path),
                    };
                    rendered.files.push(File {
                        path: format!("bicep/{path}"),
                        pieces: vec![Piece::Content {
                            index,
                            range,
                            text: Text::Raw,
                        }],
                    });
                    path
                })
                .collect();
            Load::Files(files)
        })
        .collect()
}

/// Ranges of at most [`MAX_LOAD`] UTF-16 units, none of which starts with a
/// byte order mark.
fn chunks(text: &str) -> Vec<Range<usize>> {
    if text.len() <= MAX_LOAD {
        return std::iter::once(0..text.len()).collect();
    }
    let mut chunks = Vec::new();
    let (mut start, mut units, mut previous) = (0, 0, 0);
    for (at, c) in text.char_indices() {
        if units + c.len_utf16() > MAX_LOAD {
            let cut = if c == '\u{feff}' { previous } else { at };
            chunks.push(start..cut);
            units = text[cut..at].chars().map(char::len_utf16).sum();
            start = cut;
        }
        units += c.len_utf16();
        previous = at;
    }
    chunks.push(start..text.len());
    chunks
}

/// One Bicep file while it is written.
struct Scope<'g> {
    graph: &'g Validated,
    loads: &'g [Load],
    /// From the file's folder to `bicep/`.
    up: &'static str,
    api: Option<&'g Key>,
    symbols: Names,
    /// Resources that the file declares.
    declared: BTreeMap<Key, String>,
    /// Resources that it refers to as `existing`.
    existing: BTreeMap<Key, String>,
    existing_text: String,
    parameters: BTreeSet<&'g str>,
    uses_service: bool,
}

impl<'g> Scope<'g> {
    fn new(
        graph: &'g Validated,
        loads: &'g [Load],
        up: &'static str,
        api: Option<&'g Key>,
    ) -> Self {
        let mut symbols = Names::default();
        symbols.numbered("apimService");
        symbols.numbered(SERVICE_PARAMETER);
        for name in graph.parameters.keys() {
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

    fn declare(&mut self, i: usize) {
        let key = &self.graph.nodes[i].key;
        let symbol = self.new_symbol(key);
        self.declared.insert(key.clone(), symbol);
    }

    /// Inside an API's module, names need not repeat the API's.
    fn new_symbol(&mut self, key: &Key) -> String {
        let own = self.api.is_some_and(|api| key.api().as_ref() == Some(api));
        let mut words = vec![key.kind.name()];
        if own {
            words.extend(key.names.iter().skip(1).map(String::as_str));
        } else {
            words.extend(key.workspace.as_deref());
            words.extend(key.names.iter().map(String::as_str));
        }
        self.symbols.numbered(&camel(&words))
    }

    fn symbol_of(&mut self, key: &Key) -> String {
        if let Some(symbol) = self.declared.get(key).or_else(|| self.existing.get(key)) {
            return symbol.clone();
        }
        let parent = self.parent_of(key);
        let symbol = self.new_symbol(key);
        self.existing.insert(key.clone(), symbol.clone());
        let _ = write!(
            self.existing_text,
            "\nresource {symbol} '{}@{}' existing = {{\n  parent: {parent}\n  name: {}\n}}\n",
            key.arm_type(),
            self.graph.api_version,
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

    /// The declaration of node `i`; `modules` are further dependencies.
    fn resource(&mut self, i: usize, modules: &[String]) -> String {
        let graph = self.graph;
        let node = &graph.nodes[i];
        let symbol = self.declared[&node.key].clone();
        let parent = self.parent_of(&node.key);
        let mut text = format!(
            "\nresource {symbol} '{}@{}' = {{\n  parent: {parent}\n  name: {}\n",
            node.key.arm_type(),
            graph.api_version,
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
        for dependency in &node.depends_on {
            let key = &graph.nodes[*dependency].key;
            if let Some(symbol) = self.declared.get(key)
                && !implied.contains(key)
            {
                explicit.push(symbol.clone());
            }
        }
        explicit.extend(modules.iter().cloned());
        depends_on_block(&mut text, explicit.into_iter());
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
                            let pad = " ".repeat(indent + 2);
                            let _ = write!(
                                text,
                                "concat(\n{pad}{}\n{})",
                                several.join(&format!(",\n{pad}")),
                                " ".repeat(indent)
                            );
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

    /// The whole file around the declarations in `body`.
    fn file(&self, body: &str, title: &str) -> String {
        let mut text = format!("metadata description = {}\n", string(title));
        text.push_str(
            "\n@description('Name of the API Management service.')\nparam apimServiceName string\n",
        );
        for name in &self.parameters {
            let Some(parameter) = self.graph.parameters.get(*name) else {
                continue;
            };
            declaration(&mut text, name, parameter);
        }
        if !self.uses_service {
            text.push_str(body);
            return text;
        }
        let _ = write!(
            text,
            "\nresource apimService 'Microsoft.ApiManagement/service@{}' existing = {{\n  name: {SERVICE_PARAMETER}\n}}\n",
            self.graph.api_version
        );
        text.push_str(&self.existing_text);
        text.push_str(body);
        text
    }
}

fn declaration(text: &mut String, name: &str, parameter: &Parameter) {
    let _ = write!(text, "\n@description({})\n", string(&parameter.description));
    if parameter.is_secure() {
        text.push_str("@secure()\n");
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

/// `main.bicepparam`: values of the environment; secrets from the
/// environment of the deployment, so that no file holds them.
fn parameter_file(graph: &Validated, options: &Options, used: &BTreeSet<&str>) -> File {
    let from_environment = |name: &str| {
        let mut variable = String::new();
        for (i, c) in name.chars().enumerate() {
            if c.is_ascii_uppercase() && i > 0 {
                variable.push('_');
            }
            variable.push(c.to_ascii_uppercase());
        }
        format!("readEnvironmentVariable({})", string(&variable))
    };
    let service = options.service.as_deref().or(graph.service.as_deref());
    let mut text = format!(
        "using './main.bicep'\n\nparam {SERVICE_PARAMETER} = {}\n",
        service.map_or_else(|| from_environment(SERVICE_PARAMETER), string)
    );
    for name in used {
        let Some(parameter) = graph.parameters.get(*name) else {
            continue;
        };
        let value = match &parameter.value {
            Some(value) => string(value),
            None => from_environment(name),
        };
        let _ = writeln!(text, "param {name} = {value}");
    }
    File::text("bicep/main.bicepparam", text)
}

fn object_key(key: &str) -> String {
    let mut chars = key.chars();
    let identifier = chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_');
    if identifier {
        key.to_owned()
    } else {
        string(key)
    }
}

/// `text` as a Bicep string literal that interpolates nothing.
fn string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('\'');
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '$' if chars.peek() == Some(&'{') => out.push_str("\\$"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals() {
        assert_eq!(string("it's ${x} $y \\ \n"), r"'it\'s \${x} $y \\ \n'");
        assert_eq!(string("\u{0}"), r"'\u{0}'");
    }

    #[test]
    fn chunks_cover_the_text() {
        let text = "é😀\u{feff}x".repeat(60_000);
        let chunks = chunks(&text);
        let joined: String = chunks.iter().map(|range| &text[range.clone()]).collect();
        assert_eq!(joined, text);
        for range in chunks {
            let chunk = &text[range];
            assert!(chunk.encode_utf16().count() <= MAX_LOAD);
            assert!(!chunk.starts_with('\u{feff}'));
        }
    }
}
