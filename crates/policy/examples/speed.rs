//! How fast policies are read and checked: `speed FOLDER [TIMES]` takes every `.xml` in a
//! folder that is a policy. Those that are well-formed XML are held against quick-xml,
//! which finds their tokens and does nothing else. Times are those of the thread: what else
//! the machine does is not counted.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a program has a command line, files and a clock"
)]
#![allow(clippy::print_stdout, reason = "printing is what it does")]

use cpu_time::ThreadTime;
use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Budget, Findings};
use flux_apim_policy::{Expressions, Setting, check_with, parse, references, sniff};
use quick_xml::Reader;
use quick_xml::events::Event;
use std::error::Error;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::Duration;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let folder = args.next().ok_or("usage: speed FOLDER [TIMES]")?;
    let times: u32 = args.next().map_or(Ok(5), |times| times.parse())?;
    let texts = texts(folder.into())?;
    let well_formed: Vec<String> = texts.iter().filter(|t| is_xml(t)).cloned().collect();
    let all = best(times, &texts, ours);
    let ours = best(times, &well_formed, ours);
    let bare = best(times, &well_formed, |texts| {
        let start = ThreadTime::now();
        for text in texts {
            black_box(tokens(text, |event| {
                black_box(event);
                true
            }));
        }
        [start.elapsed(), Duration::ZERO]
    });
    let [reading, checking] = all;
    let bytes: usize = texts.iter().map(String::len).sum();
    let speed = |time: Duration| bytes as f64 / 1e6 / time.as_secs_f64();
    println!("{} policies, {bytes} bytes", texts.len());
    println!("reading {:.1} MB/s", speed(reading));
    println!("checking and resolving {:.1} MB/s", speed(checking));
    println!("all {:.1} MB/s", speed(reading + checking));
    let ratio = (ours[0] + ours[1]).as_secs_f64() / bare[0].as_secs_f64();
    println!(
        "{} well-formed ones, to quick-xml's tokens: {ratio:.1}",
        well_formed.len()
    );
    Ok(())
}

/// The shortest times of several runs.
fn best(times: u32, texts: &[String], run: impl Fn(&[String]) -> [Duration; 2]) -> [Duration; 2] {
    let mut shortest = [Duration::MAX; 2];
    for _ in 0..times {
        for (best, time) in shortest.iter_mut().zip(run(texts)) {
            *best = time.min(*best);
        }
    }
    shortest
}

/// Reads, and checks and resolves: what each takes.
fn ours(texts: &[String]) -> [Duration; 2] {
    let (mut read, mut checked) = (Duration::ZERO, Duration::ZERO);
    let known = Expressions::new(&Budget::default());
    let mut worker = known.worker();
    for text in texts {
        let Some(root) = sniff(text) else { continue };
        let mut findings = Findings::from(Vec::new());
        let start = ThreadTime::now();
        let document = parse(FileId(0), text, root, 256, &mut findings);
        read += start.elapsed();
        let start = ThreadTime::now();
        let setting = Setting::default();
        black_box(check_with(&document, setting, &mut worker, &mut findings));
        black_box(references(&document, &Budget::default().meter()));
        checked += start.elapsed();
    }
    [read, checked]
}

/// Whether quick-xml finds nothing wrong, in attributes neither.
fn is_xml(text: &str) -> bool {
    tokens(text, |event| {
        let (Event::Start(tag) | Event::Empty(tag)) = event else {
            return true;
        };
        tag.attributes().all(|attribute| attribute.is_ok())
    })
}

/// Finds the tokens of a text as long as `goes_on`: whether it came to the end.
fn tokens(text: &str, goes_on: impl Fn(&Event<'_>) -> bool) -> bool {
    let mut reader = Reader::from_str(text);
    loop {
        match reader.read_event() {
            Ok(Event::Eof) => return true,
            Ok(event) if goes_on(&event) => {}
            _ => return false,
        }
    }
}

fn texts(folder: PathBuf) -> Result<Vec<String>, Box<dyn Error>> {
    let mut left = vec![folder];
    let mut texts = Vec::new();
    while let Some(folder) = left.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                left.push(path);
            } else if path.extension().is_some_and(|extension| extension == "xml") {
                texts.push(std::fs::read_to_string(path)?);
            }
        }
    }
    texts.retain(|text| sniff(text).is_some());
    Ok(texts)
}
