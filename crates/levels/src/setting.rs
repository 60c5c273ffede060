//! Levels of rules as they are written: `error`, or `{level, reason, until, paths}`, or a
//! list of those.

use crate::{Date, rules};
use flux_apim_diag::{Diagnostic, Findings, Place, Registry, Rule, Severity, excerpt, nearest};
use flux_apim_syntax::{Data, Value};

/// Words for levels.
pub(crate) const WORDS: [&str; 4] = ["error", "warning", "info", "off"];
/// What the long form has.
pub(crate) const KEYS: [&str; 4] = ["level", "reason", "until", "paths"];
/// Characters of a reason that are kept.
pub(crate) const MAX_REASON: usize = 500;

/// A level that somebody set for a rule.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The rule that gets another level.
    pub rule: &'static Rule,
    /// The level; none switches the rule off.
    pub level: Option<Severity>,
    /// Why.
    pub reason: Option<String>,
    /// The last day on which it holds.
    pub until: Option<Date>,
    /// Globs of the paths that it holds for; none for everything.
    pub paths: Option<Vec<String>>,
    /// Where it was written.
    pub place: Place,
    /// What holds it, for messages: `flux-apim.yaml`.
    pub from: &'static str,
}

impl Setting {
    /// Whether the level is below that of the rule.
    pub fn lowers(&self) -> bool {
        self.level < Some(self.rule.severity)
    }

    /// Whether its last day is over.
    pub fn is_past(&self, today: Option<Date>) -> bool {
        is_past(self.until, today)
    }

    /// `APIM1013` set to `off`, for messages.
    pub(crate) fn shown(&self) -> String {
        let (code, name) = (self.rule.code, self.rule.name);
        format!(
            "{} sets {code} ({name}) to `{}`",
            self.from,
            word(self.level)
        )
    }
}

/// Whether the day `until` is over.
pub(crate) fn is_past(until: Option<Date>, today: Option<Date>) -> bool {
    matches!((until, today), (Some(until), Some(today)) if today > until)
}

/// The word for a level.
pub fn word(level: Option<Severity>) -> &'static str {
    level.map_or("off", Severity::as_str)
}

/// The level that is called `word`.
pub fn level(word: &str) -> Option<Option<Severity>> {
    Some(match word {
        "error" => Some(Severity::Error),
        "warning" => Some(Severity::Warning),
        "info" => Some(Severity::Info),
        "off" => None,
        _ => return None,
    })
}

/// Reads a mapping of rules of `registry` to levels, which stands in `from`. What has no place of its
/// own is at `whole`.
pub fn settings(
    registry: Registry,
    value: &Value,
    whole: &Place,
    from: &'static str,
    findings: &mut Findings,
) -> Vec<Setting> {
    let mut reader = Reader {
        whole,
        from,
        settings: Vec::new(),
        findings,
    };
    if !value.is_object() {
        reader.malformed(value, "levels must be a mapping of rules to levels");
    }
    for entry in value.entries() {
        reader.findings.budget().spend(5, whole.clone());
        match registry.get(&entry.key) {
            Some(rule) => reader.of_rule(rule, &entry.value),
            None => {
                let message = format!("`{}` is no rule", excerpt(&entry.key, 60));
                let names = registry.all().iter().map(|rule| rule.name);
                let near = reader.findings.hint(|| nearest(&entry.key, names));
                let place = entry.key_span.or(entry.value.span);
                let finding = reader.finding(place.map(Place::from), message);
                reader.findings.push(match near {
                    Some(near) => finding
                        .help(format!("did you mean `{near}`?"))
                        .renames(&entry.key, near),
                    None => finding.help("`flux-apim explain` lists the rules"),
                });
            }
        }
    }
    reader.settings
}

/// The same of a mapping in JSON that is no part of a source.
///
/// # Errors
/// What is wrong with it, and what to write.
pub fn settings_of_json(
    registry: Registry,
    json: &serde_json::Value,
    from: &'static str,
) -> Result<Vec<Setting>, String> {
    let mut findings = Findings::from(Vec::new());
    let settings = settings(
        registry,
        &Value::from(json),
        &Place::Source,
        from,
        &mut findings,
    );
    match findings.listed().first() {
        None => Ok(settings),
        Some(finding) => Err(format!(
            "{}; {}",
            finding.message,
            finding.help.as_deref().unwrap_or("")
        )),
    }
}

struct Reader<'a> {
    whole: &'a Place,
    from: &'static str,
    settings: Vec<Setting>,
    findings: &'a mut Findings,
}

impl Reader<'_> {
    fn push(&mut self, place: Option<Place>, message: String, help: &str) {
        let finding = self.finding(place, message).help(help);
        self.findings.push(finding);
    }

    fn finding(&self, place: Option<Place>, message: String) -> Diagnostic {
        let place = place.unwrap_or_else(|| self.whole.clone());
        let message = match place {
            Place::Source => format!("{}: {message}", self.from),
            _ => message,
        };
        Diagnostic::new(&rules::MALFORMED_OVERRIDE, place, message)
    }

    fn malformed(&mut self, value: &Value, message: &str) {
        let help = "write `error`, `warning`, `info` or `off`, or `{level: off, reason: why, until: 2027-01-31, paths: [apis/old/**]}`, or a list of those";
        self.push(value.span.map(Place::from), message.to_owned(), help);
    }

    fn of_rule(&mut self, rule: &'static Rule, value: &Value) {
        match &value.data {
            Data::Array(items) => {
                for item in items {
                    self.one(rule, item);
                }
            }
            _ => self.one(rule, value),
        }
    }

    fn one(&mut self, rule: &'static Rule, value: &Value) {
        self.findings.budget().spend(5, self.whole.clone());
        let place = value.span.map_or_else(|| self.whole.clone(), Place::from);
        let mut setting = Setting {
            rule,
            level: None,
            reason: None,
            until: None,
            paths: None,
            place,
            from: self.from,
        };
        let mut is_given = false;
        match &value.data {
            Data::String(text) => match level(text) {
                Some(level) => (setting.level, is_given) = (level, true),
                None => {
                    return self.malformed(
                        value,
                        &format!(
                            "the level of `{}` must be error, warning, info or off",
                            rule.name
                        ),
                    );
                }
            },
            Data::Object(entries) => {
                for entry in entries {
                    let text = entry.value.as_str();
                    let known = match entry.key.as_str() {
                        "level" => match text.and_then(level) {
                            Some(level) => {
                                (setting.level, is_given) = (level, true);
                                true
                            }
                            None => false,
                        },
                        "reason" => {
                            setting.reason = text.and_then(reason);
                            text.is_some()
                        }
                        "until" => {
                            setting.until = text.and_then(|text| text.parse().ok());
                            setting.until.is_some()
                        }
                        "paths" => {
                            let paths = self.paths(&entry.value);
                            let known = paths.is_some();
                            setting.paths = paths;
                            known
                        }
                        _ => false,
                    };
                    if !known {
                        let key = excerpt(&entry.key, 60);
                        let message = match KEYS.contains(&entry.key.as_str()) {
                            true => format!("`{key}` of `{}` is not as it should be", rule.name),
                            false => format!("a level has no `{key}`"),
                        };
                        return self.malformed(&entry.value, &message);
                    }
                }
            }
            _ => {}
        }
        if !is_given {
            let message = format!("the level of `{}` is missing", rule.name);
            return self.malformed(value, &message);
        }
        self.settings.push(setting);
    }

    /// Globs: one, or a list.
    fn paths(&self, value: &Value) -> Option<Vec<String>> {
        let budget = self.findings.budget();
        if let Some(text) = value.as_str() {
            return Some(vec![text.to_owned()]);
        }
        let items = value.items();
        budget.spend(items.len() as u64, self.whole.clone());
        let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
        let texts: Option<Vec<String>> = texts.collect();
        texts.filter(|texts| !texts.is_empty())
    }
}

/// A reason that says something.
pub(crate) fn reason(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| excerpt(text, MAX_REASON))
}
