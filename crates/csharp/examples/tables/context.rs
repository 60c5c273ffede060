//! The types of `context`, as C# that a compiler reads.

use serde_json::Value;
use std::error::Error;
use std::fmt::Write;

/// The namespace in which the facts show them.
const SPACE: &str = "ApimStub.";

const CONSTRUCTOR: &str = "c .ctor()";

/// What the facts have of `context`, as one file. Nothing in it does anything.
pub(crate) fn source(facts: &Value) -> Result<String, Box<dyn Error>> {
    let mut out = String::from(
        "// Made from dotnet-signatures.json by crates/csharp/examples/tables.rs.\n\
         namespace ApimStub\n{\n",
    );
    let types = facts["types"].as_object().ok_or("no types")?;
    for (name, entry) in types {
        if let Some(name) = name.strip_prefix(SPACE) {
            declaration(name, entry, &mut out)?;
        }
    }
    out.push_str("}\n");
    Ok(out)
}

fn declaration(name: &str, entry: &Value, out: &mut String) -> Result<(), Box<dyn Error>> {
    let kind = entry["k"].as_str().ok_or("no kind")?;
    let kind = match kind {
        "class static" => "static class",
        other => other,
    };
    let bases = entry["ifs"].as_array().into_iter().flatten();
    let bases: Vec<&str> = bases.filter_map(Value::as_str).collect();
    let bases = match bases.as_slice() {
        [] => String::new(),
        list => format!(" : {}", list.join(", ")),
    };
    writeln!(out, "    public {kind} {name}{bases}\n    {{")?;
    if let Some(values) = entry["enum"].as_object() {
        for (name, value) in values {
            writeln!(out, "        {name} = {value},")?;
        }
    }
    let members = entry["m"].as_array().into_iter().flatten();
    let members: Vec<&str> = members.filter_map(Value::as_str).collect();
    // A class without a public constructor of its own would get one.
    if kind == "class" && !members.contains(&CONSTRUCTOR) {
        writeln!(out, "        private {name}() {{ }}")?;
    }
    for member in members.into_iter().filter(|member| *member != CONSTRUCTOR) {
        writeln!(out, "        {}", line(member, kind == "interface")?)?;
    }
    out.push_str("    }\n");
    Ok(())
}

/// One member, as it is declared.
fn line(member: &str, is_interface: bool) -> Result<String, Box<dyn Error>> {
    // Who states it is told behind `@`.
    let member = member.split(" @").next().unwrap_or(member);
    let (mark, rest) = member.split_once(' ').ok_or("a member has a mark")?;
    let (signature, result) = match rest.rfind(')') {
        Some(close) => rest.split_at(close + 1),
        None => rest.split_at(rest.find(':').ok_or("a property has a type")?),
    };
    let result = result.strip_prefix(':').ok_or("a member has a type")?;
    let prefix = match (is_interface, mark) {
        (true, _) => "",
        (false, "x") => "public static ",
        (false, _) => "public ",
    };
    if mark == "p" {
        let ty = result.strip_suffix(" g").unwrap_or(result);
        let body = if is_interface {
            "get;"
        } else {
            "get { throw new System.Exception(); }"
        };
        return Ok(format!("{prefix}{ty} {signature} {{ {body} }}"));
    }
    if !matches!(mark, "m" | "x") {
        return Err(format!("{member}: a member of this kind is not written").into());
    }
    let (signature, constraint) = match signature.split_once(":class>") {
        Some((before, behind)) => {
            let name = before.rsplit(['<', ';']).next().unwrap_or("");
            (
                format!("{before}>{behind}"),
                format!(" where {name} : class"),
            )
        }
        None => (signature.to_owned(), String::new()),
    };
    let signature = signature
        .replace(';', ", ")
        .replace("=default", " = default(T)");
    let body = if is_interface {
        ";"
    } else {
        " { throw new System.Exception(); }"
    };
    Ok(format!("{prefix}{result} {signature}{constraint}{body}"))
}
