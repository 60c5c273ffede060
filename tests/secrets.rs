//! Marked secrets in every place that can hold one, written in several encodings, in our
//! tree and in every corpus tree: no byte that leaves the program has one. With masking
//! switched off the same search finds every one, so that it is known to find them.
//!
//! Two trees, one of them ours, are enough for every day; `FLUX_APIM_SOAK=1` takes all of
//! them.
#![cfg(all(feature = "cli", debug_assertions))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "test code"
)]

mod common;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flux_apim::bundle::OciImage;
use flux_apim::diag::{markdown, sarif};
use flux_apim::edge::publish::{self, Artifact, Destination};
use flux_apim::edge::sign::{SigningKey, keygen};
use flux_apim::model::{Kind, Role};
use flux_apim::pipeline::{self, Options};
use flux_apim::render::Target;
use flux_apim::tree::{ArtifactPath, SourceTree};
use memchr::memmem::Finder;
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

/// What every marked secret begins with: nine letters that no tree has.
const MARK: &str = "Zq7Secret";
/// Digits of the number after it.
const DIGITS: usize = 4;

/// How a secret is written in the source, and may be written on the way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Encoding {
    Plain,
    Base64,
    Url,
    Json,
    Xml,
}

const ENCODINGS: [Encoding; 5] = [
    Encoding::Plain,
    Encoding::Base64,
    Encoding::Url,
    Encoding::Json,
    Encoding::Xml,
];

impl Encoding {
    fn of(self, text: &str) -> String {
        let each = |write: fn(u8) -> String| text.bytes().map(write).collect();
        match self {
            Self::Plain => text.to_owned(),
            Self::Base64 => STANDARD.encode(text),
            Self::Url => each(|byte| format!("%{byte:02X}")),
            Self::Json => each(|byte| format!("\\u{byte:04x}")),
            Self::Xml => each(|byte| format!("&#x{byte:02x};")),
        }
    }
}

/// The marked secret `n`, of which only the mark must not be seen.
fn marked(n: usize) -> String {
    format!("{MARK}{n:0DIGITS$}end")
}

/// Finds marked secrets in bytes.
struct Search {
    finders: Vec<(Encoding, usize, Finder<'static>)>,
}

impl Search {
    fn new() -> Self {
        let mut finders = Vec::new();
        for encoding in ENCODINGS {
            if encoding == Encoding::Base64 {
                // What is before it decides how the mark is cut into groups of three.
                for before in 0..3 {
                    let text = [&vec![0; before][..], MARK.as_bytes()].concat();
                    let whole = STANDARD.encode(text);
                    let start = (before * 8).div_ceil(6);
                    let end = (before + MARK.len()) * 8 / 6;
                    let finder = Finder::new(&whole[start..end]).into_owned();
                    finders.push((encoding, before, finder));
                }
            } else {
                let finder = Finder::new(&encoding.of(MARK)).into_owned();
                finders.push((encoding, 0, finder));
            }
        }
        Self { finders }
    }

    /// The numbers of the marked secrets in `bytes`, with the encoding that they have there.
    fn found(&self, bytes: &[u8]) -> BTreeSet<(usize, Encoding)> {
        let mut found = BTreeSet::new();
        for (encoding, before, finder) in &self.finders {
            for at in finder.find_iter(bytes) {
                let rest = &bytes[at + finder.needle().len()..];
                let digits = match encoding {
                    Encoding::Plain => read(rest, 1, |unit| Some(unit[0])),
                    Encoding::Url => read(rest, 3, |unit| hex(unit.get(1..)?)),
                    Encoding::Json => read(rest, 6, |unit| hex(unit.get(4..)?)),
                    Encoding::Xml => read(rest, 6, |unit| hex(unit.get(3..5)?)),
                    Encoding::Base64 => {
                        // From the group in which the needle begins, in whole groups.
                        let start = at.saturating_sub((before * 8).div_ceil(6) % 4);
                        let is_digit = |b: &&u8| b.is_ascii_alphanumeric() || b"+/".contains(b);
                        let run = bytes[start..].iter().take(32).take_while(is_digit);
                        let group = &bytes[start..start + run.count() / 4 * 4];
                        let decoded = STANDARD.decode(group).unwrap_or_default();
                        let mark = Finder::new(MARK).find(&decoded);
                        mark.and_then(|mark| {
                            let digits = decoded.get(mark + MARK.len()..)?.get(..DIGITS)?;
                            Some(digits.to_vec())
                        })
                    }
                };
                let number = digits.and_then(|digits| String::from_utf8(digits).ok()?.parse().ok());
                // Half a secret is one, too.
                found.insert((number.unwrap_or(usize::MAX), *encoding));
            }
        }
        found
    }
}

/// The digits of a number whose characters have `size` bytes each.
fn read(bytes: &[u8], size: usize, one: impl Fn(&[u8]) -> Option<u8>) -> Option<Vec<u8>> {
    bytes.chunks(size).take(DIGITS).map(one).collect()
}

fn hex(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[test]
fn the_search_finds_every_encoding_wherever_it_stands() {
    let search = Search::new();
    for n in [0, 7, 1234] {
        for encoding in ENCODINGS {
            for before in ["", "x", "xy", "xyz"] {
                let text = match encoding {
                    Encoding::Base64 => STANDARD.encode(format!("{before}{}", marked(n))),
                    other => format!("{before}{}", other.of(&marked(n))),
                };
                let text = format!("\"{text}\": and more behind it");
                let found = search.found(text.as_bytes());
                assert_eq!(found, BTreeSet::from([(n, encoding)]), "{text}");
            }
        }
    }
    assert!(search.found(b"Zq7 Secret").is_empty());
}

/// A tree with marked secrets, and where each of them is.
struct Planted {
    files: BTreeMap<ArtifactPath, Vec<u8>>,
    /// By number: what it is of, for messages.
    places: Vec<String>,
    /// Those of policies and definitions, which are rendered as they stand: what carries these
    /// texts has them, and nothing that is said of them.
    carried: BTreeSet<usize>,
}

/// URLs with a secret.
const URLS: [(&str, &str); 4] = [
    ("user", "https://user:SECRET@host.example/x"),
    ("sig", "https://host.example/blob?sv=1&sig=SECRET"),
    ("code", "https://host.example/api/f?code=SECRET&x=1"),
    (
        "subscription-key",
        "https://host.example/?subscription-key=SECRET",
    ),
];

/// A policy and a definition with a URL, and something to say about its line.
type Texts = (&'static str, &'static str);

/// With warnings.
const DOUBTED: Texts = (
    r#"<policies><inbound><base /><base /><set-backend-service base-url="URL" /></inbound><backend><base /></backend><outbound><base /></outbound><on-error><base /></on-error></policies>"#,
    r#"{"openapi": "3.0.1", "info": {"title": "T", "version": "1"}, "servers": [{"url": "URL"}, {"url": "https://b.example"}], "paths": {"/a": {"get": {"operationId": "a", "responses": {"200": {"description": "URL"}}}}}}"#,
);

/// With errors, whose messages quote what is wrong.
const REFUSED: Texts = (
    r#"<policies><inbound><base /><set-backend-service base-url="https://b.example" unknown="URL" /><set-header name="x" exists-action="URL"><value>y</value></set-header></inbound></policies>"#,
    r#"{"openapi": "3.0.1", "info": {"title": "T", "version": "1", "unknown": "URL"}, "servers": "URL", "paths": {"URL": {"get": {"operationId": "a", "responses": {"URL": {"$ref": "URL"}}}}}}"#,
);

/// The environment of which some of them are.
const ENVIRONMENT: &str = "planted";

impl Planted {
    /// Plants in the project below `root` of `tree`.
    fn new(tree: &SourceTree, root: &str) -> Self {
        let mut planted = Self {
            files: BTreeMap::new(),
            places: Vec::new(),
            carried: BTreeSet::new(),
        };
        for (id, path) in tree.files() {
            let bytes = tree.read(id).unwrap().into_owned();
            planted.files.insert(path.clone(), bytes);
        }
        let mut overrides: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for &kind in Kind::ALL {
            for (place, properties) in places(kind) {
                for encoding in ENCODINGS {
                    for (form, one_line) in [("", false), ("line", true)] {
                        let name = format!("planted-{}{form}", planted.places.len());
                        let text =
                            planted.text(kind, &place, encoding, &properties, &name, one_line);
                        planted.write(root, kind, &name, text);
                    }
                }
                // Set for one environment, over one that the tree has.
                let Some(section) = kind.row().section else {
                    continue;
                };
                let name = format!("planted-{}", planted.places.len());
                let own = planted.text(kind, &place, Encoding::Plain, &properties, &name, false);
                planted.write(root, kind, &name, own);
                let set = planted.text(kind, &place, Encoding::Plain, &properties, &name, true);
                let properties = set.split_once("\"properties\":").unwrap().1;
                let entry = format!("{{\"name\":\"{name}\",\"properties\":{properties}");
                overrides.entry(section).or_default().push(entry);
            }
        }
        let mut environment = String::new();
        for (section, entries) in overrides {
            environment.push_str(&format!("{section}:\n"));
            for entry in entries {
                environment.push_str(&format!("- {}\n", entry.trim_end()));
            }
        }
        let path = format!("{root}configuration.{ENVIRONMENT}.yaml");
        planted.put(&path, environment);
        for (form, url) in URLS {
            for encoding in ENCODINGS {
                planted.texts(root, DOUBTED, form, url, encoding);
            }
        }
        planted
    }

    /// A tree of nothing but texts that Azure refuses.
    fn refused() -> Self {
        let mut planted = Self {
            files: BTreeMap::new(),
            places: Vec::new(),
            carried: BTreeSet::new(),
        };
        for (form, url) in URLS {
            for encoding in ENCODINGS {
                planted.texts("", REFUSED, form, url, encoding);
            }
        }
        planted
    }

    /// An API whose policy and definition have a URL with a secret each, and something to
    /// find on its line.
    fn texts(
        &mut self,
        root: &str,
        (policy, definition): Texts,
        form: &str,
        url: &str,
        encoding: Encoding,
    ) {
        let api = format!("planted-{}", self.places.len());
        let mut next = |what: &str| {
            let n = self.places.len();
            self.places
                .push(format!("{form} in the {what} of {api}, {encoding:?}"));
            self.carried.insert(n);
            n
        };
        // What JSON escapes is no text of a policy.
        let in_policy = (encoding != Encoding::Json).then(|| {
            let secret = encoding.of(&marked(next("policy")));
            url.replace('&', "&amp;").replace("SECRET", &secret)
        });
        let in_definition = url.replace("SECRET", &encoding.of(&marked(next("definition"))));
        let folder = format!("{root}apis/{api}");
        let information = json!({"properties": {
            "displayName": api, "path": api, "protocols": ["https"],
        }});
        self.put(
            &format!("{folder}/apiInformation.json"),
            information.to_string(),
        );
        let definition = definition.replace("URL", &in_definition);
        self.put(&format!("{folder}/specification.json"), definition);
        if let Some(url) = in_policy {
            let policy = policy.replace("URL", &url);
            self.put(&format!("{folder}/policy.xml"), policy);
        }
    }

    /// An information file whose secret at `place` is a marked one.
    fn text(
        &mut self,
        kind: Kind,
        place: &str,
        encoding: Encoding,
        properties: &Json,
        name: &str,
        one_line: bool,
    ) -> String {
        let n = self.places.len();
        self.places
            .push(format!("{place} of {} {name}, {encoding:?}", kind.label()));
        let secret = match encoding {
            // It is the file that writes it so.
            Encoding::Json => marked(n),
            other => other.of(&marked(n)),
        };
        let text = properties.to_string().replace("SECRET", &secret);
        let mut properties: Json = serde_json::from_str(&text).unwrap();
        if properties.get("displayName").is_some() {
            properties["displayName"] = json!(name);
        }
        // Something to find beside it.
        properties["unknownToAzure"] = json!("x");
        let file = json!({"properties": properties});
        let text = match one_line {
            true => file.to_string(),
            false => serde_json::to_string_pretty(&file).unwrap(),
        };
        match encoding {
            Encoding::Json => text.replace(&secret, &Encoding::Json.of(&secret)),
            _ => text,
        }
    }

    fn write(&mut self, root: &str, kind: Kind, name: &str, text: String) {
        let files = kind.row().files.iter();
        let mut patterns = files.filter(|(role, _)| *role == Role::Information);
        let pattern = patterns.next().unwrap().1;
        // Of the layouts the first.
        let path: Vec<&str> = pattern
            .split('/')
            .map(|part| part.split('|').next().unwrap())
            .collect();
        self.put(
            &format!("{root}{}", path.join("/").replace("{}", name)),
            text,
        );
    }

    fn put(&mut self, path: &str, text: String) {
        let path = ArtifactPath::parse(path).unwrap();
        assert!(self.files.insert(path, text.into_bytes()).is_none());
    }

    fn tree(&self) -> SourceTree {
        SourceTree::in_memory(self.files.clone())
    }
}

/// Every place of `kind` that can hold a secret, with properties in which `SECRET` is there.
fn places(kind: Kind) -> Vec<(String, Json)> {
    let row = kind.row();
    let named = row.secrets.iter().map(|place| (*place).to_owned());
    let mut found: Vec<(String, Json)> = Vec::new();
    for place in named {
        let mut properties = base(kind);
        put(&mut properties, &place, json!("SECRET"));
        if place.starts_with("credentials.authorization.") {
            put(
                &mut properties,
                "credentials.authorization.scheme",
                json!("Bearer"),
            );
        }
        found.push((place, properties));
    }
    let url_at = match kind {
        Kind::Backend => Some("url"),
        Kind::NamedValue => Some("value"),
        _ => None,
    };
    for (name, url) in URLS {
        if let Some(at) = url_at {
            let mut properties = base(kind);
            put(&mut properties, at, json!(url));
            properties.as_object_mut().unwrap().remove("secret");
            found.push((format!("{at} ({name})"), properties));
        }
    }
    if kind == Kind::NamedValue {
        let mut properties = base(kind);
        put(&mut properties, "value", json!("SECRET"));
        found.push(("value".to_owned(), properties));
    }
    found
}

/// Properties without which Azure does not take a resource of the kind.
fn base(kind: Kind) -> Json {
    match kind {
        Kind::NamedValue => json!({"displayName": "x", "secret": true}),
        Kind::Backend => json!({
            "url": "https://host.example", "protocol": "http",
            "proxy": {"url": "https://proxy.example"},
        }),
        Kind::Logger => json!({"loggerType": "applicationInsights", "credentials": {}}),
        Kind::Subscription => json!({"displayName": "x", "scope": "/apis"}),
        _ => json!({}),
    }
}

/// Puts `value` at a place as kinds write it: `a.*[]`.
fn put(properties: &mut Json, place: &str, value: Json) {
    match place.split_once('.') {
        Some((first, rest)) => put(&mut properties[first], rest, value),
        None => match (place.strip_suffix("[]"), place) {
            (Some("*"), _) => *properties = json!({"x-key": [value]}),
            (Some(name), _) => properties[name] = json!([value]),
            (None, "*") => *properties = json!({"x-key": value}),
            (None, name) => properties[name] = value,
        },
    }
    if *properties == Json::Null {
        unreachable!("{place}");
    }
}

/// Whether a file of a bundle, or a blob of a registry, is what carries policies and
/// definitions, not something that is said of them.
fn carries(path: &str, bytes: &[u8]) -> bool {
    let folders = ["arm/", "bicep/", "aso/", "content/", "resources.json"];
    let is_layer = path.contains("/blobs/")
        && (bytes.starts_with(&[0x1f, 0x8b])
            || Finder::new("deploymentTemplate.json").find(bytes).is_some());
    is_layer || folders.iter().any(|folder| path.starts_with(folder))
}

/// Everything that a run of `tree` gives, by what it is; third, whether it carries policies
/// and definitions.
fn outputs(
    tree: &SourceTree,
    root: &str,
    environment: Option<&str>,
) -> (bool, Vec<(String, Vec<u8>, bool)>) {
    let mut options = Options {
        targets: Some(Target::ALL.to_vec()),
        ..Options::default()
    };
    options.discover.environment = environment.map(str::to_owned);
    let path = root.trim_end_matches('/');
    options.discover.path = (!path.is_empty()).then(|| path.to_owned());
    let outcome = pipeline::run(tree, &options, Vec::new()).unwrap();
    let report = &outcome.report;
    let mut out = Vec::new();
    let mut said = |what: &str, bytes: Vec<u8>| out.push((what.to_owned(), bytes, false));
    said("report, JSON", serde_json::to_vec(report).unwrap());
    let sarif = sarif::to_sarif(report, "0");
    said("report, SARIF", serde_json::to_vec(&sarif).unwrap());
    let markdown = markdown::to_markdown(report);
    said("report, Markdown", markdown.into_bytes());
    let snippets = report.diagnostics.iter().filter_map(|d| d.snippet.as_ref());
    let snippets: Vec<&str> = snippets.map(|snippet| snippet.text.as_str()).collect();
    said("lines that are shown", snippets.join("\n").into_bytes());
    let Some(bundle) = &outcome.bundle else {
        let errors = report.diagnostics.iter();
        let errors = errors.filter(|d| d.severity == flux_apim::diag::Severity::Error);
        for finding in errors.take(20) {
            println!(
                "   {} {} {}",
                finding.rule.code, finding.path, finding.message
            );
        }
        return (false, out);
    };
    said("inventory", bundle.inventory_text().into_bytes());
    let image = OciImage::new(&bundle.archive(), &bundle.inventory());
    said("OCI config", image.config);
    said("OCI manifest", image.manifest);
    for file in &bundle.files {
        let bytes = bundle.bytes(file);
        let carries = carries(&file.path, &bytes);
        out.push((file.path.clone(), bytes, carries));
    }
    let folder = tempfile::tempdir().unwrap();
    published(&Artifact::of(bundle), folder.path());
    for (path, bytes) in files_in(folder.path()) {
        let carries = carries(&path, &bytes);
        out.push((format!("published {path}"), unpacked(bytes), carries));
    }
    (true, out)
}

/// Publishes with signature, provenance and contents.
fn published(artifact: &Artifact, folder: &Path) {
    let pair = keygen(b"").unwrap();
    let key = SigningKey::from_pem(pair.private.as_bytes(), b"").unwrap();
    let place = format!("oci-layout:{}", folder.join("layout").display());
    let connection = flux_apim::edge::oci::Connection::default();
    let to = Destination::open(&place.parse().unwrap(), &connection, None).unwrap();
    let options = publish::Options {
        tags: vec!["v1".parse().unwrap()],
        signer: Some(Arc::new(key)),
        attest: true,
        ..publish::Options::default()
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let publishing = publish::publish(artifact, &to, &options);
    runtime.block_on(publishing).unwrap();
}

fn files_in(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => found.push((path.display().to_string(), std::fs::read(&path).unwrap())),
            }
        }
    }
    found
}

/// What is packed in gzip; other bytes as they are.
fn unpacked(bytes: Vec<u8>) -> Vec<u8> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return bytes;
    }
    let mut out = Vec::new();
    flate2::read::MultiGzDecoder::new(&bytes[..])
        .read_to_end(&mut out)
        .unwrap();
    out
}

/// The folders below which a project is: where an `apis/NAME/` has an information file.
fn root(tree: &SourceTree) -> String {
    let mut roots = BTreeSet::new();
    for (_, path) in tree.files() {
        let path = path.as_str();
        if path.ends_with("/apiInformation.json")
            && let Some(at) = path.find("apis/")
        {
            roots.insert(path[..at].to_owned());
        }
    }
    roots.into_iter().next().unwrap_or_default()
}

/// Trees with what is planted in them: name, root, files.
fn trees() -> Vec<(String, String, Planted)> {
    let own = common::repository("testdata/projects/contoso");
    let mut folders = vec![own.clone()];
    let found = common::trees();
    if found.whole {
        folders.extend(found.paths);
    }
    if std::env::var_os("FLUX_APIM_SOAK").is_none() {
        folders.truncate(2);
    }
    let mut trees = Vec::new();
    for folder in folders {
        // What is refused of it for other reasons is no part of this.
        let Some(tree) = common::forgiven(&folder, &Options::default()) else {
            continue;
        };
        let root = root(&tree);
        let planted = Planted::new(&tree, &root);
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        trees.push((name, root, planted));
    }
    trees
}

/// In this process: bundles in every target, inventories, reports, what is published. First
/// masked, then, because that cannot be taken back, not.
#[test]
fn no_planted_secret_leaves_and_unmasked_each_is_found() {
    let search = Search::new();
    let trees = trees();
    let (mut secrets, mut searched, mut runs) = (0, 0, 0);
    let mut leaks = Vec::new();
    for (name, root, planted) in &trees {
        secrets += planted.places.len();
        for environment in [None, Some(ENVIRONMENT)] {
            let (rendered, outputs) = outputs(&planted.tree(), root, environment);
            assert!(rendered, "{name} does not render with what is planted");
            runs += 1;
            for (what, bytes, carries) in outputs {
                searched += bytes.len();
                for (n, encoding) in search.found(&bytes) {
                    if carries && planted.carried.contains(&n) {
                        continue;
                    }
                    let place = planted
                        .places
                        .get(n)
                        .map_or("half a secret", String::as_str);
                    leaks.push(format!(
                        "{name} {environment:?}: {what}: {place} as {encoding:?}"
                    ));
                }
            }
        }
    }
    let refused = Planted::refused();
    let (rendered, said) = outputs(&refused.tree(), "", None);
    assert!(!rendered);
    for (what, bytes, _) in said {
        for (n, encoding) in search.found(&bytes) {
            let place = refused.places.get(n);
            let place = place.map_or("half a secret", String::as_str);
            leaks.push(format!("refused: {what}: {place} as {encoding:?}"));
        }
    }
    println!(
        "{secrets} secrets planted in {} trees; {searched} bytes of {runs} runs",
        trees.len()
    );
    assert!(secrets > 100 * trees.len());
    assert!(
        leaks.is_empty(),
        "{} leaks: {:#?}",
        leaks.len(),
        &leaks[..leaks.len().min(20)]
    );

    flux_apim::diag::unmask_for_a_test();
    for (name, root, planted) in &trees {
        let (mut seen, mut said) = (BTreeSet::new(), BTreeSet::new());
        for environment in [None, Some(ENVIRONMENT)] {
            let (rendered, outputs) = outputs(&planted.tree(), root, environment);
            assert!(rendered, "{name}, unmasked");
            for (_, bytes, carries) in outputs {
                let found: Vec<usize> = search.found(&bytes).into_iter().map(|(n, _)| n).collect();
                let is_text = |n: &usize| !carries && planted.carried.contains(n);
                said.extend(found.iter().copied().filter(is_text));
                seen.extend(found);
            }
        }
        // Those of definitions are in a message and its line. The line of a policy is not
        // shown, since a finding of its own is about the URL.
        assert!(said.len() >= 12, "{name}: {said:?}");
        let missed: Vec<&String> = planted
            .places
            .iter()
            .enumerate()
            .filter_map(|(n, place)| (!seen.contains(&n)).then_some(place))
            .collect();
        assert!(missed.is_empty(), "{name}: not found: {missed:#?}");
    }
    let (_, said) = outputs(&refused.tree(), "", None);
    let said = said.iter().flat_map(|(_, bytes, _)| search.found(bytes));
    let said: BTreeSet<usize> = said.map(|(n, _)| n).collect();
    // Messages are cut: of what is written with many characters not all is in one.
    assert!(said.len() > refused.places.len() / 2, "{said:?}");
    println!("unmasked, all {secrets} were found");
}

/// The program itself: what its commands print and log in every format, what its service
/// answers, logs and counts.
#[test]
fn no_planted_secret_is_printed_logged_or_served() {
    let search = Search::new();
    let (name, _, planted) = trees().swap_remove(0);
    let folder = tempfile::tempdir().unwrap();
    for side in ["old", "new"] {
        for (path, bytes) in &planted.files {
            let path = folder.path().join(side).join(path.as_str());
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            // Every secret is another one on the other side.
            let text = String::from_utf8_lossy(bytes);
            let bytes = match side {
                "old" => text.replace("end\"", "before\"").into_bytes(),
                _ => bytes.clone(),
            };
            std::fs::write(path, bytes).unwrap();
        }
    }
    let at = |name: &str| folder.path().join(name).display().to_string();
    let (old, new, out) = (at("old"), at("new"), at("out"));
    let layout = format!("oci-layout:{}", at("layout"));
    let tagged = format!("{layout}:v1");
    let check = |what: &str, bytes: &[u8], carries: bool| {
        let mut found = search.found(bytes);
        found.retain(|(n, _)| !(carries && planted.carried.contains(n)));
        let places: Vec<&String> = found
            .iter()
            .filter_map(|(n, _)| planted.places.get(*n))
            .collect();
        assert!(found.is_empty(), "{name}: {what}: {places:#?}");
    };
    let mut commands: Vec<Vec<&str>> = Vec::new();
    for format in [
        "human", "json", "sarif", "github", "gitlab", "azure", "junit", "markdown",
    ] {
        commands.push(vec![
            "validate",
            &new,
            "--env",
            ENVIRONMENT,
            "--all",
            "--format",
            format,
        ]);
        commands.push(vec!["validate", &new, "--format", format]);
    }
    for format in ["human", "json", "markdown"] {
        commands.push(vec!["diff", &old, &new, "--format", format]);
        commands.push(vec![
            "diff",
            &old,
            &new,
            "--env",
            ENVIRONMENT,
            "--format",
            format,
        ]);
    }
    for format in ["human", "json"] {
        let targets = "arm,bicep,aso,resources";
        let render = ["-vv", "render", &new, "--env", ENVIRONMENT, "-o", &out];
        commands.push([&render[..], &["--target", targets, "--format", format]].concat());
        commands.push(vec![
            "-vv", "publish", &new, &layout, "--tag", "v1", "--format", format,
        ]);
        commands.push(vec!["inspect", &tagged, "--format", format]);
        commands.push(vec!["history", &layout, "--format", format]);
    }
    let mut printed = 0;
    for arguments in commands {
        let output = Command::new(env!("CARGO_BIN_EXE_flux-apim"))
            .args(&arguments)
            .env_remove("FLUX_APIM_ENV")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            matches!(output.status.code(), Some(0 | 1)),
            "{arguments:?}: {errors}"
        );
        let what = arguments.join(" ");
        check(&what, &output.stdout, false);
        check(&what, &output.stderr, false);
        printed += output.stdout.len() + output.stderr.len();
    }
    for (path, bytes) in files_in(Path::new(&out)) {
        let path = path.strip_prefix(&format!("{out}/")).unwrap();
        check(path, &bytes, carries(path, &bytes));
    }
    for (path, bytes) in files_in(Path::new(&at("layout"))) {
        let carries = carries(&path, &bytes);
        check(&path, &unpacked(bytes), carries);
    }
    let (answered, logged) = served(&planted, &check);
    println!(
        "{} secrets; {printed} bytes printed, {answered} answered, {logged} logged",
        planted.places.len()
    );
    assert!(printed > 10_000 && answered > 10_000 && logged > 0);
}

/// What the service answers to the tree, and what it says of that in its log.
fn served(planted: &Planted, check: &impl Fn(&str, &[u8], bool)) -> (usize, usize) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_flux-apim"))
        .args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json"])
        .env("RUST_LOG", "debug")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let log = Arc::new(Mutex::new(Vec::new()));
    let address = loop {
        let line = lines.next().unwrap().unwrap();
        log.lock().unwrap().extend_from_slice(line.as_bytes());
        let line: Json = serde_json::from_str(&line).unwrap_or(Json::Null);
        if line["message"] == "listening" {
            break line["address"].as_str().unwrap().to_owned();
        }
    };
    let kept = log.clone();
    let reading = std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            kept.lock().unwrap().extend_from_slice(line.as_bytes());
        }
    });
    let files: serde_json::Map<String, Json> = planted
        .files
        .iter()
        .filter_map(|(path, bytes)| {
            Some((path.to_string(), json!(std::str::from_utf8(bytes).ok()?)))
        })
        .collect();
    let source = json!({"files": files});
    let sides = json!({"old": {"files": {}}, "new": source});
    flux_apim::edge::tls::install_provider();
    let client = reqwest::blocking::Client::builder()
        .no_proxy()
        .build()
        .unwrap();
    let mut answered = 0;
    for (path, body, accept) in [
        ("v1/render?env=planted", &source, "application/json"),
        ("v1/render", &source, "application/gzip"),
        ("v1/validate?env=planted", &source, "application/json"),
        ("v1/diff", &sides, "application/json"),
        ("v1/render?env=none", &source, "application/json"),
    ] {
        let request = client
            .post(format!("http://{address}/{path}"))
            .header("content-type", "application/json")
            .header("accept", accept)
            .body(body.to_string());
        let response = request.send().unwrap();
        check(path, format!("{:?}", response.headers()).as_bytes(), false);
        let bytes = response.bytes().unwrap().to_vec();
        // Reports alone are what `validate` answers.
        let is_bundle = path.starts_with("v1/render");
        let bytes = unpacked(bytes);
        check(path, &bytes, is_bundle);
        answered += bytes.len();
    }
    for path in ["metrics", "v1/rules", "openapi.json"] {
        let response = client.get(format!("http://{address}/{path}")).send();
        check(path, &response.unwrap().bytes().unwrap(), false);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    reading.join().unwrap();
    let log = log.lock().unwrap();
    check("the log of the service", &log, false);
    (answered, log.len())
}
