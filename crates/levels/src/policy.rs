//! What an operator lays over trees.

use crate::table::{Lookup, Table};
use crate::{Date, Setting, rules, settings};
use flux_apim_diag::tree::{Digest, FileId, Limits};
use flux_apim_diag::{
    Budget, Class, Code, Diagnostic, Findings, Place, Registry, Severity, excerpt, nearest,
};
use flux_apim_syntax::{self as syntax, Data, Format, Value};
use globset::{Glob, GlobSet, GlobSetBuilder};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a policy has.
pub(crate) const KEYS: [&str; 4] = ["version", "levels", "exceptions", "namespaces"];
/// What its exceptions have.
pub(crate) const EXCEPTIONS: [&str; 3] = ["allowances", "levels", "baseline"];

/// The policy of an operator: levels that nothing in a tree lowers, and which exceptions
/// a tree may make at all.
#[derive(Debug, Clone)]
pub struct Policy {
    digest: Digest,
    specs: Vec<Arc<Spec>>,
    namespaces: Vec<OfNamespaces>,
}

/// What holds, everywhere or in some namespaces.
#[derive(Debug, Default)]
struct Spec {
    levels: Arc<Table>,
    exceptions: Permitted,
}

/// The exceptions that a tree may make.
#[derive(Debug)]
struct Permitted {
    allowances: bool,
    /// Rules whose levels a tree may lower; none for all.
    levels: Option<BTreeSet<Code>>,
    baseline: bool,
}

impl Default for Permitted {
    fn default() -> Self {
        Self {
            allowances: true,
            levels: None,
            baseline: true,
        }
    }
}

/// A spec for the namespaces that are selected.
#[derive(Debug, Clone)]
struct OfNamespaces {
    names: Option<GlobSet>,
    labels: BTreeMap<String, String>,
    spec: Arc<Spec>,
}

impl Policy {
    /// Reads the policy in `text`, which is `file` in places. `None` when findings say why
    /// it is none: an operator's policy holds as a whole, or not at all.
    pub fn read(
        registry: Registry,
        file: FileId,
        text: String,
        limits: &Limits,
        findings: &mut Findings,
    ) -> Option<Self> {
        let before = findings.len();
        let digest = Digest::of(text.as_bytes());
        let options = syntax::Options {
            malformed: &syntax::rules::MALFORMED_DOCUMENT,
            limits,
        };
        let document = syntax::parse(file, text, Format::Yaml, options, findings)?;
        let value = Value::from(document.root());
        let policy = Reader {
            registry,
            file,
            findings,
        }
        .policy(&value, digest);
        (findings.len() == before).then_some(policy)
    }

    /// The digest of the file.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Whether it asks for the labels of namespaces.
    pub fn asks_for_labels(&self) -> bool {
        self.namespaces.iter().any(|of| !of.labels.is_empty())
    }

    /// The same for one namespace: what is said for it counts beside the rest.
    #[must_use]
    pub fn within(&self, namespace: &str, labels: &BTreeMap<String, String>) -> Self {
        let mut specs = self.specs.clone();
        for of in &self.namespaces {
            let named = of
                .names
                .as_ref()
                .is_none_or(|names| names.is_match(namespace));
            let mut asked = of.labels.iter();
            if named && asked.all(|(key, value)| labels.get(key) == Some(value)) {
                specs.push(Arc::clone(&of.spec));
            }
        }
        Self {
            digest: self.digest,
            specs,
            namespaces: Vec::new(),
        }
    }
}

struct Reader<'a> {
    registry: Registry,
    file: FileId,
    findings: &'a mut Findings,
}

impl Reader<'_> {
    fn wrong(&mut self, value: &Value, message: &str, help: &str) {
        let place = value.span.map_or(Place::from(self.file), Place::from);
        self.findings
            .push(Diagnostic::new(&rules::MALFORMED_OVERRIDE, place, message).help(help));
    }

    fn policy(&mut self, value: &Value, digest: Digest) -> Policy {
        let mut policy = Policy {
            digest,
            specs: Vec::new(),
            namespaces: Vec::new(),
        };
        if !value.is_object() {
            self.wrong(value, "a policy is a mapping", "begin with `version: 1`");
            return policy;
        }
        match value.get("version").map(|version| &version.data) {
            Some(Data::Number(one)) if one == "1" => {}
            _ => {
                let at = value.get("version").unwrap_or(value);
                let help = "this flux-apim reads policies of `version: 1`";
                self.wrong(at, "the version of the policy is not known", help);
            }
        }
        policy.specs.push(Arc::new(self.spec(value, &KEYS)));
        let Some(namespaces) = value.get("namespaces") else {
            return policy;
        };
        if !matches!(namespaces.data, Data::Array(_)) {
            let help = "write `- selector: {matchNames: [team-*]}` with a `spec`";
            self.wrong(namespaces, "`namespaces` is a list", help);
        }
        for item in namespaces.items() {
            self.known(item, &["selector", "spec"]);
            let (names, labels) = self.selector(item);
            let spec = match item.get("spec") {
                Some(spec) => self.spec(spec, &["levels", "exceptions"]),
                None => {
                    self.wrong(
                        item,
                        "`spec` is missing",
                        "it holds `levels` and `exceptions`",
                    );
                    Spec::default()
                }
            };
            policy.namespaces.push(OfNamespaces {
                names,
                labels,
                spec: Arc::new(spec),
            });
        }
        policy
    }

    /// A selector that selects nothing in particular would be one of all namespaces.
    fn selector(&mut self, item: &Value) -> (Option<GlobSet>, BTreeMap<String, String>) {
        let help = "write `matchNames: [team-*]`, `matchLabels: {team: payments}`, or both";
        let mut labels = BTreeMap::new();
        let mut names = None;
        let selector = item.get("selector").filter(|s| !s.entries().is_empty());
        let Some(selector) = selector else {
            self.wrong(item, "`selector` is missing", help);
            return (names, labels);
        };
        self.known(selector, &["matchNames", "matchLabels"]);
        if let Some(value) = selector.get("matchNames") {
            let mut builder = GlobSetBuilder::new();
            let globs = value
                .items()
                .iter()
                .map(|item| Glob::new(item.as_str()?).ok());
            match globs.collect::<Option<Vec<_>>>() {
                Some(globs) if !globs.is_empty() => {
                    for glob in globs {
                        builder.add(glob);
                    }
                }
                _ => self.wrong(value, "`matchNames` is a list of names or globs", help),
            }
            match builder.build() {
                Ok(set) => names = Some(set),
                Err(_) => self.wrong(value, "the globs of `matchNames` take too much", help),
            }
        }
        if let Some(value) = selector.get("matchLabels") {
            for entry in value.entries() {
                match entry.value.as_str() {
                    Some(text) => {
                        labels.insert(entry.key.clone(), text.to_owned());
                    }
                    None => self.wrong(&entry.value, "the value of a label is a text", help),
                }
            }
            if value.entries().is_empty() {
                self.wrong(value, "`matchLabels` is a mapping of labels", help);
            }
        }
        (names, labels)
    }

    fn known(&mut self, value: &Value, keys: &[&str]) {
        for entry in value.entries() {
            if !keys.contains(&entry.key.as_str()) {
                let message = format!("`{}` is nothing of a policy", excerpt(&entry.key, 60));
                let near = self
                    .findings
                    .hint(|| nearest(&entry.key, keys.iter().copied()));
                let help = match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("known here: {}", keys.join(", ")),
                };
                self.wrong(&entry.value, &message, &help);
            }
        }
    }

    fn spec(&mut self, value: &Value, keys: &[&str]) -> Spec {
        self.known(value, keys);
        let whole = Place::from(self.file);
        let levels = match value.get("levels") {
            Some(levels) => settings(
                self.registry,
                levels,
                &whole,
                "the operator's policy",
                self.findings,
            ),
            None => Vec::new(),
        };
        for setting in &levels {
            self.check(setting);
        }
        let levels = Arc::new(Table::new(levels, "", self.findings));
        let exceptions = match value.get("exceptions") {
            Some(exceptions) => self.exceptions(exceptions),
            None => Permitted::default(),
        };
        Spec { levels, exceptions }
    }

    /// Classes hold for operators too.
    fn check(&mut self, setting: &Setting) {
        let lowers = setting.lowers();
        let (rule, message, help) = match setting.rule.class {
            Class::Integrity if lowers => (
                &rules::LEVEL_REFUSED,
                format!("{}, which nobody lowers", setting.shown()),
                "without it a bundle would not be what its source says; remove the level",
            ),
            Class::Refusal if lowers && setting.reason.is_none() => (
                &rules::LEVEL_WITHOUT_REASON,
                format!("{} without a reason", setting.shown()),
                "Azure refuses what it finds: write `{level: warning, reason: why}`",
            ),
            _ => return,
        };
        self.findings
            .push(Diagnostic::new(rule, setting.place.clone(), message).help(help));
    }

    fn exceptions(&mut self, value: &Value) -> Permitted {
        self.known(value, &EXCEPTIONS);
        let mut permitted = Permitted::default();
        if !value.is_object() {
            let help = "write `{allowances: false, levels: [], baseline: false}`";
            self.wrong(value, "`exceptions` is a mapping", help);
        }
        for (key, place) in [
            ("allowances", &mut permitted.allowances),
            ("baseline", &mut permitted.baseline),
        ] {
            if let Some(value) = value.get(key) {
                match value.as_bool() {
                    Some(given) => *place = given,
                    None => self.wrong(value, &format!("`{key}` is true or false"), "choose one"),
                }
            }
        }
        if let Some(value) = value.get("levels") {
            let help =
                "list the rules whose level a tree may lower, by name or code; `[]` for none";
            if !matches!(value.data, Data::Array(_)) {
                self.wrong(value, "`levels` is a list of rules", help);
            }
            let mut codes = BTreeSet::new();
            for item in value.items() {
                match item.as_str().and_then(|name| self.registry.get(name)) {
                    Some(rule) => {
                        codes.insert(rule.code);
                    }
                    None => self.wrong(item, "this is no rule", help),
                }
            }
            permitted.levels = Some(codes);
        }
        permitted
    }
}

/// All policies of a run. Where they disagree, the stricter one counts.
#[derive(Debug, Default)]
pub(crate) struct Operator {
    specs: Vec<(Lookup, Arc<Spec>)>,
}

impl Operator {
    pub(crate) fn new(policies: &[Arc<Policy>], today: Option<Date>, budget: &Budget) -> Self {
        let specs = policies.iter().flat_map(|policy| &policy.specs);
        let specs = specs.map(|spec| {
            let lookup = Lookup::new(Arc::clone(&spec.levels), today, budget);
            (lookup, Arc::clone(spec))
        });
        Self {
            specs: specs.collect(),
        }
    }

    /// What holds for findings of a rule at `path`, if a policy says so.
    pub(crate) fn held(&self, code: Code, path: Option<&str>) -> Option<&Setting> {
        let said = self
            .specs
            .iter()
            .filter_map(|(lookup, _)| lookup.at(code, path));
        said.map(|(_, setting)| setting)
            .max_by_key(|setting| setting.level)
    }

    /// The level below which nothing in a tree brings a rule at `path`.
    pub(crate) fn floor(&self, code: Code, path: Option<&str>) -> Option<Severity> {
        self.held(code, path)?.level
    }

    pub(crate) fn lets_allow(&self) -> bool {
        self.specs
            .iter()
            .all(|(_, spec)| spec.exceptions.allowances)
    }

    pub(crate) fn lets_keep_a_baseline(&self) -> bool {
        self.specs.iter().all(|(_, spec)| spec.exceptions.baseline)
    }

    pub(crate) fn lets_lower(&self, code: Code) -> bool {
        let mut specs = self.specs.iter();
        specs.all(|(_, spec)| match &spec.exceptions.levels {
            Some(codes) => codes.contains(&code),
            None => true,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "test code")]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<Policy>, usize) {
        let mut findings = Findings::from(Vec::new());
        let limits = Limits::default();
        let policy = Policy::read(
            crate::sample::REGISTRY,
            FileId(0),
            text.to_owned(),
            &limits,
            &mut findings,
        );
        (policy, findings.len())
    }

    #[test]
    fn a_policy_holds_as_a_whole_or_not_at_all() {
        for text in [
            "version: 1\nversion: 1\n",
            "version: 1\nlevels: {no-apis: error, no-apis: off}\n",
            "version: 1\nlevels: {no-apis: error}\nexeptions: {}\n",
            "version: 2\n",
        ] {
            let (policy, findings) = read(text);
            assert!(policy.is_none() && findings > 0, "{text}");
        }
        let (policy, findings) = read("version: 1\n");
        let digest = policy.unwrap().digest();
        assert_eq!((digest, findings), (Digest::of(b"version: 1\n"), 0));
    }
}
