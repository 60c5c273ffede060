//! What one input costs, and how much is too much.

use crate::MEMORY;
use cpu_time::ThreadTime;
use flux_apim::changes;
use flux_apim::diag::{Budget, RULES, Severity};
use flux_apim::pipeline::{self, Options, Outcome};
use flux_apim::tree::{ArtifactPath, Limits, SourceTree};
use shapes::Tree;
use shapes::packed::{self, Asked};
use std::collections::BTreeMap;
use std::fmt;

/// A cost for each byte read and written, and what a small input may take in all.
struct Line {
    fixed: u64,
    per_byte: u64,
}

impl Line {
    fn of(&self, bytes: u64) -> u64 {
        self.fixed + self.per_byte * bytes
    }
}

/// Steps that are charged to the budget.
const STEPS: Line = Line {
    fixed: 20_000,
    per_byte: 20,
};
/// Bytes that are charged to the budget as held.
const HELD: Line = Line {
    fixed: 256 << 10,
    per_byte: 30,
};
/// Bytes that the allocator gave at once.
const PEAK: Line = Line {
    fixed: 1 << 20,
    per_byte: 60,
};
/// Nanoseconds of this thread, in code that counts where it goes: coarse, and there
/// to find work that no step is charged for.
const TIME: Line = Line {
    fixed: 50_000_000,
    per_byte: 3_000,
};

/// What one input costs.
#[derive(Debug)]
pub(crate) struct Cost {
    /// Bytes read and written.
    pub(crate) bytes: u64,
    pub(crate) steps: u64,
    pub(crate) held: u64,
    pub(crate) peak: u64,
    pub(crate) nanoseconds: u64,
}

impl Cost {
    pub(crate) fn line_of_time(&self) -> u64 {
        TIME.of(self.bytes)
    }

    /// What is above its line.
    pub(crate) fn verdict(&self) -> Option<String> {
        let lines = [
            (self.steps, STEPS, "steps"),
            (self.held, HELD, "bytes held"),
            (self.peak, PEAK, "bytes allocated"),
            (self.nanoseconds, TIME, "nanoseconds"),
        ];
        lines.iter().find_map(|(cost, line, what)| {
            let most = line.of(self.bytes);
            let bytes = self.bytes;
            (*cost > most).then(|| {
                format!("{cost} {what} for {bytes} bytes read and written; {most} is the line")
            })
        })
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each = |cost: u64| cost as f64 / self.bytes as f64;
        write!(
            f,
            "{} bytes read and written, {:.2} steps for each, {:.1} bytes held, {:.1} allocated, {:.0} ns",
            self.bytes,
            each(self.steps),
            each(self.held),
            each(self.peak),
            each(self.nanoseconds)
        )
    }
}

/// Runs the input and counts.
pub(crate) fn of(input: &[u8]) -> Cost {
    let (tree, asked) = packed::unpack(input);
    let other = asked.compared.then(|| source(tree.clone(), true));
    let trees = [Some(source(tree, false)), other];
    // A document may grow up to a cap. A low one tells apart what does and what has none.
    let limits = Limits {
        max_bundled_bytes: 64 << 10,
        max_alias_nodes: 2_000,
        ..Limits::default()
    };
    let budget = Budget::new(&limits);
    let options = options(asked, limits, &budget);
    let mut bytes: u64 = trees.iter().flatten().map(|(_, bytes)| bytes).sum();

    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    let clock = ThreadTime::now();
    let mut outcomes = Vec::new();
    for (tree, _) in trees.iter().flatten() {
        // The world is in memory, and the api-version is the usual one.
        if let Ok(outcome) = pipeline::run(tree, &options, Vec::new()) {
            bytes += written(&outcome);
            outcomes.push(outcome);
        }
    }
    if let [
        Outcome {
            bundle: Some(old), ..
        },
        Outcome {
            bundle: Some(new), ..
        },
    ] = &outcomes[..]
    {
        if let Ok(changes) = budget.bound(|| changes::between(old, new, &budget)) {
            bytes += changes.to_human().len() as u64;
            bytes += serde_json::to_string(&changes).unwrap_or_default().len() as u64;
        }
    }
    let nanoseconds = u64::try_from(clock.elapsed().as_nanos()).unwrap_or(u64::MAX);
    Cost {
        bytes,
        steps: budget.spent(),
        held: budget.peak(),
        peak: MEMORY.peak_usage().saturating_sub(before) as u64,
        nanoseconds,
    }
}

fn options(asked: Asked, limits: Limits, budget: &Budget) -> Options {
    let mut options = Options {
        budget: budget.clone(),
        ..Options::default()
    };
    options.discover.limits = limits;
    if asked.environment {
        options.discover.environment = Some("prod".to_owned());
    }
    if asked.forgiving {
        let levels = RULES
            .iter()
            .map(|rule| (rule.code, Some(Severity::Warning)));
        options.levels = levels.collect();
    }
    options
}

/// The tree, and its bytes as a tar has them. `changed`: with other figures.
fn source(tree: Tree, changed: bool) -> (SourceTree, u64) {
    /// What an entry of a tar takes beside its bytes.
    const HEADER: usize = 512;
    let mut files = BTreeMap::new();
    let mut bytes = 0;
    for (path, mut text) in tree.into_files() {
        let Ok(path) = ArtifactPath::parse(&path) else {
            continue;
        };
        if changed {
            for byte in &mut text {
                *byte = if *byte == b'1' { b'2' } else { *byte };
            }
        }
        bytes += (path.as_str().len() + text.len() + HEADER) as u64;
        files.insert(path, text);
    }
    (SourceTree::in_memory(files), bytes)
}

fn written(outcome: &Outcome) -> u64 {
    let report = serde_json::to_string(&outcome.report)
        .unwrap_or_default()
        .len();
    let bundle = outcome.bundle.as_ref().map_or(0, |bundle| {
        bundle.archive();
        bundle
            .files
            .iter()
            .map(|file| bundle.len_of(file))
            .sum::<usize>()
    });
    (report + bundle) as u64
}
