//! The policies around one, whose variables it reads.

use crate::hover::Pointed;
use crate::names::Names;
use flux_apim_diag::Findings;
use flux_apim_diag::tree::Limits;
use flux_apim_model::{Key, Kind};
use flux_apim_policy::{self as policy, Around, Document, Facts, ReferenceKind, Scope};
use std::collections::BTreeMap;

/// What is known of the policies around one, as their files were when the project was
/// checked last.
#[derive(Debug, Default)]
pub(crate) struct Documents {
    scope: Option<Scope>,
    service: Option<Facts>,
    workspace: Option<Facts>,
    products: Vec<Option<Facts>>,
    api: Option<Facts>,
    fragments: BTreeMap<String, Facts>,
}

impl Documents {
    /// Those around the policy that is pointed into. None are known of a policy that the
    /// project does not have.
    pub(crate) fn around(
        pointed: Pointed<'_>,
        document: &Document<'_>,
        findings: &Findings,
    ) -> Self {
        let names = pointed.names;
        let own = names.and_then(|names| names.policies.get(pointed.path?));
        let (Some(names), Some(own)) = (names, own) else {
            return Self::default();
        };
        let mut reader = Reader {
            names,
            workspace: own.key.workspace.as_deref(),
            findings: Findings::new(findings.budget(), &Limits::default()),
            included: Vec::new(),
        };
        reader.include(document);
        let mut documents = reader.documents(&own.key);
        documents.fragments = reader.fragments();
        documents
    }

    pub(crate) fn around_it(&self) -> Around<'_> {
        let fragments = self.fragments.iter();
        Around {
            scope: self.scope,
            service: self.service.as_ref(),
            workspace: self.workspace.as_ref(),
            products: self.products.iter().map(Option::as_ref).collect(),
            api: self.api.as_ref(),
            fragments: fragments
                .map(|(name, facts)| (name.as_str(), facts))
                .collect(),
        }
    }
}

/// Reads policies, and remembers the fragments that they include.
struct Reader<'n> {
    names: &'n Names,
    workspace: Option<&'n str>,
    findings: Findings,
    included: Vec<String>,
}

impl Reader<'_> {
    /// Those around a policy with the key `own`, fragments aside.
    fn documents(&mut self, own: &Key) -> Documents {
        let mut documents = Documents::default();
        let name = own.names.first().map_or("", String::as_str);
        let inner = match own.kind {
            Kind::ServicePolicy if own.workspace.is_some() => Scope::Workspace,
            Kind::ServicePolicy => Scope::Global,
            Kind::ProductPolicy => Scope::Product,
            Kind::ApiPolicy => Scope::Api,
            Kind::OperationPolicy => Scope::Operation,
            _ => return documents,
        };
        documents.scope = Some(inner);
        if inner != Scope::Global {
            documents.service = self.read(None, Kind::ServicePolicy, &[]);
        }
        let workspace = self.workspace;
        if workspace.is_some() && inner != Scope::Workspace {
            documents.workspace = self.read(workspace, Kind::ServicePolicy, &[]);
        }
        if inner == Scope::Operation {
            documents.api = self.read(workspace, Kind::ApiPolicy, &[name]);
        }
        if matches!(inner, Scope::Api | Scope::Operation) {
            let offers = self.names.offers.iter();
            let own = offers.filter(|offer| offer.workspace.as_deref() == workspace);
            let products = own.filter_map(|offer| match offer.names.as_slice() {
                [product, api] if api == name => Some(product.as_str()),
                _ => None,
            });
            let products: Vec<_> = products.collect();
            for product in products {
                let facts = self.read(workspace, Kind::ProductPolicy, &[product]);
                documents.products.push(facts);
            }
        }
        documents
    }

    /// What is known of the policy with this key, where the project has it.
    fn read(&mut self, workspace: Option<&str>, kind: Kind, names: &[&str]) -> Option<Facts> {
        let key = Key::new(workspace, kind, names);
        let mut policies = self.names.policies.iter();
        let (path, policy) = policies.find(|(_, policy)| policy.key == key)?;
        let tree = &self.names.tree;
        let file = tree.find(path)?;
        let bytes = tree.read(file).ok()?;
        let text = std::str::from_utf8(&bytes).ok()?;
        let root = policy::sniff(text)?;
        let depth = Limits::default().max_depth;
        let document = policy::parse(file, text, root, depth, &mut self.findings);
        let facts = policy::check(&document, policy.setting, &mut self.findings);
        self.include(&document);
        Some(facts)
    }

    fn include(&mut self, document: &Document<'_>) {
        let meter = self.findings.budget().meter();
        let references = policy::references(document, &meter).into_iter();
        let fragments = references.filter(|named| named.kind == ReferenceKind::Fragment);
        self.included.extend(fragments.map(|named| named.name));
    }

    /// The fragments that were met, and those that these include.
    fn fragments(&mut self) -> BTreeMap<String, Facts> {
        let mut known: BTreeMap<String, Option<Facts>> = BTreeMap::new();
        while let Some(name) = self.included.pop() {
            if known.contains_key(&name) {
                continue;
            }
            let mut facts = self.read(self.workspace, Kind::PolicyFragment, &[&name]);
            if facts.is_none() && self.workspace.is_some() {
                facts = self.read(None, Kind::PolicyFragment, &[&name]);
            }
            known.insert(name, facts);
        }
        let known = known.into_iter();
        known
            .filter_map(|(name, facts)| Some((name, facts?)))
            .collect()
    }
}
