//! Makes `data/types.txt` from a `dotnet-signatures.json`, and the types of `context` as C#
//! for another compiler (`hack/csharp-oracle/Context.cs`):
//! `cargo run -p flux-apim-csharp --example tables -- SIGNATURES [--check]`.
//!
//! The file has one line for each type. Types are numbered by their place in
//! the list of names (lines `N`), and signatures refer to them by number in
//! base 62, so that a reader looks nothing up by name.
#![allow(
    clippy::disallowed_methods,
    reason = "a program has a command line and files"
)]

#[path = "tables/context.rs"]
mod context;

use serde_json::Value;
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write;

const KEYWORDS: [(&str, &str); 16] = [
    ("bool", "System.Boolean"),
    ("byte", "System.Byte"),
    ("char", "System.Char"),
    ("decimal", "System.Decimal"),
    ("double", "System.Double"),
    ("float", "System.Single"),
    ("int", "System.Int32"),
    ("long", "System.Int64"),
    ("object", "System.Object"),
    ("sbyte", "System.SByte"),
    ("short", "System.Int16"),
    ("string", "System.String"),
    ("uint", "System.UInt32"),
    ("ulong", "System.UInt64"),
    ("ushort", "System.UInt16"),
    ("void", "System.Void"),
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let source = args.next().ok_or("usage: tables SIGNATURES [--check]")?;
    let check = args.next().as_deref() == Some("--check");
    let text = std::fs::read_to_string(&source)?;
    let mut facts: Value = serde_json::from_str(&text)?;
    delegates(&mut facts);
    members(&mut facts);
    let files = [
        ("/data/types.txt", Names::of(&facts)?.table(&facts)?),
        (
            "/../../hack/csharp-oracle/Context.cs",
            context::source(&facts)?,
        ),
    ];
    for (path, made) in files {
        let target = format!("{}{path}", env!("CARGO_MANIFEST_DIR"));
        if !check {
            std::fs::write(target, made)?;
        } else if std::fs::read_to_string(&target)? != made {
            return Err(format!("{target} is stale: make it anew and commit the result").into());
        }
    }
    Ok(())
}

/// `Func` and `Action` with more parameters than the facts spell out.
fn delegates(facts: &mut Value) {
    let Some(types) = facts["types"].as_object_mut() else {
        return;
    };
    for n in 0..=16_usize {
        let names: Vec<String> = (1..=n).map(|i| format!("T{i}")).collect();
        let parameters: Vec<String> = (1..=n).map(|i| format!("T{i} arg{i}")).collect();
        let mut variance: Vec<String> = names.iter().map(|name| format!("in {name}")).collect();
        let parameters = parameters.join(", ");
        let action = match n {
            0 => "System.Action".to_owned(),
            _ => format!("System.Action`{n}"),
        };
        let make = |variance: &[String], result: &str| {
            serde_json::json!({
                "k": "delegate", "tier": "near", "allow": "none", "tp": variance,
                "m": [format!("m Invoke({parameters}):{result}")],
            })
        };
        if !types.contains_key(&action) {
            let made = make(&variance, "void");
            types.insert(action, made);
        }
        variance.push("out TResult".to_owned());
        let func = format!("System.Func`{}", n + 1);
        if !types.contains_key(&func) {
            let made = make(&variance, "TResult");
            types.insert(func, made);
        }
    }
}

/// Members of `context` that the facts leave out.
const MORE: [(&str, &str); 1] = [
    // "Backends in API Management", the route by gateway:
    // https://learn.microsoft.com/azure/api-management/backends
    ("ApimStub.IGateway", "p IsManaged:bool g"),
];

fn members(facts: &mut Value) {
    for (name, member) in MORE {
        if let Some(own) = facts["types"][name]["m"].as_array_mut() {
            own.push(member.into());
        }
    }
}

/// Every type's name, and its number.
struct Names {
    list: Vec<String>,
    numbers: BTreeMap<String, usize>,
}

impl Names {
    fn of(facts: &Value) -> Result<Self, Box<dyn Error>> {
        let mut names = Self {
            list: Vec::new(),
            numbers: BTreeMap::new(),
        };
        // The language's own first, then those with members, then the others.
        for (_, name) in KEYWORDS {
            names.add(name);
        }
        let types = facts["types"].as_object().ok_or("no types")?;
        for name in types.keys() {
            names.add(name);
        }
        for (space, list) in facts["namespaces"].as_object().ok_or("no namespaces")? {
            for name in list
                .as_str()
                .unwrap_or("")
                .split(' ')
                .filter(|name| !name.is_empty())
            {
                names.add(&format!("{space}.{name}"));
            }
        }
        Ok(names)
    }

    fn add(&mut self, name: &str) -> usize {
        if let Some(n) = self.numbers.get(name) {
            return *n;
        }
        self.numbers.insert(name.to_owned(), self.list.len());
        self.list.push(name.to_owned());
        self.list.len() - 1
    }

    fn table(mut self, facts: &Value) -> Result<String, Box<dyn Error>> {
        let types = facts["types"].as_object().ok_or("no types")?;
        let mut lines = String::new();
        let mut extensions = Vec::new();
        for (name, entry) in types {
            let number = self.add(name);
            let line = self.line(name, entry)?;
            if line.contains("\tx") || line.contains("\t!x") {
                extensions.push(number);
            }
            let _ = writeln!(lines, "T{number}\t{line}");
        }
        let mut out = String::from(
            "# Made from dotnet-signatures.json by examples/tables.rs; see there for the form.\n",
        );
        let _ = writeln!(
            out,
            "# Framework {}, Newtonsoft.Json {}",
            facts["framework"].as_str().unwrap_or("?"),
            facts["newtonsoft"].as_str().unwrap_or("?")
        );
        let usings: Vec<_> = facts["usings"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let _ = writeln!(out, "U\t{}", usings.join("\t"));
        let extensions: Vec<_> = extensions.iter().map(ToString::to_string).collect();
        let _ = writeln!(out, "X\t{}", extensions.join("\t"));
        // Runs of names in one namespace share its mention.
        let mut last = None;
        for name in &self.list {
            let (space, simple) = split(name);
            if last != Some(space) {
                if last.is_some() {
                    out.push('\n');
                }
                let _ = write!(out, "N\t{space}");
                last = Some(space);
            }
            let _ = write!(out, "\t{simple}");
        }
        out.push('\n');
        out.push_str(&lines);
        Ok(out)
    }

    /// What follows the number of a type.
    fn line(&mut self, name: &str, entry: &Value) -> Result<String, Box<dyn Error>> {
        let kind = match entry["k"].as_str() {
            Some("class") => 'c',
            Some("class static") => 's',
            Some("class abstract") => 'a',
            Some("struct") => 'v',
            Some("interface") => 'i',
            Some("enum") => 'e',
            Some("delegate") => 'd',
            other => return Err(format!("{name}: kind {other:?}").into()),
        };
        let tier = entry["tier"]
            .as_str()
            .and_then(|tier| tier.chars().next())
            .unwrap_or('n');
        let allow = entry["allow"]
            .as_str()
            .and_then(|allow| allow.chars().next())
            .unwrap_or('n');
        let mut own = Vec::new();
        // A nested type has the parameters of the type around it.
        if let Some((outer, _)) = name
            .rsplit_once('.')
            .filter(|(outer, _)| outer.contains('`'))
        {
            let arity: usize = outer
                .rsplit_once('`')
                .and_then(|(_, n)| n.parse().ok())
                .unwrap_or(0);
            own = match arity {
                1 => vec!["T".to_owned()],
                _ => vec!["TKey".to_owned(), "TValue".to_owned()],
            };
        }
        for parameter in strings(&entry["tp"]) {
            own.push(parameter.to_owned());
        }
        let scope = |list: &[String]| -> Vec<String> {
            list.iter().map(|p| parameter_name(p).to_owned()).collect()
        };
        let names = scope(&own);
        let mut parameters = Vec::new();
        for parameter in &own {
            parameters.push(self.parameter(parameter, &names, &[])?);
        }
        let base = match entry["base"].as_str() {
            Some(base) => self.ty(base, &names, &[])?,
            None => String::new(),
        };
        let mut interfaces = Vec::new();
        for interface in strings(&entry["ifs"]) {
            interfaces.push(self.ty(interface, &names, &[])?);
        }
        let mut line = format!(
            "{kind}{allow}{tier}\t{}\t{base}\t{}",
            parameters.join(";"),
            interfaces.join(";")
        );
        if let Some(values) = entry["enum"].as_object() {
            for (name, value) in values {
                let _ = write!(line, "\t={name} {value}");
            }
        }
        for member in strings(&entry["m"]) {
            if member.contains('*') {
                continue; // pointers, which expressions cannot use
            }
            let member = self
                .member(member, &names)
                .map_err(|error| format!("{name}: {member}: {error}"))?;
            let _ = write!(line, "\t{member}");
        }
        Ok(line)
    }

    /// `out T:class,X` of a type or method.
    fn parameter(
        &mut self,
        text: &str,
        own: &[String],
        method: &[String],
    ) -> Result<String, Box<dyn Error>> {
        let (head, constraints) = text.split_once(':').unwrap_or((text, ""));
        let name = parameter_name(head);
        let mut out = String::new();
        if head.starts_with("out ") {
            out.push('+');
        } else if head.starts_with("in ") {
            out.push('-');
        }
        out.push_str(name);
        for constraint in constraints.split(',').filter(|c| !c.is_empty()) {
            match constraint {
                "class" => out.push_str(":c"),
                "struct" => out.push_str(":s"),
                "new" | "new()" => out.push_str(":n"),
                ty => {
                    let _ = write!(out, ":={}", self.ty(ty, own, method)?);
                }
            }
        }
        Ok(out)
    }

    fn member(&mut self, text: &str, own: &[String]) -> Result<String, Box<dyn Error>> {
        let mut out = String::new();
        let text = match text.strip_prefix('!') {
            Some(rest) => {
                out.push('!');
                rest
            }
            None => text,
        };
        let (text, source) = match text.rsplit_once(" @") {
            Some((text, source)) if !source.contains(' ') => (text, source),
            _ => (text, ""),
        };
        let (kind, rest) = text.split_once(' ').ok_or("no kind")?;
        out.push(match kind {
            "m" => 'm',
            "ms" => 'M',
            "x" => 'x',
            "c" => 'c',
            "p" => 'p',
            "ps" => 'P',
            "i" => 'i',
            "f" => 'f',
            "fs" => 'F',
            "e" => 'e',
            "es" => 'E',
            "o" => 'o',
            "v" => 'v',
            _ => return Err("unknown kind".into()),
        });
        let method = matches!(kind, "m" | "ms" | "x" | "c" | "i" | "o" | "v");
        let mut parameters = Vec::new();
        let result;
        if method {
            let (open, close) = if kind == "i" { ('[', ']') } else { ('(', ')') };
            let at = rest.find(open).ok_or("no parameters")?;
            let (mut head, tail) = rest.split_at(at);
            let mut types = Vec::new();
            if let Some((name, list)) = head.split_once('<') {
                head = name;
                types = list
                    .trim_end_matches('>')
                    .split(';')
                    .map(str::to_owned)
                    .collect();
            }
            let scope: Vec<String> = types.iter().map(|p| parameter_name(p).to_owned()).collect();
            out.push_str(head);
            if !types.is_empty() {
                let mut made = Vec::new();
                for ty in &types {
                    made.push(self.parameter(ty, own, &scope)?);
                }
                let _ = write!(out, "<{}>", made.join(";"));
            }
            let end = matching(tail, open, close).ok_or("no end of parameters")?;
            for parameter in split_list(&tail[1..end]) {
                parameters.push(self.argument(parameter, own, &scope)?);
            }
            let _ = write!(out, "({})", parameters.join(","));
            result = tail[end + 1..].strip_prefix(':').unwrap_or("").to_owned();
            let (ty, flags) = flags(&result);
            if !ty.is_empty() {
                let _ = write!(out, ":{}", self.ty(ty, own, &scope)?);
            }
            if !flags.is_empty() {
                let _ = write!(out, " {flags}");
            }
        } else {
            let (name, tail) = rest.split_once(':').ok_or("no type")?;
            let (ty, flags) = flags(tail);
            let _ = write!(out, "{name}:{}", self.ty(ty, own, &[])?);
            if !flags.is_empty() {
                let _ = write!(out, " {flags}");
            }
        }
        if !source.is_empty() {
            let _ = write!(out, " @{source}");
        }
        Ok(out)
    }

    fn argument(
        &mut self,
        text: &str,
        own: &[String],
        method: &[String],
    ) -> Result<String, Box<dyn Error>> {
        let mut out = String::new();
        let mut text = text.trim();
        for (word, mark) in [
            ("this ", ""),
            ("ref ", "&"),
            ("out ", "%"),
            ("params ", "*"),
            ("in ", ""),
        ] {
            if let Some(rest) = text.strip_prefix(word) {
                out.push_str(mark);
                text = rest;
            }
        }
        let (text, optional) = match text.split_once('=') {
            Some((text, _)) => (text, true),
            None => (text, false),
        };
        let (ty, name) = text.rsplit_once(' ').ok_or("a parameter without name")?;
        let _ = write!(out, "{} {name}", self.ty(ty, own, method)?);
        if optional {
            out.push('=');
        }
        Ok(out)
    }

    /// A type in the table's form.
    fn ty(
        &mut self,
        text: &str,
        own: &[String],
        method: &[String],
    ) -> Result<String, Box<dyn Error>> {
        let text = text.trim();
        if let Some(inner) = text.strip_suffix('?') {
            return Ok(format!("{}?", self.ty(inner, own, method)?));
        }
        if text.ends_with(']') {
            let at = text.rfind('[').ok_or("no array")?;
            return Ok(format!(
                "{}{}",
                self.ty(&text[..at], own, method)?,
                &text[at..]
            ));
        }
        if let Some(n) = method.iter().position(|name| name == text) {
            return Ok(format!("#{}", base62(n)));
        }
        if let Some(n) = own.iter().position(|name| name == text) {
            return Ok(format!("!{}", base62(n)));
        }
        let mut name = String::new();
        let mut arguments = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find('<') {
            let end = matching(&rest[at..], '<', '>').ok_or("no end of type arguments")? + at;
            let list = split_list(&rest[at + 1..end]);
            let _ = write!(name, "{}`{}", &rest[..at], list.len());
            for argument in list {
                arguments.push(self.ty(argument, own, method)?);
            }
            rest = &rest[end + 1..];
        }
        name.push_str(rest);
        if let Some((_, full)) = KEYWORDS.iter().find(|(word, _)| *word == name) {
            name = (*full).to_owned();
        }
        let number = base62(self.add(&name));
        if arguments.is_empty() {
            // Inside a generic type its nested ones are written without arguments.
            return Ok(number);
        }
        Ok(format!("{number}<{}>", arguments.join(",")))
    }
}

fn strings(value: &Value) -> impl Iterator<Item = &str> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

fn parameter_name(text: &str) -> &str {
    let head = text.split(':').next().unwrap_or(text).trim();
    head.trim_start_matches("out ")
        .trim_start_matches("in ")
        .trim()
}

/// `T g`, `T readonly`: the type and what follows it.
fn flags(text: &str) -> (&str, &str) {
    for flag in [" gs", " g", " s", " readonly", " const"] {
        if let Some(ty) = text.strip_suffix(flag) {
            return (ty, &flag[1..]);
        }
    }
    (text, "")
}

fn split(name: &str) -> (&str, &str) {
    // The namespace ends before the first part with a nested or generic mark.
    let plain = name.split('`').next().unwrap_or(name);
    match plain.rfind('.') {
        Some(at) => (&name[..at], &name[at + 1..]),
        None => ("", name),
    }
}

fn matching(text: &str, open: char, close: char) -> Option<usize> {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        if c == open {
            depth += 1;
        } else if c == close {
            depth -= 1;
            if depth == 0 {
                return Some(at);
            }
        }
    }
    None
}

fn split_list(text: &str) -> Vec<&str> {
    let (mut depth, mut from) = (0, 0);
    let mut out = Vec::new();
    for (at, c) in text.char_indices() {
        match c {
            '<' | '(' | '[' => depth += 1,
            '>' | ')' | ']' => depth -= 1,
            ',' if depth == 0 => {
                out.push(text[from..at].trim());
                from = at + 1;
            }
            _ => {}
        }
    }
    if !text[from..].trim().is_empty() {
        out.push(text[from..].trim());
    }
    out
}

fn base62(mut n: usize) -> String {
    const DIGITS: &[u8; 62] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let mut out = Vec::new();
    loop {
        out.push(char::from(DIGITS[n % 62]));
        n /= 62;
        if n == 0 {
            return out.iter().rev().collect();
        }
    }
}
