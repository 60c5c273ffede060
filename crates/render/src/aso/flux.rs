//! A Flux Kustomization for each folder of `aso/`, which waits for the one before.

use super::super::symbol::dns;
use super::super::{File, Rendered};
use super::{GROUP, kustomization};
use std::fmt::Write;

/// Writes `flux/`. `source` is the name of the OCIRepository that holds the bundle, or
/// `NAMESPACE/NAME`.
pub(super) fn write(service: &str, source: &str, folders: &[&str], rendered: &mut Rendered) {
    let (namespace, source) = match source.split_once('/') {
        Some((namespace, name)) => (Some(namespace), name),
        None => (None, source),
    };
    let name = |folder: &str| dns(&format!("{service}-{folder}"), 63);
    let mut files = Vec::new();
    let mut before: Option<&str> = None;
    for folder in folders {
        let mut text = format!(
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata:\n  name: {}\n",
            quoted(&name(folder))
        );
        if let Some(namespace) = namespace {
            let _ = writeln!(text, "  namespace: {}", quoted(namespace));
        }
        text.push_str("spec:\n  interval: 10m\n  retryInterval: 2m\n  timeout: 30m\n");
        if let Some(namespace) = namespace {
            let _ = writeln!(text, "  targetNamespace: {}", quoted(namespace));
        }
        let _ = write!(
            text,
            "  sourceRef:\n    kind: OCIRepository\n    name: {}\n  path: ./aso/{folder}\n  prune: true\n  wait: true\n",
            quoted(source)
        );
        if let Some(before) = before {
            let _ = write!(
                text,
                "  dependsOn:\n    - name: {}\n",
                quoted(&name(before))
            );
        }
        text.push_str(CHECKS_HEAD);
        for kind in kinds(folder) {
            let _ = write!(
                text,
                "    - apiVersion: {GROUP}/v20240501\n      kind: {kind}\n{CHECKS}"
            );
        }
        before = Some(folder);
        let file = format!("{folder}.yaml");
        rendered.push(File::text(format!("flux/{file}"), text));
        files.push(file);
    }
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    rendered.push(kustomization("flux", &files));
}

/// Without these an object that the operator has not seen yet would count as ready.
const CHECKS_HEAD: &str = "  healthCheckExprs:\n";
const CHECKS: &str = "      current: status.conditions.exists(e, e.type == 'Ready' && e.status == 'True')
      failed: status.conditions.exists(e, e.type == 'Ready' && e.status == 'False' && e.severity == 'Error')
";

/// The operator's kinds in `folder`.
fn kinds(folder: &str) -> impl Iterator<Item = &'static str> {
    let of = super::folders::FOLDERS
        .iter()
        .filter(move |(_, _, f)| f.0 == folder);
    of.filter_map(|(kind, _, _)| kind.row().aso)
}

/// Names come from outside: as text, whatever they are.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    flux_apim_syntax::yaml_escape(&mut out, text);
    out.push('"');
    out
}
