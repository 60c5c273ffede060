//! The policies of a small service, as files.

use crate::{Api, Area, Document, Facts, Root, Scope, Service, Setting, check, compose, parse};
use flux_apim_diag::Findings;
use flux_apim_diag::tree::FileId;
use std::collections::BTreeMap;

/// What is found in `files`, which are paths and texts: each by itself, then all together.
/// A fragment stands below `policyFragments`, products below `products`; an API is in
/// every product.
pub(crate) fn found(files: &[(&str, &str)], findings: &mut Findings) {
    let mut facts: BTreeMap<&str, Facts> = BTreeMap::new();
    for (index, (path, text)) in files.iter().enumerate() {
        let file = FileId(u32::try_from(index).expect("few files"));
        let (root, scope) = kind(path);
        let document: Document<'_> = parse(file, text, root, 256, findings);
        let setting = Setting {
            scope,
            ..Setting::default()
        };
        facts.insert(path, check(&document, setting, findings));
    }
    let below = |folder: &str| -> Vec<(&str, &Facts)> {
        let own = facts.iter().filter_map(|(path, facts)| {
            let (name, file) = path.strip_prefix(folder)?.split_once('/')?;
            (file == "policy.xml").then_some((name, facts))
        });
        own.collect()
    };
    let products: Vec<_> = below("products/")
        .iter()
        .map(|(_, facts)| Some(*facts))
        .collect();
    let mut names: Vec<&str> = facts
        .keys()
        .filter_map(|path| path.strip_prefix("apis/")?.split('/').next())
        .collect();
    names.dedup();
    let apis = names.iter().map(|name| Api {
        policy: facts.get(format!("apis/{name}/policy.xml").as_str()),
        products: (0..products.len()).collect(),
        operations: below(&format!("apis/{name}/operations/"))
            .iter()
            .map(|(_, facts)| *facts)
            .collect(),
        others: 1,
    });
    let service = Service {
        policy: facts.get("policy.xml"),
        area: Area {
            fragments: below("policyFragments/"),
            apis: apis.collect(),
            products,
            others: Vec::new(),
        },
        workspaces: Vec::new(),
    };
    compose(&service, findings);
}

fn kind(path: &str) -> (Root, Option<Scope>) {
    if path.starts_with("policyFragments/") {
        (Root::Fragment, None)
    } else if path.contains("/operations/") {
        (Root::Policies, Some(Scope::Operation))
    } else if path.starts_with("apis/") {
        (Root::Policies, Some(Scope::Api))
    } else if path.starts_with("products/") {
        (Root::Policies, Some(Scope::Product))
    } else {
        (Root::Policies, Some(Scope::Global))
    }
}

/// The texts of the blocks of XML in a part of a page, by their file names.
pub(super) fn blocks(part: &str) -> Vec<(&str, &str)> {
    let mut files = Vec::new();
    let mut rest = part;
    while let Some((before, block)) = rest.split_once("```xml\n") {
        let path = before.trim_end().trim_end_matches('`');
        let path = path.rsplit('`').next().expect("a file name");
        let (text, behind) = block.split_once("```").expect("its end");
        files.push((path, text));
        rest = behind;
    }
    files
}
