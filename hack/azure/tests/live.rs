//! The probes of behaviours against a service over HTTP: a real one (`make azure-live`), and
//! here the simulation under another name.
//!
//! A real service must have the tag `azure-live` with the value `allowed`. What a probe makes
//! is deleted after it, what it changes is put back. The report says which behaviours were
//! observed and which are wrong.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]
#![allow(clippy::print_stdout, reason = "what is run by hand says what it does")]

mod probes;
mod support;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value, json};
use simulated_azure::answer::Answer;
use simulated_azure::behaviours::{Class, Row};
use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::io::{BufRead, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use support::{Asked, VERSION};

/// The tag that lets a service be used, and its value.
const TAG: (&str, &str) = ("azure-live", "allowed");

/// What curl does not encode itself.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'`');

/// A service that is reached by curl.
struct Live {
    endpoint: String,
    service: String,
    token: String,
    folder: PathBuf,
    count: Cell<u32>,
    /// What to do after a probe: ids with what was there before.
    undo: RefCell<Vec<(String, Option<Value>)>>,
}

impl Live {
    fn new(endpoint: &str, service: &str, token: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = format!("azure-live-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        Self {
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            service: service.to_owned(),
            token: token.to_owned(),
            folder,
            count: Cell::new(0),
            undo: RefCell::default(),
        }
    }

    /// A service that may be used.
    fn open(endpoint: &str, service: &str, token: &str) -> Result<Self, String> {
        let live = Self::new(endpoint, service, token);
        let answer = live.curl("GET", service, &Value::Null, &[]);
        let body = answer.body.unwrap_or_default();
        if answer.status != 200 {
            return Err(format!(
                "read {service}: {} {}",
                answer.status, body["error"]
            ));
        }
        match body["tags"][TAG.0] == TAG.1 {
            true => Ok(live),
            false => Err(format!(
                "{service} has no tag `{}` with the value `{}`: its content would be changed and put back, so it must say that it may be used",
                TAG.0, TAG.1
            )),
        }
    }

    /// One request, as it is.
    fn curl(&self, method: &str, target: &str, body: &Value, headers: &[(&str, &str)]) -> Answer {
        let number = self.count.get() + 1;
        self.count.set(number);
        let file = |name: &str| self.folder.join(format!("{name}.{number}"));
        let url = match target.starts_with("http") {
            true => target.to_owned(),
            false => format!("{}{target}", self.endpoint),
        };
        let url = match url.contains("api-version") {
            true => url,
            false if url.contains('?') => format!("{url}&api-version={VERSION}"),
            false => format!("{url}?api-version={VERSION}"),
        };
        // The token is in no argument: other processes see those.
        let mut config = String::new();
        let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
        writeln!(config, "url = \"{}\"", utf8_percent_encode(&url, ENCODED)).unwrap();
        match method {
            "HEAD" => writeln!(config, "head").unwrap(),
            _ => writeln!(config, "request = \"{method}\"").unwrap(),
        }
        let own = [("authorization", format!("Bearer {}", self.token))];
        let own = own.iter().map(|(name, value)| (*name, value.as_str()));
        let given = |name: &str| headers.iter().any(|(other, _)| *other == name);
        let all = own
            .filter(|(name, _)| !given(name))
            .chain(headers.iter().copied());
        for (name, value) in all.filter(|(_, value)| !value.is_empty()) {
            writeln!(config, "header = \"{name}: {}\"", quoted(value)).unwrap();
        }
        let text = match body {
            Value::Null => None,
            Value::String(raw) => Some(raw.clone()),
            body => Some(body.to_string()),
        };
        let sent = file("sent");
        if let Some(text) = text {
            std::fs::write(&sent, text).unwrap();
            writeln!(config, "data-binary = \"@{}\"", sent.display()).unwrap();
            writeln!(config, "header = \"content-type: application/json\"").unwrap();
        } else if ["PUT", "POST", "PATCH"].contains(&method) {
            writeln!(config, "header = \"content-length: 0\"").unwrap();
        }
        let (head, got) = (file("head"), file("got"));
        let mut curl = Command::new("curl")
            .args([
                "--silent",
                "--show-error",
                "--path-as-is",
                "--max-time",
                "600",
                "--config",
                "-",
            ])
            .arg("--dump-header")
            .arg(&head)
            .arg("--output")
            .arg(&got)
            .stdin(Stdio::piped())
            .spawn()
            .expect("curl must be there");
        curl.stdin
            .take()
            .unwrap()
            .write_all(config.as_bytes())
            .unwrap();
        let ended = curl.wait().unwrap();
        assert!(ended.success(), "{method} {target}: curl failed");
        let head_text = std::fs::read_to_string(&head).unwrap();
        // Of several answers (100 Continue) the last counts.
        let last = head_text.trim_end().rsplit("\r\n\r\n").next().unwrap();
        let mut lines = last.lines();
        let status = lines
            .next()
            .unwrap()
            .split(' ')
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        const KEPT: [&str; 4] = ["etag", "azure-asyncoperation", "location", "retry-after"];
        let headers = lines.filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            let kept = KEPT.iter().find(|kept| kept.eq_ignore_ascii_case(name))?;
            Some((*kept, value.trim().to_owned()))
        });
        let headers = headers.collect();
        let body = std::fs::read(&got).ok();
        let body = body.and_then(|body| serde_json::from_slice(&body).ok());
        for name in [sent, head, got] {
            let _gone = std::fs::remove_file(name);
        }
        Answer {
            status,
            headers,
            body,
        }
    }

    /// Follows an operation to its end; what it failed with is the answer then.
    fn follow(&self, first: Answer) -> Answer {
        let named = |answer: &Answer, wanted: &str| {
            let mut all = answer.headers.iter();
            all.find(|(name, _)| *name == wanted)
                .map(|(_, value)| value.clone())
        };
        let status = named(&first, "azure-asyncoperation");
        let location = named(&first, "location").filter(|_| first.status == 202);
        let Some(link) = status.or(location) else {
            return first;
        };
        let mut after = named(&first, "retry-after");
        loop {
            let wait = after.and_then(|text| text.parse().ok()).unwrap_or(1);
            std::thread::sleep(Duration::from_secs(wait).max(Duration::from_millis(5)));
            let answer = self.curl("GET", &link, &Value::Null, &[]);
            after = named(&answer, "retry-after");
            let body = answer.body.clone().unwrap_or_default();
            match body["status"].as_str() {
                Some("Succeeded") => return first,
                Some("Failed" | "Canceled") => {
                    let status = if answer.status == 200 {
                        400
                    } else {
                        answer.status
                    };
                    return Answer::json(status, json!({"error": body["error"]}));
                }
                Some(_) => {}
                None if answer.status == 202 => {}
                None if answer.status < 300 => return first,
                None => return answer,
            }
        }
    }

    /// Keeps what is there before it is changed.
    fn remember(&self, target: &str) {
        let id = target.split('?').next().unwrap_or_default().to_owned();
        let known = |(other, _): &(String, Option<Value>)| other.eq_ignore_ascii_case(&id);
        if self.undo.borrow().iter().any(known) {
            return;
        }
        let before = self.curl("GET", &id, &Value::Null, &[]);
        let before = before.body.filter(|_| before.status == 200);
        let below = id.get(self.service.len()..).unwrap_or_default();
        // Others have secrets, which cannot be put back.
        let may_change = [
            "/groups/",
            "/policies/policy",
            "/subscriptions/master",
            "/gateways/managed",
        ];
        let may_change = may_change.iter().any(|prefix| below.starts_with(prefix));
        assert!(
            before.is_none() || may_change,
            "{below} is there already, and would be changed"
        );
        self.undo.borrow_mut().push((id, before));
    }

    /// Puts back what was there; what is not as it was.
    fn restore(&self) -> Vec<String> {
        let undo: Vec<_> = self.undo.borrow_mut().drain(..).rev().collect();
        let now = |id: &str| {
            let answer = self.curl("GET", id, &Value::Null, &[]);
            answer.body.filter(|_| answer.status == 200)
        };
        for (id, before) in &undo {
            let answer = match (before, now(id)) {
                (Some(before), _) => {
                    let body = json!({"properties": before["properties"]});
                    self.curl("PUT", id, &body, &[("if-match", "*")])
                }
                (None, Some(_)) => {
                    let all = format!("{id}?deleteSubscriptions=true&deleteRevisions=true");
                    self.curl("DELETE", &all, &Value::Null, &[("if-match", "*")])
                }
                (None, None) => continue,
            };
            // Whether it helped is seen below: a revision goes with its API only.
            self.follow(answer);
        }
        let properties = |one: &Option<Value>| one.as_ref().map(|one| one["properties"].clone());
        let differs =
            |(id, before): &(String, Option<Value>)| properties(&now(id)) != properties(before);
        let left = undo.into_iter().filter(differs);
        left.map(|(id, _)| id).collect()
    }

    /// Named values that the service made for loggers.
    fn made_by_the_service(&self) -> Vec<String> {
        let all = self.names("namedValues?$top=100");
        let all = all.into_iter();
        all.filter(|name| {
            let one = self
                .get(&format!("namedValues/{name}"))
                .body
                .unwrap_or_default();
            let display = one["properties"]["displayName"]
                .as_str()
                .unwrap_or_default();
            display.starts_with("Logger-Credentials--")
        })
        .collect()
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.folder);
    }
}

impl Asked for Live {
    fn send(&self, method: &str, target: &str, body: &Value, headers: &[(&str, &str)]) -> Answer {
        let target = match target.starts_with('/') || target.starts_with("http") {
            true => target.to_owned(),
            false => format!("{}/{target}", self.service),
        };
        if ["PUT", "PATCH", "DELETE"].contains(&method) {
            self.remember(&target);
        }
        self.follow(self.curl(method, &target, body, headers))
    }

    fn service(&self) -> String {
        self.service.clone()
    }

    fn origin(&self) -> &str {
        &self.endpoint
    }
}

/// What a probe found.
enum Found {
    Observed,
    Wrong,
    NotRun(String),
}

/// Runs every probe and puts everything back; the report, and what could not be put back.
fn report(live: &Live) -> (String, Vec<String>) {
    let generated = live.made_by_the_service();
    let mut rows = Vec::new();
    let mut left = Vec::new();
    for &row in Row::ALL {
        // A probe that meets what it does not expect stops, and no other does.
        let probed =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| probes::seen(row, live)));
        let found = match probed {
            Ok(Some(true)) => Found::Observed,
            Ok(Some(false)) => Found::Wrong,
            Ok(None) => {
                Found::NotRun("it needs tokens, faults or templates of the simulation".to_owned())
            }
            Err(why) => {
                let words = why.downcast_ref::<String>().cloned();
                Found::NotRun(
                    words.unwrap_or_else(|| "the probe met what it does not expect".to_owned()),
                )
            }
        };
        left.extend(live.restore());
        rows.push((row, found));
    }
    for name in live.made_by_the_service() {
        if !generated.contains(&name) {
            let id = format!("{}/namedValues/{name}", live.service);
            live.undo.borrow_mut().push((id, None));
        }
    }
    left.extend(live.restore());
    (written(&live.service, &rows), left)
}

fn written(service: &str, rows: &[(Row, Found)]) -> String {
    let mut out = format!("# Behaviours of a service\n\nWhat was asked: `{service}`.\n\n");
    let of = |class: Class, wanted: fn(&Found) -> bool| {
        let all = rows
            .iter()
            .filter(|(row, found)| row.about().class == class && wanted(found));
        all.count()
    };
    out.push_str("| class | observed | wrong | not run |\n|---|---:|---:|---:|\n");
    for class in [
        Class::Documented,
        Class::Reported,
        Class::Observed,
        Class::Guess,
    ] {
        writeln!(
            out,
            "| {} | {} | {} | {} |",
            class.as_str(),
            of(class, |found| matches!(found, Found::Observed)),
            of(class, |found| matches!(found, Found::Wrong)),
            of(class, |found| matches!(found, Found::NotRun(_))),
        )
        .unwrap();
    }
    out.push_str("\n| behaviour | was | is | what |\n|---|---|---|---|\n");
    for (row, found) in rows {
        let about = row.about();
        let is = match found {
            Found::Observed => "observed".to_owned(),
            Found::Wrong => "**wrong**".to_owned(),
            Found::NotRun(why) => format!("not run: {}", why.replace(['|', '\n'], " ")),
        };
        writeln!(
            out,
            "| `{}` | {} | {is} | {} |",
            about.name,
            about.class.as_str(),
            about.what.replace('|', "\\|")
        )
        .unwrap();
    }
    out
}

/// Run by `make azure-live`.
#[test]
#[ignore = "needs a service of Azure that may be used: make azure-live"]
fn a_real_service() {
    let told = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("set {name}"));
    let service = format!(
        "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.ApiManagement/service/{}",
        told("AZURE_SUBSCRIPTION"),
        told("AZURE_GROUP"),
        told("AZURE_SERVICE")
    );
    let endpoint = std::env::var("AZURE_ENDPOINT");
    let endpoint = endpoint.unwrap_or_else(|_| "https://management.azure.com".to_owned());
    let live =
        Live::open(&endpoint, &service, &told("AZURE_TOKEN")).unwrap_or_else(|why| panic!("{why}"));
    let (report, left) = report(&live);
    let path = std::env::var("AZURE_REPORT").unwrap_or_else(|_| "azure-live.md".to_owned());
    std::fs::write(&path, &report).unwrap();
    println!("{path}: written");
    assert!(left.is_empty(), "not put back: {left:#?}");
}

/// The simulation, as a program of its own.
struct Program(Child, String);

impl Program {
    fn start(more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_simulated-azure"))
            .args([
                "--group",
                "elsewhere",
                "--service",
                "another",
                "--operation-time",
                "0",
                "--write-time",
                "0",
            ])
            .args(more)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        Self(child, line.trim().to_owned())
    }

    /// Endpoint and id of the service.
    fn service(&self) -> (&str, &str) {
        let at = self.1.find("/subscriptions/").unwrap();
        self.1.split_at(at)
    }

    fn allow(&self) {
        let (endpoint, service) = self.service();
        let tags = json!({"tags": {TAG.0: TAG.1}});
        let live = Live::new(endpoint, service, "any");
        let answer = live.curl("PATCH", service, &tags, &[("if-match", "*")]);
        assert!(answer.status < 300, "{:?}", answer.body);
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn a_service_without_the_tag_is_refused() {
    let program = Program::start(&[]);
    let (endpoint, service) = program.service();
    let refused = Live::open(endpoint, service, "any").err().unwrap();
    assert!(refused.contains("azure-live"), "{refused}");
    let (_, name) = service.rsplit_once('/').unwrap();
    assert_eq!(name, "another");
}

#[test]
fn the_simulation_under_another_name_is_observed_and_left_as_it_was() {
    let program = Program::start(&["--without", "tag-unique"]);
    program.allow();
    let (endpoint, service) = program.service();
    let live = Live::open(endpoint, service, "any").unwrap();
    let state = || {
        live.curl("GET", "/simulator/state", &Value::Null, &[])
            .body
            .unwrap()
    };
    let before = state();
    let (report, left) = report(&live);
    println!("{report}");
    assert!(left.is_empty(), "not put back: {left:#?}");
    assert_eq!(state(), before);
    let row = |name: &str| {
        let start = format!("| `{name}` |");
        report
            .lines()
            .find(|line| line.starts_with(&start))
            .unwrap()
            .to_owned()
    };
    assert!(row("tag-unique").contains("**wrong**"));
    assert!(row("named-value-unique").contains("| observed |"));
    assert!(row("roles-enforced").contains("not run"));
    let wrong: Vec<&str> = report
        .lines()
        .filter(|line| line.contains("**wrong**"))
        .collect();
    assert_eq!(wrong.len(), 1, "{wrong:#?}");
    let unexpected: Vec<&str> = report
        .lines()
        .filter(|line| line.contains("not run: ") && !line.contains("not run: it needs"))
        .collect();
    assert!(unexpected.is_empty(), "{unexpected:#?}");
}
