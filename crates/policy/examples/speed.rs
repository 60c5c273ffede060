//! How fast policies are read and checked: `speed FOLDER [TIMES]` takes every `.xml` in a
//! folder that is a policy.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a program has a command line, files and a clock"
)]
#![allow(clippy::print_stdout, reason = "printing is what it does")]

use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Budget, Findings};
use flux_apim_policy::{Expressions, Setting, check_with, parse, references, sniff};
use std::error::Error;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let folder = args.next().ok_or("usage: speed FOLDER [TIMES]")?;
    let times: u32 = args.next().map_or(Ok(5), |times| times.parse())?;
    let texts = texts(folder.into())?;
    let bytes: usize = texts.iter().map(String::len).sum();
    let (mut reading, mut checking) = (Duration::MAX, Duration::MAX);
    for _ in 0..times {
        let (mut read, mut checked) = (Duration::ZERO, Duration::ZERO);
        let known = Expressions::new(&Budget::default());
        let mut worker = known.worker();
        for text in &texts {
            let Some(root) = sniff(text) else { continue };
            let mut findings = Findings::from(Vec::new());
            let start = Instant::now();
            let document = parse(FileId(0), text, root, 256, &mut findings);
            read += start.elapsed();
            let start = Instant::now();
            let setting = Setting::default();
            black_box(check_with(&document, setting, &mut worker, &mut findings));
            black_box(references(&document, &Budget::default().meter()));
            checked += start.elapsed();
        }
        reading = reading.min(read);
        checking = checking.min(checked);
    }
    let speed = |time: Duration| bytes as f64 / 1e6 / time.as_secs_f64();
    println!("{} policies, {bytes} bytes", texts.len());
    println!("reading {:.1} MB/s", speed(reading));
    println!("checking and resolving {:.1} MB/s", speed(checking));
    println!("all {:.1} MB/s", speed(reading + checking));
    Ok(())
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
