//! The table, mutated: for each element a document that is right, and what is wrong with
//! each change of it.

use super::made::{Made, chain, minimal, right, value_of};
use crate::catalogue::{CATALOGUE, Count, Entry, Order, Role, Text, Type};
use crate::{Gateway, Root, Scope, Setting, check, parse, sniff};
use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Findings, Place};

/// What a change is expected to bring: the code, and help that it has.
struct Case {
    what: String,
    document: Made,
    setting: Setting,
    code: u16,
    help: Option<String>,
}

/// The document with its marks taken out, and the bytes between them.
fn unmarked(marked: &str) -> (String, usize, usize) {
    let start = marked.find('\u{1}').expect("a mark");
    let end = marked.find('\u{2}').expect("a second mark") - 1;
    (marked.replace(['\u{1}', '\u{2}'], ""), start, end)
}

fn marked(text: &str) -> String {
    format!("\u{1}{text}\u{2}")
}

/// What is said of each use of a retired policy: beside what a change of it brings.
const RETIRED: u16 = 3040;

/// Code, bytes and help of each finding.
type Found = Vec<(u16, usize, usize, Option<String>)>;

fn found(text: &str, setting: Setting) -> Found {
    let root = sniff(text).unwrap_or(Root::Policies);
    let mut findings = Findings::from(Vec::new());
    let document = parse(FileId(0), text, root, 256, &mut findings);
    check(&document, setting, &mut findings);
    let listed = findings.listed().iter();
    let listed = listed.filter(|finding| finding.rule.code.0 != RETIRED);
    let listed = listed.map(|finding| {
        let Place::Span(span) = finding.place else {
            panic!("no span: {}", finding.message)
        };
        let code = finding.rule.code.0;
        (
            code,
            span.start as usize,
            span.end as usize,
            finding.help.clone(),
        )
    });
    listed.collect()
}

fn setting(entry: &Entry) -> Setting {
    let scope = entry.scopes.and_then(|scopes| {
        let mut all = Scope::ALL.into_iter();
        all.find(|scope| scopes.has(scope.name()))
    });
    let gateway = entry.gateways.and_then(|gateways| {
        let mut all = Gateway::ALL.into_iter();
        all.find(|gateway| gateways.has(gateway.name()))
    });
    Setting { scope, gateway }
}

struct Cases {
    all: Vec<Case>,
}

impl Cases {
    fn add(&mut self, path: &str, what: &str, own: Made, code: u16) -> &mut Case {
        let top = path.split('/').next().unwrap_or(path);
        let row = CATALOGUE.top(top).expect("a first step");
        self.all.push(Case {
            what: format!("{path}: {what}"),
            document: chain(path, own),
            setting: setting(&CATALOGUE.rows[row]),
            code,
            help: None,
        });
        self.all.last_mut().expect("it was added")
    }

    fn attributes(&mut self, path: &str, entry: &Entry) {
        if !entry.foreign_attributes {
            let mut own = minimal(entry, None);
            own.attributes.push((marked("unheard-of"), "1".to_owned()));
            self.add(path, "an attribute that it has not", own, 3005);
        }
        for known in &entry.attributes {
            let name = known.name;
            if known.required {
                let mut own = minimal(entry, None);
                own.attributes.retain(|(own, _)| own != name);
                own.name = marked(&own.name);
                self.add(path, &format!("without {name}"), own, 3006);
            }
            let mut wrong = |value: &str, code| {
                let mut own = minimal(entry, Some(name));
                own.set(name, &marked(value));
                self.add(path, &format!("{name}={value}"), own, code);
            };
            match known.ty {
                Type::Bool => wrong("maybe", 3008),
                Type::OneOf(_) => wrong("no-such-word", 3008),
                Type::Whole { min, max } | Type::Number { min, max } => {
                    wrong("abc", 3008);
                    if let Some(min) = min {
                        wrong(&(min - 1.0).to_string(), 3008);
                    }
                    if let Some(max) = max {
                        wrong(&(max + 1.0).to_string(), 3008);
                    }
                }
                Type::Text | Type::Time => {}
            }
            if known.expression == Some(false) {
                wrong("@(context.RequestId)", 3009);
            }
            let words: Vec<&str> = name.split('-').collect();
            let turned = words.iter().rev().copied().collect::<Vec<_>>().join("-");
            let same = |known: &str| {
                let sorted = |name: &str| {
                    let mut words: Vec<_> = name.split('-').map(str::to_owned).collect();
                    words.sort_unstable();
                    words
                };
                sorted(known) == sorted(name)
            };
            let alike = entry.attributes.iter().filter(|known| same(known.name));
            if turned != name && alike.count() == 1 {
                let mut own = minimal(entry, Some(name));
                for (own, _) in &mut own.attributes {
                    if own == name {
                        *own = marked(&turned);
                    }
                }
                let case = self.add(path, &format!("{turned} for {name}"), own, 3005);
                case.help = Some(format!("did you mean `{name}`?"));
            }
        }
    }

    fn groups(&mut self, path: &str, entry: &Entry) {
        for group in &entry.groups {
            let names: Vec<_> = group.names.iter().collect();
            if matches!(group.count, Count::ExactlyOne | Count::AtLeastOne) {
                let mut own = minimal(entry, None);
                own.attributes
                    .retain(|(own, _)| !names.contains(&own.as_str()));
                own.name = marked(&own.name);
                self.add(path, &format!("none of {names:?}"), own, 3006);
            }
            if matches!(group.count, Count::ExactlyOne | Count::AtMostOne) {
                let mut own = minimal(entry, None);
                own.attributes
                    .retain(|(own, _)| !names.contains(&own.as_str()));
                for (index, name) in names.iter().take(2).enumerate() {
                    let known = entry.attribute(name).expect("an attribute of a group");
                    let name = if index == 1 {
                        marked(name)
                    } else {
                        (*name).to_owned()
                    };
                    own.attributes.push((name, value_of(known.ty)));
                }
                self.add(path, &format!("two of {names:?}"), own, 3015);
            }
            if group.count == Count::AllOrNone {
                let mut own = minimal(entry, Some(names[0]));
                own.attributes.retain(|(own, _)| own != names[1]);
                own.name = marked(&own.name);
                self.add(path, &format!("only one of {names:?}"), own, 3006);
            }
        }
    }

    fn content(&mut self, path: &str, entry: &Entry) {
        let base = || minimal(entry, None);
        if !entry.foreign_content {
            let mut own = base();
            own.children.insert(0, Made::named(&marked("unheard-of")));
            self.add(path, "a child that nobody knows", own, 3004);
            // A helper of another element, and what only frames a document.
            for other in ["vary-by-query-parameter", "outbound"] {
                if entry.child(other).is_none() {
                    let mut own = base();
                    own.children.insert(0, Made::named(&marked(other)));
                    self.add(path, &format!("a child {other}"), own, 3007);
                }
            }
            if !entry.mixed && entry.child("rewrite-uri").is_none() {
                let mut own = base();
                own.children.insert(0, Made::named(&marked("rewrite-uri")));
                self.add(path, "a policy as a child", own, 3007);
            }
        }
        if entry.text == Text::Never && !entry.foreign_content {
            let mut own = base();
            own.text = format!(" {} ", marked("some text"));
            self.add(path, "text", own, 3013);
        }
        for child in &entry.children {
            let Some(row) = child.row else { continue };
            let made = minimal(&CATALOGUE.rows[row], None);
            if let Some(max) = child.max.filter(|max| *max < 20) {
                let mut own = base();
                own.put(entry, &made);
                let there = own
                    .children
                    .iter()
                    .filter(|own| own.name == child.name)
                    .count();
                let at = own.children.iter().rposition(|own| own.name == child.name);
                let at = at.expect("it was put") + 1;
                for count in there..=max as usize {
                    let mut more = made.clone();
                    if count == max as usize {
                        more.name = marked(&more.name);
                    }
                    own.children.insert(at + count - there, more);
                }
                self.add(path, &format!("{} of {}", max + 1, child.name), own, 3012);
            }
            if child.min > 0 {
                let mut own = base();
                own.children.retain(|own| own.name != child.name);
                own.name = marked(&own.name);
                self.add(path, &format!("without {}", child.name), own, 3014);
            }
            let name = child.name;
            let shorter = &name[..name.len() - 1];
            if name.len() > 6 && CATALOGUE.named(shorter).is_empty() && !entry.foreign_content {
                let mut own = base();
                own.put(entry, &made);
                for own in &mut own.children {
                    if own.name == name {
                        own.name = marked(shorter);
                    }
                }
                let case = self.add(path, &format!("{shorter} for {name}"), own, 3004);
                case.help = Some(format!("did you mean `<{name}>`?"));
            }
        }
        self.order(path, entry);
        for group in &entry.child_groups {
            let mut own = base();
            own.children.retain(|own| !group.names.has(&own.name));
            own.name = marked(&own.name);
            self.add(path, "none of its children", own, 3014);
        }
        for wanted in &entry.wanted {
            if wanted.unless.is_some() {
                let mut own = base();
                own.children.retain(|own| own.name != wanted.child);
                own.name = marked(&own.name);
                self.add(path, &format!("without {}", wanted.child), own, 3014);
            }
        }
    }

    /// Neighbours among the children, turned.
    fn order(&mut self, path: &str, entry: &Entry) {
        if entry.order != Order::Sequence {
            return;
        }
        for pair in entry.children.windows(2) {
            let [Some(first), Some(second)] = [pair[0].row, pair[1].row] else {
                continue;
            };
            let grouped = entry
                .child_groups
                .iter()
                .any(|group| group.names.has(pair[0].name) && group.names.has(pair[1].name));
            if grouped || pair[0].name == "include-fragment" || pair[1].name == "include-fragment" {
                continue;
            }
            let mut own = minimal(entry, None);
            own.put(entry, &minimal(&CATALOGUE.rows[first], None));
            own.put(entry, &minimal(&CATALOGUE.rows[second], None));
            let at = own.children.iter().position(|own| own.name == pair[0].name);
            let at = at.expect("it was put");
            own.children.swap(at, at + 1);
            let moved = &mut own.children[at + 1];
            moved.name = marked(&moved.name);
            self.add(
                path,
                &format!("{} behind {}", pair[0].name, pair[1].name),
                own,
                3016,
            );
        }
    }

    fn usage(&mut self, path: &str, entry: &Entry) {
        if entry.role != Role::Policy {
            return;
        }
        let mut own = minimal(entry, None);
        own.name = marked(&own.name);
        for section in ["inbound", "backend", "outbound", "on-error"] {
            if entry
                .sections
                .is_some_and(|sections| !sections.has(section))
            {
                let mut root = Made::named("policies");
                let mut around = Made::named(section);
                around.children.push(own.clone());
                root.children.push(around);
                let case = self.add(path, &format!("in {section}"), own.clone(), 3010);
                case.document = root;
            }
        }
        for scope in Scope::ALL {
            if entry.scopes.is_some_and(|scopes| !scopes.has(scope.name())) {
                let case = self.add(path, &format!("at {}", scope.name()), own.clone(), 3011);
                case.setting.scope = Some(scope);
            }
        }
        for gateway in Gateway::ALL {
            if entry
                .gateways
                .is_some_and(|gateways| !gateways.has(gateway.name()))
            {
                let case = self.add(path, &format!("on {}", gateway.name()), own.clone(), 3023);
                case.setting.gateway = Some(gateway);
            }
        }
        if entry.max_per_section.or(entry.max_per_definition).is_some() {
            let mut document = chain(path, minimal(entry, None));
            document.children[0].children.push(own.clone());
            let case = self.add(path, "twice", own.clone(), 3012);
            case.document = document;
        }
    }
}

#[test]
fn each_change_has_its_finding() {
    let mut cases = Cases { all: Vec::new() };
    for entry in &CATALOGUE.rows {
        {
            let path = entry.path;
            let document = right(path, entry);
            let (text, top) = (document.print(), path.split('/').next().unwrap_or(path));
            let row = CATALOGUE.top(top).expect("a first step");
            let all = found(&text, setting(&CATALOGUE.rows[row]));
            assert_eq!(all, [], "{path}: {text}");
            cases.attributes(path, entry);
            cases.groups(path, entry);
            cases.content(path, entry);
            cases.usage(path, entry);
        }
    }
    let mut failed = Vec::new();
    for case in &cases.all {
        let (text, start, end) = unmarked(&case.document.print());
        let all = found(&text, case.setting);
        let expected = [(case.code, start, end)];
        let places: Vec<_> = all
            .iter()
            .map(|(code, start, end, _)| (*code, *start, *end))
            .collect();
        let helped = case.help.is_none() || all.iter().all(|(.., help)| *help == case.help);
        if places != expected || !helped {
            failed.push(format!("{}: {all:?}, not {expected:?}: {text}", case.what));
        }
    }
    let count = cases.all.len();
    assert!(
        failed.is_empty(),
        "{} of {count}:\n{}",
        failed.len(),
        failed[..failed.len().min(40)].join("\n")
    );
    assert!(count >= 1500, "{count}");
}
