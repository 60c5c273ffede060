//! Everything that was said of levels, put together for one run.

use crate::allowance::{Allowance, allowances};
use crate::policy::{Operator, Policy};
use crate::setting::{is_past, word};
use crate::table::{Lookup, Table};
use crate::{Date, Ruleset, Setting, rules};
use flux_apim_diag::tree::{FileId, Limits, ReadError, SourceTree};
use flux_apim_diag::{
    Budget, Class, Code, Diagnostic, Exemption, Findings, Judge, Located, Lowered, Place, Registry,
    Rule, Severity, Verdict,
};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What is asked of a run beside what its tree says.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Levels that stand over those of the project.
    pub settings: Vec<Setting>,
    /// Policies of operators, which stand over all. Where they disagree, the stricter one
    /// counts.
    pub policies: Vec<Arc<Policy>>,
    /// Today; without it nothing expires.
    pub today: Option<Date>,
}

/// What the project says of levels.
#[derive(Debug, Clone, Default)]
pub struct Said {
    /// Levels of rules.
    pub settings: Vec<Setting>,
    /// Levels of the presets that it names, below its own.
    pub presets: Vec<Setting>,
    /// The folder that their paths are relative to.
    pub base: String,
    /// The rules that it is held to; all unless given.
    pub ruleset: Option<Ruleset>,
}

/// The judge of a run.
#[derive(Debug)]
pub struct Exceptions {
    operator: Operator,
    /// Levels of whoever asked, then those of the project, then those of its presets.
    levels: [Lookup; 3],
    ruleset: Option<Ruleset>,
    today: Option<Date>,
    budget: Budget,
    allowances: Vec<Allowance>,
    by_file: BTreeMap<(FileId, Code), Vec<usize>>,
    /// Allowances that allowed something.
    used: RefCell<BTreeSet<usize>>,
    /// Settings that an operator's policy kept from lowering a finding: of which writer,
    /// and which.
    kept: RefCell<BTreeSet<(usize, usize)>>,
}

/// How much of a run was done, which says what would have been found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// All of it.
    Whole,
    /// All but printing.
    Linked,
    /// Less.
    Part,
}

/// First code of the limits of targets, which are found when they are printed.
const OF_TARGETS: std::ops::Range<u16> = 7000..8000;

impl Exceptions {
    /// What `asked` and `said` come to. Levels that may not be set are findings, and do
    /// not hold.
    pub fn new(asked: &Asked, said: Said, findings: &mut Findings) -> Self {
        let budget = findings.budget().clone();
        let operator = Operator::new(&asked.policies, asked.today, &budget);
        let mut table = |settings: Vec<Setting>, base: &str| {
            let mut held = Vec::with_capacity(settings.len());
            for setting in settings {
                match refused(&setting, &operator, asked.today) {
                    None => held.push(setting),
                    Some(finding) => findings.push(finding),
                }
            }
            let table = Arc::new(Table::new(held, base, findings));
            Lookup::new(table, asked.today, &budget)
        };
        let levels = [
            table(asked.settings.clone(), ""),
            table(said.settings, &said.base),
            table(said.presets, ""),
        ];
        Self {
            operator,
            levels,
            ruleset: said.ruleset,
            today: asked.today,
            budget,
            allowances: Vec::new(),
            by_file: BTreeMap::new(),
            used: RefCell::default(),
            kept: RefCell::default(),
        }
    }

    /// Looks for what `files` allow beside the line. What may not be allowed is a finding.
    ///
    /// # Errors
    /// A file that the tree lists cannot be read.
    pub fn read_allowances(
        &mut self,
        registry: Registry,
        tree: &SourceTree,
        files: &[FileId],
        limits: &Limits,
        findings: &mut Findings,
    ) -> Result<(), ReadError> {
        for allowance in allowances(registry, tree, files, limits, findings)? {
            let file = allowance.place.file;
            let path = tree.path(file).as_str();
            match self.refuses(&allowance, path) {
                Some(finding) => findings.push(finding),
                None => {
                    let key = (file, allowance.rule.code);
                    let index = self.allowances.len();
                    self.by_file.entry(key).or_default().push(index);
                    self.allowances.push(allowance);
                }
            }
        }
        Ok(())
    }

    /// Why an allowance does not hold.
    fn refuses(&self, allowance: &Allowance, path: &str) -> Option<Diagnostic> {
        let (code, name) = (allowance.rule.code, allowance.rule.name);
        let finding = |rule, message: String, help: &str| {
            Some(Diagnostic::new(rule, allowance.place, message).help(help))
        };
        if allowance.rule.class == Class::Integrity {
            return finding(
                &rules::LEVEL_REFUSED,
                format!("{code} ({name}) is allowed here, but nobody may allow it"),
                "without it a bundle would not be what its source says; mend what it finds",
            );
        }
        if !self.operator.lets_allow() {
            return finding(
                &rules::LEVEL_REFUSED,
                format!(
                    "{code} ({name}) is allowed here, but the operator's policy takes no allowances"
                ),
                "mend what it finds, or ask whoever keeps the policy",
            );
        }
        if let Some(floor) = self.operator.floor(code, Some(path)) {
            return finding(
                &rules::LEVEL_REFUSED,
                format!(
                    "{code} ({name}) is allowed here, but the operator's policy holds it at `{floor}`"
                ),
                "mend what it finds, or ask whoever keeps the policy",
            );
        }
        if allowance.reason.is_none() {
            return finding(
                &rules::ALLOWANCE_WITHOUT_REASON,
                format!("{code} ({name}) is allowed here without a reason"),
                "write why behind `--`, or as the value in JSON",
            );
        }
        if is_past(allowance.until, self.today) {
            let until = allowance.until.map(|until| until.to_string());
            return finding(
                &rules::EXPIRED_EXCEPTION,
                format!(
                    "{code} ({name}) was allowed here until {}",
                    until.unwrap_or_default()
                ),
                "remove the allowance, or give it another date",
            );
        }
        None
    }

    /// The rules of `registry` that are off until somebody asks for them, and were asked for.
    pub fn asked_for(&self, registry: Registry) -> BTreeSet<Code> {
        let is_on = |setting: &Setting| setting.level.is_some();
        let rules = registry.all().iter();
        let off = rules.filter(|rule| rule.class == Class::Convention);
        let codes = off.map(|rule| rule.code);
        let asked = codes.filter(|code| {
            let tables = self.levels.iter().map(Lookup::table);
            let mut settings = tables.flat_map(Table::settings);
            settings.any(|setting| setting.rule.code == *code && is_on(setting))
                || self.operator.held(*code, None).is_some_and(is_on)
        });
        asked.collect()
    }

    /// Whether a finding may be covered by a baseline.
    pub fn lets_cover(&self, finding: &Located) -> bool {
        let path = Some(finding.path.as_str()).filter(|path| !path.is_empty());
        self.operator.floor(finding.rule.code, path).is_none()
    }

    /// Whether there may be a baseline at all.
    pub fn lets_keep_a_baseline(&self) -> bool {
        self.operator.lets_keep_a_baseline()
    }

    /// Whether a finding, as far as there are any, keeps a bundle from being made.
    pub fn fails(&self, findings: &Findings, tree: &SourceTree) -> bool {
        let is_error =
            |verdict: Option<Verdict>| verdict.and_then(|v| v.counts_as()) == Some(Severity::Error);
        let mut listed = findings.listed().iter();
        let mut counted = findings.unlisted();
        listed.any(|finding| is_error(self.judge(finding, tree)))
            || counted.any(|(file, rest)| {
                let path = file.map(|file| tree.path(file).as_str());
                is_error(self.judge_counted(rest.rule, path))
            })
    }

    /// Adds what became of the exceptions: allowances that allowed nothing, and levels
    /// that an operator's policy kept from lowering what was found.
    pub fn settle(&self, done: Done, tree: &SourceTree, findings: &mut Findings) {
        for finding in findings.listed() {
            self.judge(finding, tree);
        }
        for (writer, index) in std::mem::take(&mut *self.kept.borrow_mut()) {
            let settings = self.levels[writer].table().settings();
            if let Some(setting) = settings.get(index) {
                let message = format!(
                    "{}, but the operator's policy holds it higher where it was found",
                    setting.shown()
                );
                findings.push(level_refused(setting, message));
            }
        }
        if done == Done::Part {
            return;
        }
        let used = self.used.borrow();
        for (index, allowance) in self.allowances.iter().enumerate() {
            let is_printed = !OF_TARGETS.contains(&allowance.rule.code.0) || done == Done::Whole;
            let counts = self.ruleset.is_none_or(|set| set.has(allowance.rule));
            if used.contains(&index) || !is_printed || !counts {
                continue;
            }
            let message = format!(
                "this allows {} ({}), which is not found here",
                allowance.rule.code, allowance.rule.name
            );
            findings.push(
                Diagnostic::new(&rules::UNUSED_ALLOWANCE, allowance.place, message).help(
                    "remove it; an allowance covers its own line and the next, a key its object",
                ),
            );
        }
    }

    fn allowed(&self, finding: &Diagnostic) -> Option<(usize, &Allowance)> {
        let file = finding.place.file()?;
        let indices = self.by_file.get(&(file, finding.rule.code))?;
        self.budget.spend(1 + indices.len() as u64 / 16, file);
        let mut indices = indices
            .iter()
            .map(|&index| (index, &self.allowances[index]));
        indices.find(|(_, allowance)| allowance.covers(&finding.place))
    }

    fn decide(
        &self,
        rule: &'static Rule,
        path: Option<&str>,
        allowed: Option<(usize, &Allowance)>,
    ) -> Option<Verdict> {
        if rule.class == Class::Integrity {
            return Some(Verdict::of(rule.severity));
        }
        let held = self.operator.held(rule.code, path);
        if held.is_none() && !self.ruleset.is_none_or(|set| set.has(rule)) {
            return None;
        }
        let mut decided = held;
        let levels = self.levels.iter().enumerate();
        let mut set =
            levels.filter_map(|(writer, lookup)| Some((writer, lookup.at(rule.code, path)?)));
        if let Some((writer, (index, setting))) = set.next() {
            if held.is_some_and(|held| setting.level < held.level) {
                self.kept.borrow_mut().insert((writer, index));
            } else {
                decided = Some(setting);
            }
        }
        let usual = (rule.class != Class::Convention).then_some(rule.severity);
        let level = decided.map_or(usual, |setting| setting.level);
        if let Some((index, allowance)) = allowed {
            self.used.borrow_mut().insert(index);
            return Some(Verdict {
                severity: level.unwrap_or(rule.severity),
                lowered: Some(Lowered {
                    by: Exemption::Allowance,
                    to: None,
                    reason: allowance.reason.clone(),
                    until: allowance.until.map(|until| until.to_string()),
                }),
            });
        }
        let Some(setting) = decided.filter(|setting| setting.lowers()) else {
            return level.map(Verdict::of);
        };
        // A lint that is switched off without a word is not mentioned.
        if level.is_none() && setting.reason.is_none() {
            return None;
        }
        Some(Verdict {
            severity: level.unwrap_or(rule.severity),
            lowered: Some(Lowered {
                by: Exemption::Level,
                to: level,
                reason: setting.reason.clone(),
                until: setting.until.map(|until| until.to_string()),
            }),
        })
    }
}

/// Why a level does not hold.
fn refused(setting: &Setting, operator: &Operator, today: Option<Date>) -> Option<Diagnostic> {
    if !setting.lowers() {
        return is_past(setting.until, today).then(|| expired(setting));
    }
    let code = setting.rule.code;
    if setting.rule.class == Class::Integrity {
        let finding = level_refused(setting, format!("{}, which nobody lowers", setting.shown()));
        return Some(
            finding
                .help("without it a bundle would not be what its source says; mend what it finds"),
        );
    }
    if !operator.lets_lower(code) {
        let message = format!(
            "{}, but the operator's policy lets no tree lower it",
            setting.shown()
        );
        return Some(level_refused(setting, message));
    }
    if let Some(floor) = operator.floor(code, None)
        && setting.level < Some(floor)
    {
        let message = format!(
            "{}, but the operator's policy holds it at `{floor}`",
            setting.shown()
        );
        return Some(level_refused(setting, message));
    }
    if setting.rule.class == Class::Refusal && setting.reason.is_none() {
        let message = format!("{} without a reason", setting.shown());
        let help = format!(
            "Azure refuses what it finds; write `{}: {{level: {}, reason: why}}`",
            setting.rule.name,
            word(setting.level)
        );
        let place = setting.place.clone();
        return Some(Diagnostic::new(&rules::LEVEL_WITHOUT_REASON, place, message).help(help));
    }
    is_past(setting.until, today).then(|| expired(setting))
}

fn expired(setting: &Setting) -> Diagnostic {
    let until = setting.until.map(|until| until.to_string());
    let message = format!(
        "{} until {}, which is over",
        setting.shown(),
        until.unwrap_or_default()
    );
    let place = setting.place.clone();
    Diagnostic::new(&rules::EXPIRED_EXCEPTION, place, message)
        .help("remove the level, or give it another date")
}

fn level_refused(setting: &Setting, message: String) -> Diagnostic {
    Diagnostic::new(&rules::LEVEL_REFUSED, setting.place.clone(), message)
        .help("mend what it finds, or ask whoever keeps the policy")
}

impl Judge for Exceptions {
    fn judge(&self, finding: &Diagnostic, tree: &SourceTree) -> Option<Verdict> {
        let path = match &finding.place {
            Place::Span(span) => Some(tree.path(span.file).as_str()),
            Place::File(file) => Some(tree.path(*file).as_str()),
            Place::Path(path) => Some(path.as_str()),
            Place::Source => None,
        };
        self.decide(finding.rule, path, self.allowed(finding))
    }

    fn judge_counted(&self, rule: &'static Rule, path: Option<&str>) -> Option<Verdict> {
        self.decide(rule, path, None)
    }
}
