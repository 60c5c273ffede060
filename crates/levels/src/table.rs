//! Levels, looked up by rule and path. All globs are compiled once, into one automaton.

use crate::{Date, Setting, rules};
use flux_apim_diag::{Budget, Code, Diagnostic, Findings, Place, excerpt};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// Globs of one set of levels.
pub const MAX_GLOBS: usize = 20_000;
/// Bytes of a glob.
pub const MAX_GLOB: usize = 1_000;
/// Globs that one step of a match is counted for.
const STEP: u64 = 16;

/// For each rule: the settings whose globs match a path, in order.
type Matching = BTreeMap<Code, Vec<usize>>;

/// Levels of one writer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    settings: Vec<Setting>,
    /// Those for everything, in order.
    everywhere: BTreeMap<Code, Vec<usize>>,
    globs: GlobSet,
    /// The setting of each glob.
    of_glob: Vec<usize>,
    /// The folder that paths are relative to.
    base: String,
}

impl Table {
    /// `settings`, their paths relative to `base`. Globs that are none are findings.
    pub(crate) fn new(settings: Vec<Setting>, base: &str, findings: &mut Findings) -> Self {
        let mut table = Self {
            base: base.to_owned(),
            ..Self::default()
        };
        let mut builder = GlobSetBuilder::new();
        for setting in settings {
            let index = table.settings.len();
            match &setting.paths {
                None => {
                    let of_rule = table.everywhere.entry(setting.rule.code);
                    of_rule.or_default().push(index);
                }
                Some(paths) => {
                    for path in paths {
                        findings.budget().spend(20, setting.place.clone());
                        if table.of_glob.len() >= MAX_GLOBS {
                            findings.push(too_many(&setting));
                            return table.compiled(&builder, findings);
                        }
                        match glob(path) {
                            Ok(glob) => {
                                builder.add(glob);
                                table.of_glob.push(index);
                            }
                            Err(why) => findings.push(no_glob(&setting, path, &why)),
                        }
                    }
                }
            }
            table.settings.push(setting);
        }
        table.compiled(&builder, findings)
    }

    fn compiled(mut self, builder: &GlobSetBuilder, findings: &mut Findings) -> Self {
        match builder.build() {
            Ok(globs) => self.globs = globs,
            Err(error) => {
                let place = self.settings.first().map(|setting| setting.place.clone());
                let message = format!(
                    "the {} globs of `paths` take too much: {}",
                    self.of_glob.len(),
                    excerpt(&error.to_string(), 200)
                );
                let place = place.unwrap_or(Place::Source);
                findings.push(
                    Diagnostic::new(&rules::MALFORMED_OVERRIDE, place, message)
                        .help("name folders (`apis/old/**`) rather than each file"),
                );
            }
        }
        self
    }

    pub(crate) fn settings(&self) -> &[Setting] {
        &self.settings
    }

    /// For each rule: the settings whose globs match `path`, in order.
    fn matching(&self, path: &str, budget: &Budget) -> Matching {
        let mut matching = Matching::new();
        let inside = match self.base.as_str() {
            "" => Some(path),
            base => path
                .strip_prefix(base)
                .and_then(|rest| rest.strip_prefix('/')),
        };
        let Some(inside) = inside.filter(|_| !self.of_glob.is_empty()) else {
            return matching;
        };
        let steps = 1 + inside.len() as u64 / 16 + self.of_glob.len() as u64 / STEP;
        budget.spend(steps, Place::Source);
        // They come in the order of the globs, and so in that of the settings.
        let mut found = self.globs.matches(inside);
        found.sort_unstable();
        budget.spend(found.len() as u64, Place::Source);
        for glob in found {
            let Some(&index) = self.of_glob.get(glob) else {
                continue;
            };
            if let Some(setting) = self.settings.get(index) {
                matching.entry(setting.rule.code).or_default().push(index);
            }
        }
        matching
    }
}

fn glob(path: &str) -> Result<globset::Glob, String> {
    if path.len() > MAX_GLOB {
        return Err(format!("it has more than {MAX_GLOB} bytes"));
    }
    let path = path.strip_prefix("./").unwrap_or(path);
    let glob = GlobBuilder::new(path)
        .literal_separator(true)
        .backslash_escape(true)
        .build();
    glob.map_err(|error| excerpt(&error.kind().to_string(), 200))
}

fn no_glob(setting: &Setting, path: &str, why: &str) -> Diagnostic {
    let message = format!("`{}` is no glob: {why}", excerpt(path, 60));
    Diagnostic::new(&rules::MALFORMED_OVERRIDE, setting.place.clone(), message)
        .help("`*` and `?` stand for characters of one name, `**` for folders, `{a,b}` for either")
}

fn too_many(setting: &Setting) -> Diagnostic {
    let message = format!("there are more than {MAX_GLOBS} globs in {}", setting.from);
    Diagnostic::new(&rules::MALFORMED_OVERRIDE, setting.place.clone(), message)
        .help("name folders (`apis/old/**`) rather than each file")
}

/// A [`Table`] that is asked, with what it answered.
#[derive(Debug)]
pub(crate) struct Lookup {
    table: Arc<Table>,
    today: Option<Date>,
    budget: Budget,
    seen: RefCell<BTreeMap<String, Rc<Matching>>>,
}

impl Lookup {
    pub(crate) fn new(table: Arc<Table>, today: Option<Date>, budget: &Budget) -> Self {
        Self {
            table,
            today,
            budget: budget.clone(),
            seen: RefCell::default(),
        }
    }

    pub(crate) fn table(&self) -> &Table {
        &self.table
    }

    /// The setting that counts for findings of a rule at `path`: the last that holds.
    pub(crate) fn at(&self, code: Code, path: Option<&str>) -> Option<(usize, &Setting)> {
        let everywhere = self.table.everywhere.get(&code);
        let everywhere = everywhere.and_then(|all| self.last(all));
        let here = path.filter(|_| !self.table.of_glob.is_empty());
        let here = here.and_then(|path| {
            let matching = self.matching(path);
            matching.get(&code).and_then(|all| self.last(all))
        });
        let index = everywhere.max(here)?;
        Some((index, self.table.settings.get(index)?))
    }

    fn last(&self, indices: &[usize]) -> Option<usize> {
        let holding = |index: &&usize| {
            let setting = self.table.settings.get(**index);
            setting.is_some_and(|setting| !setting.is_past(self.today))
        };
        indices.iter().rev().find(holding).copied()
    }

    fn matching(&self, path: &str) -> Rc<Matching> {
        if let Some(known) = self.seen.borrow().get(path) {
            return Rc::clone(known);
        }
        let matching = Rc::new(self.table.matching(path, &self.budget));
        let mut seen = self.seen.borrow_mut();
        seen.insert(path.to_owned(), Rc::clone(&matching));
        matching
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "test code")]
mod tests {
    use super::*;

    fn lookup(all: &[(Option<&str>, Option<&str>)]) -> (Lookup, Findings) {
        let mut findings = Findings::from(Vec::new());
        let settings = all.iter().enumerate().map(|(n, (path, until))| Setting {
            rule: &rules::UNUSED_ALLOWANCE,
            level: None,
            reason: Some(n.to_string()),
            until: until.map(|until| until.parse().unwrap()),
            paths: path.map(|path| vec![path.to_owned()]),
            place: Place::Source,
            from: "a test",
        });
        let table = Table::new(settings.collect(), "root", &mut findings);
        let today = "2027-01-01".parse().ok();
        let budget = findings.budget().clone();
        (Lookup::new(Arc::new(table), today, &budget), findings)
    }

    fn at(lookup: &Lookup, path: Option<&str>) -> Option<usize> {
        let code = rules::UNUSED_ALLOWANCE.code;
        lookup.at(code, path).map(|(index, _)| index)
    }

    #[test]
    fn of_those_that_hold_the_last_counts() {
        let (lookup, findings) = lookup(&[
            (Some("apis/*/policy.xml"), None),
            (None, None),
            (Some("apis/old/**"), None),
            (Some("**/gone.json"), Some("2026-12-31")),
            (Some("**/today.json"), Some("2027-01-01")),
        ]);
        assert!(findings.is_empty());
        for (path, index) in [
            (None, Some(1)),
            (Some("root/apis/a/policy.xml"), Some(1)),
            (Some("root/apis/old/x/y.json"), Some(2)),
            (Some("apis/old/x/y.json"), Some(1)),
            (Some("root/gone.json"), Some(1)),
            (Some("root/apis/old/gone.json"), Some(2)),
            (Some("root/apis/old/today.json"), Some(4)),
            (Some("rootapis/old/today.json"), Some(1)),
        ] {
            assert_eq!(at(&lookup, path), index, "{path:?}");
        }
    }

    #[test]
    fn a_star_stays_in_its_folder() {
        let (lookup, _) = lookup(&[(Some("apis/*.json"), None), (Some("./b/?.json"), None)]);
        for (path, index) in [
            ("root/apis/a.json", Some(0)),
            ("root/apis/a/b.json", None),
            ("root/b/x.json", Some(1)),
            ("root/b/xy.json", None),
        ] {
            assert_eq!(at(&lookup, Some(path)), index, "{path}");
        }
    }

    #[test]
    fn what_is_no_glob_is_told() {
        let long = "x".repeat(MAX_GLOB + 1);
        for path in ["a/[", "{a", "a/\\", &long] {
            let (lookup, findings) = lookup(&[(Some(path), None)]);
            assert_eq!(findings.len(), 1, "{path}");
            assert_eq!(at(&lookup, Some("root/a")), None);
        }
    }

    /// Ten thousand globs are looked up, and twice as many paths take twice the steps.
    #[test]
    fn ten_thousand_globs() {
        let globs: Vec<String> = (0..10_000)
            .map(|n| format!("apis/a{n}/**/*.json"))
            .collect();
        let all: Vec<_> = globs.iter().map(|g| (Some(g.as_str()), None)).collect();
        let (lookup, findings) = lookup(&all);
        assert!(findings.is_empty());
        let steps = |paths: std::ops::Range<usize>| {
            let before = findings.budget().spent();
            for n in paths {
                let path = format!("root/apis/a{n}/b/c.json");
                assert_eq!(at(&lookup, Some(&path)), (n < 10_000).then_some(n));
            }
            findings.budget().spent() - before
        };
        let (once, twice) = (steps(9_900..10_000), steps(9_700..9_900));
        assert!(once > 0 && twice <= once * 21 / 10, "{once} {twice}");
    }

    #[test]
    fn more_globs_than_the_cap_are_told() {
        let all = vec![(Some("a/**"), None); MAX_GLOBS + 1];
        let (_, findings) = lookup(&all);
        assert_eq!(findings.len(), 1);
    }
}
