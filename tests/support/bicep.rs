//! Reads `bicep/main.bicep`, its modules, contents and parameters file.

use std::collections::BTreeMap;

use tree_sitter::{Node, Parser};

use super::bicep_eval::{Evaluator, Module};
use super::bicep_syntax::{self, Declaration, Kind};
use super::{Files, ReadBundle, Res};

const MAIN: &str = "bicep/main.bicep";
const PARAMS: &str = "bicep/main.bicepparam";
/// Rules of the linter.
const CONFIG: &str = "bicep/bicepconfig.json";

/// Reads the Bicep files of a bundle.
pub(crate) fn read(files: &Files) -> Res<ReadBundle> {
    Ok(read_with_lints(files)?.0)
}

/// Also gives what the official linter would warn about.
pub(crate) fn read_with_lints(files: &Files) -> Res<(ReadBundle, Vec<String>)> {
    let assigned = assignments(files)?;
    let mut evaluator = Evaluator::new(files);
    let main = Module::root(&mut evaluator, MAIN, &assigned)?;
    main.resources(&mut evaluator)?;
    let Evaluator {
        bundle,
        mut lints,
        used_files,
        ..
    } = evaluator;
    let unused = files.keys().filter(|f| {
        f.starts_with("bicep/") && *f != PARAMS && *f != CONFIG && !used_files.contains(*f)
    });
    lints.extend(unused.map(|f| format!("{f}: used by nothing")));
    bundle.closures()?;
    Ok((bundle, lints))
}

/// Parses a file; the official grammar has to accept it too.
pub(crate) fn parse(files: &Files, path: &str) -> Res<Vec<Declaration>> {
    let source = files
        .get(path)
        .ok_or_else(|| format!("{path} is missing"))?;
    let (declarations, masked) = bicep_syntax::parse(source).map_err(|e| format!("{path}: {e}"))?;
    // In a parameters file an assignment has no type, which the grammar wants.
    let masked = if path.ends_with(".bicepparam") {
        as_variables(&masked, &declarations)
    } else {
        masked
    };
    check_grammar(&masked).map_err(|e| format!("{path}: {e}"))?;
    for (i, a) in declarations.iter().enumerate() {
        let output = |d: &Declaration| matches!(d.kind, Kind::Output(_));
        if declarations[..i]
            .iter()
            .any(|b| a.name == b.name && output(a) == output(b))
        {
            return Err(format!("{path}: {} is declared twice", a.name));
        }
    }
    Ok(declarations)
}

fn as_variables(masked: &str, declarations: &[Declaration]) -> String {
    let mut text = masked.to_owned();
    for declaration in declarations {
        if matches!(declaration.kind, Kind::Param { .. }) {
            text = text.replace(
                &format!("param {} ", declaration.name),
                &format!("var   {} ", declaration.name),
            );
        }
    }
    text
}

/// No ERROR and no MISSING node in the syntax tree.
pub(crate) fn check_grammar(source: &str) -> Res<()> {
    let mut parser = Parser::new();
    parser
        .set_language(&tree_sitter_bicep::LANGUAGE.into())
        .map_err(|e| e.to_string())?;
    let tree = parser
        .parse(source, None)
        .ok_or("the grammar gives no tree")?;
    match first_error(tree.root_node()) {
        Some(node) => Err(format!(
            "line {}: the grammar finds {} at {:?}",
            node.start_position().row + 1,
            if node.is_missing() {
                "something missing"
            } else {
                "an error"
            },
            source[node.start_byte()..]
                .lines()
                .next()
                .unwrap_or_default()
        )),
        None => Ok(()),
    }
}

fn first_error(node: Node<'_>) -> Option<Node<'_>> {
    if !node.has_error() {
        return None;
    }
    if node.is_error() || node.is_missing() {
        return Some(node);
    }
    (0..node.child_count())
        .filter_map(|i| node.child(i))
        .find_map(first_error)
        .or(Some(node))
}

/// What the parameters file assigns.
fn assignments(files: &Files) -> Res<BTreeMap<String, bicep_syntax::Expr>> {
    let mut assigned = BTreeMap::new();
    let mut using = None;
    for declaration in parse(files, PARAMS)? {
        match declaration.kind {
            Kind::Using(path) => using = Some(path),
            Kind::Param {
                type_: None,
                default: Some(value),
                secure: false,
            } => {
                assigned.insert(declaration.name, value);
            }
            other => {
                return Err(format!(
                    "{PARAMS}: {} is not an assignment: {other:?}",
                    declaration.name
                ));
            }
        }
    }
    match using.as_deref() {
        Some("main.bicep" | "./main.bicep") => Ok(assigned),
        other => Err(format!("{PARAMS}: using {other:?} instead of main.bicep")),
    }
}
