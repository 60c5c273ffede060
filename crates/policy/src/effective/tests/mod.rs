//! Documents that are put together, and how that is printed.

mod printed;
mod properties;

use super::{Effective, Event, Fragment, Inclusion, Layer, Part, PartId, expand};
use crate::document::Document;
use crate::{Root, Scope, Section, parse};
use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Budget, Findings};
use std::collections::BTreeMap;

/// Documents by what they are for: `global`, `api`, `fragment NAME`.
pub(super) type Documents<'t> = BTreeMap<&'t str, Document<'t>>;

pub(super) fn read<'t>(texts: &[(&'t str, &'t str)]) -> Documents<'t> {
    let mut documents = Documents::new();
    for (index, (name, text)) in texts.iter().enumerate() {
        let mut findings = Findings::from(Vec::new());
        let root = match name.strip_prefix("fragment ") {
            Some(_) => Root::Fragment,
            None => Root::Policies,
        };
        let file = FileId(u32::try_from(index).expect("few files"));
        let document = parse(file, text, root, 256, &mut findings);
        assert_eq!(findings.len(), 0, "{text}");
        documents.insert(name, document);
    }
    documents
}

/// What is effective where all `documents` are set.
pub(super) fn composed<'d>(documents: &'d Documents<'d>) -> Effective<'d> {
    let layers: Vec<_> = Scope::ALL
        .into_iter()
        .filter_map(|scope| {
            let document = documents.get(scope.name())?;
            Some(Layer {
                scope,
                name: "",
                path: scope.name(),
                document,
            })
        })
        .collect();
    let fragments = |name: &str| {
        let (path, document) = documents.get_key_value(format!("fragment {name}").as_str())?;
        Some(Fragment { path, document })
    };
    expand(&layers, &fragments, &Budget::default().meter())
}

/// `inbound: a@api` for each section that is not empty.
fn outline(effective: &Effective<'_>) -> String {
    let mut out = String::new();
    for section in Section::ALL {
        let root = effective.section(section);
        let mut words = Vec::new();
        for event in effective.walk(root) {
            match event {
                Event::Enter(id) if id != root => words.extend(word(effective, id)),
                Event::Leave(id) if id != root && braced(effective, id) => {
                    words.push("}".to_owned());
                }
                _ => {}
            }
        }
        if !words.is_empty() {
            out.push_str(&format!("{}: {}\n", section.name(), words.join(" ")));
        }
    }
    out
}

fn braced(effective: &Effective<'_>, id: PartId) -> bool {
    effective.part(id) == Part::Written
        && effective.element(id).is_some()
        && effective.has_elements(id)
}

fn word(effective: &Effective<'_>, id: PartId) -> Option<String> {
    let element = effective.element(id)?;
    let (source, _) = effective.origin(id)?;
    let source = effective.source(source);
    let label = source.label();
    let name = match effective.part(id) {
        Part::Base(None) => "nothing",
        Part::Base(Some(_)) | Part::Fragment(Inclusion::Included) => return None,
        Part::Fragment(Inclusion::Missing) => "missing",
        Part::Fragment(Inclusion::Cycle) => "cycle",
        Part::Fragment(Inclusion::TooDeep) => "deep",
        Part::Section(_) | Part::Written => {
            let first = source.document.attributes(element).first();
            first.map_or(element.name, |attribute| attribute.value)
        }
    };
    let brace = if braced(effective, id) { "{" } else { "" };
    Some(format!("{name}@{label}{brace}"))
}

#[test]
fn documents_compose_as_the_documentation_says() {
    let text = include_str!("compositions.txt");
    let mut count = 0;
    for case in text.split("\n== ").skip(1) {
        let (name, rest) = case.split_once('\n').expect("a name");
        let mut documents = Vec::new();
        let mut result = "";
        for part in rest.split("-- ").skip(1) {
            let (head, body) = part.split_once('\n').expect("a body");
            match head {
                "result" => result = body,
                _ => documents.push((head, body.trim_end())),
            }
        }
        let documents = read(&documents);
        let effective = composed(&documents);
        assert_eq!(outline(&effective).trim(), result.trim(), "{name}");
        count += 1;
    }
    assert!(count >= 30, "{count}");
}

#[test]
fn fragments_that_multiply_end_with_the_budget() {
    let texts: Vec<(String, String)> = (0..12)
        .map(|n| {
            let include = format!("<include-fragment fragment-id='f{}' />", n + 1);
            let text = format!("<fragment>{}</fragment>", include.repeat(10));
            (format!("fragment f{n}"), text)
        })
        .collect();
    let mut all = vec![(
        "api",
        "<policies><inbound><include-fragment fragment-id='f0' /></inbound></policies>",
    )];
    all.extend(texts.iter().map(|(name, text)| (&**name, &**text)));
    let documents = read(&all);
    let layers = [Layer {
        scope: Scope::Api,
        name: "",
        path: "",
        document: &documents["api"],
    }];
    let fragments = |name: &str| {
        let (path, document) = documents.get_key_value(format!("fragment {name}").as_str())?;
        Some(Fragment { path, document })
    };
    let limits = flux_apim_diag::tree::Limits {
        max_steps: 100_000,
        ..flux_apim_diag::tree::Limits::default()
    };
    let budget = Budget::new(&limits);
    let stopped = budget.bound(|| expand(&layers, &fragments, &budget.meter()).sources().len());
    assert!(stopped.is_err());
}
