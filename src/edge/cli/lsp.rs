//! `flux-apim lsp`: the language server over standard input and output.

use super::Done;
use super::options::{LimitFlags, PolicyArgs};
use crate::diag::{Budget, Diagnostic, Registry, Report};
use crate::discover;
use crate::edge::policies;
use crate::edge::source::{self, OpenOptions, SourceRef};
use crate::levels::{Asked, Policy};
use crate::lsp::{self, Session, Work, World};
use crate::pipeline;
use crate::reuse::Reuse;
use crate::rules::REGISTRY;
use crate::tree::{Limits, SourceTree};
use clap::Args;
use serde_json::Value;
use std::io::{BufRead, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// How long nothing must be said before the project is checked.
const QUIET: Duration = Duration::from_millis(200);
/// Bytes of the longest message that is read; those of the longest line of a header.
const MOST_BYTES: u64 = 128 << 20;
const MOST_HEADER: u64 = 4 << 10;
/// Bytes of compiled definitions that are kept between two checks.
const KEPT: usize = 256 << 20;

#[derive(Debug, Args)]
pub(super) struct Lsp {
    /// Look for the project in this subfolder of the folder that is open.
    #[arg(long, value_name = "DIR", value_parser = super::options::folder)]
    path: Option<String>,
    /// Merge `configuration.ENV.yaml`.
    #[arg(long, value_name = "ENV", env = "FLUX_APIM_ENV")]
    env: Option<String>,
    /// Speak over standard input and output, which is what it does; editors add the flag.
    #[arg(long)]
    stdio: bool,
    #[command(flatten)]
    policies: PolicyArgs,
    #[command(flatten)]
    limits: LimitFlags,
}

/// What the reader and the checks tell the one that answers.
enum Event {
    Said(Value),
    /// What was said is no message, and was skipped.
    Wrong(&'static str),
    Checked(lsp::Done),
    /// Nothing more is said.
    Gone,
}

pub(super) fn lsp(arguments: &Lsp) -> anyhow::Result<Done> {
    let world = Folder {
        path: arguments.path.clone(),
        environment: arguments.env.clone(),
        policies: policies::read(&arguments.policies.policy)?,
        limits: arguments.limits.limits()?,
        reuse: Arc::new(Reuse::new(KEPT)),
    };
    let (sender, events) = channel();
    let reader = sender.clone();
    // Ends with the process: a read from standard input cannot be ended.
    std::thread::spawn(move || read(&mut std::io::stdin().lock(), &reader));
    let mut session = Session::new(Arc::new(world));
    let well = answer(
        &mut session,
        &events,
        &sender,
        &mut std::io::stdout().lock(),
    )?;
    Ok(if well { Done::Well } else { Done::Findings })
}

/// Answers until the editor is gone; whether it went in order.
fn answer(
    session: &mut Session,
    events: &Receiver<Event>,
    sender: &Sender<Event>,
    out: &mut impl Write,
) -> anyhow::Result<bool> {
    loop {
        let event = match session.has_work() {
            true => events.recv_timeout(QUIET),
            false => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        let answers = match event {
            Ok(Event::Said(message)) => session.handle(message),
            Ok(Event::Wrong(why)) => vec![lsp::refusal(why)],
            Ok(Event::Checked(done)) => session.done(done),
            Err(RecvTimeoutError::Timeout) => {
                if let Some(work) = session.work() {
                    start(work, sender.clone());
                }
                Vec::new()
            }
            Ok(Event::Gone) | Err(RecvTimeoutError::Disconnected) => return Ok(false),
        };
        for answer in answers {
            let text = answer.to_string();
            write!(out, "Content-Length: {}\r\n\r\n{text}", text.len())?;
        }
        out.flush()?;
        if let Some(well) = session.ended() {
            return Ok(well);
        }
    }
}

/// Checks the project on a thread of its own.
fn start(work: Work, sender: Sender<Event>) {
    std::thread::spawn(move || {
        let failed = work.failed();
        let done = catch_unwind(AssertUnwindSafe(|| work.run())).unwrap_or(failed);
        // Nobody waits for it any more when the editor is gone.
        let _ = sender.send(Event::Checked(done));
    });
}

/// Reads messages until there are no more.
fn read(input: &mut impl BufRead, sender: &Sender<Event>) {
    loop {
        let event = match message(input) {
            Ok(Some(event)) => event,
            Ok(None) | Err(_) => Event::Gone,
        };
        let is_last = matches!(event, Event::Gone);
        if sender.send(event).is_err() || is_last {
            return;
        }
    }
}

/// The next message; `None` at the end, or where nothing can be found any more.
fn message(input: &mut impl BufRead) -> std::io::Result<Option<Event>> {
    let mut length: Option<u64> = None;
    loop {
        let mut line = Vec::new();
        let read = input
            .by_ref()
            .take(MOST_HEADER)
            .read_until(b'\n', &mut line)?;
        if read == 0 || line.last() != Some(&b'\n') {
            return Ok(None);
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok();
        }
    }
    let Some(length) = length else {
        // Where the next message begins is not known.
        return Ok(None);
    };
    if length > MOST_BYTES {
        let skipped = std::io::copy(&mut input.by_ref().take(length), &mut std::io::sink())?;
        let whole = skipped == length;
        return Ok(whole.then_some(Event::Wrong("the message is too long to be read")));
    }
    let mut bytes = Vec::new();
    input.by_ref().take(length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != length {
        return Ok(None);
    }
    Ok(Some(match serde_json::from_slice(&bytes) {
        Ok(value) => Event::Said(value),
        Err(_) => Event::Wrong("the message is no JSON"),
    }))
}

/// The folder that the editor has open.
#[derive(Debug)]
struct Folder {
    path: Option<String>,
    environment: Option<String>,
    policies: Vec<Arc<Policy>>,
    limits: Limits,
    reuse: Arc<Reuse>,
}

impl World for Folder {
    fn tree(&self, root: &str, budget: &Budget) -> Result<(SourceTree, Vec<Diagnostic>), String> {
        let options = OpenOptions {
            limits: self.limits.clone(),
            budget: budget.clone(),
            ..OpenOptions::default()
        };
        let opened = source::open(&SourceRef::Directory(root.into()), &options);
        let opened = opened.map_err(|error| error.to_string())?;
        Ok((opened.tree, opened.notes))
    }

    fn check(
        &self,
        tree: &SourceTree,
        notes: Vec<Diagnostic>,
        budget: &Budget,
    ) -> Result<Report, String> {
        let options = pipeline::Options {
            discover: self.options(),
            levels: self.levels(),
            check: true,
            reuse: Some(Arc::clone(&self.reuse)),
            budget: budget.clone(),
            ..pipeline::Options::default()
        };
        let outcome = pipeline::run(tree, &options, notes);
        outcome
            .map(|outcome| outcome.report)
            .map_err(|error| error.to_string())
    }

    fn options(&self) -> discover::Options {
        discover::Options {
            path: self.path.clone(),
            environment: self.environment.clone(),
            limits: self.limits.clone(),
            ..discover::Options::default()
        }
    }

    fn levels(&self) -> Asked {
        Asked {
            policies: self.policies.clone(),
            today: policies::today(),
            ..Asked::default()
        }
    }

    fn registry(&self) -> Registry {
        REGISTRY
    }
}

#[cfg(test)]
mod tests {
    use super::{Event, message};
    use std::io::Cursor;

    fn events(text: &str) -> Vec<String> {
        let mut input = Cursor::new(text.as_bytes());
        let events = std::iter::from_fn(|| message(&mut input).unwrap());
        let shown = events.map(|event| match event {
            Event::Said(value) => value.to_string(),
            Event::Wrong(why) => why.to_owned(),
            Event::Checked(_) | Event::Gone => String::new(),
        });
        shown.collect()
    }

    #[test]
    fn messages_are_read_one_after_the_other() {
        let no_json = "the message is no JSON";
        for (text, wanted) in [
            (
                "Content-Length: 2\r\n\r\n{}content-length:1\n\n7",
                &["{}", "7"][..],
            ),
            ("Content-Type: x\r\nContent-Length: 2\r\n\r\n{}", &["{}"]),
            (
                "Content-Length: 2\r\n\r\n{{Content-Length: 2\r\n\r\n[]",
                &[no_json, "[]"],
            ),
            ("Content-Length: 3\r\n\r\n{}", &[]),
            ("Content-Length: 999999999999\r\n\r\n{}", &[]),
            ("Content-Length: -1\r\n\r\n{}", &[]),
            ("Content-Length: 0\r\n\r\n", &[no_json]),
            ("\r\n", &[]),
            ("", &[]),
            ("no header", &[]),
        ] {
            assert_eq!(events(text), wanted, "{text:?}");
        }
        assert!(events(&"x".repeat(10_000)).is_empty());
    }
}
