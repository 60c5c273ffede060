//! Policies of operators, read from files, and the day.

use crate::diag::{Diagnostic, Findings, Report, excerpt};
use crate::levels::{Date, Policy};
use crate::rules::REGISTRY;
use crate::tree::{ArtifactPath, Limits, SourceTree};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Bytes of a policy.
const MAX_BYTES: u64 = 4 << 20;

/// Why a policy does not hold. Nothing is rendered then.
#[derive(Debug, thiserror::Error)]
#[error("the policy {}: {why}", file.display())]
pub struct Error {
    file: PathBuf,
    why: String,
}

/// Today, in UTC.
pub fn today() -> Option<Date> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    Date::of_unix(since.as_secs())
}

/// The day that was `age` ago, in UTC; not before 1970.
pub fn day_before(age: std::time::Duration) -> Option<Date> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    Date::of_unix(since.saturating_sub(age).as_secs())
}

/// Reads the policies in `files`.
///
/// # Errors
/// When one of them cannot be read, or is none.
pub fn read(files: &[PathBuf]) -> Result<Vec<Arc<Policy>>, Error> {
    files.iter().map(|file| one(file)).collect()
}

fn one(file: &Path) -> Result<Arc<Policy>, Error> {
    let failed = |why: String| Error {
        file: file.to_owned(),
        why,
    };
    let opened = std::fs::File::open(file).map_err(|e| failed(e.to_string()))?;
    let mut text = String::new();
    let mut reader = opened.take(MAX_BYTES + 1);
    reader
        .read_to_string(&mut text)
        .map_err(|e| failed(e.to_string()))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(failed(format!("it has more than {MAX_BYTES} bytes")));
    }
    of_text(&text).map_err(failed)
}

/// The policy in `text`, or the first thing that is wrong with it.
fn of_text(text: &str) -> Result<Arc<Policy>, String> {
    let limits = Limits::default();
    let path = ArtifactPath::parse("policy.yaml").map_err(|e| e.to_string())?;
    let tree = SourceTree::in_memory(BTreeMap::from([(path, text.as_bytes().to_vec())]));
    let mut findings: Findings = Vec::<Diagnostic>::new().into();
    let budget = findings.budget().clone();
    let read = |findings: &mut Findings| {
        let file = tree.files().next().map(|(file, _)| file)?;
        Policy::read(REGISTRY, file, text.to_owned(), &limits, findings)
    };
    let policy = budget.bound(|| read(&mut findings));
    let policy = policy.map_err(|_| "it takes too much to read".to_owned())?;
    if let Some(policy) = policy {
        return Ok(Arc::new(policy));
    }
    let report = Report::resolve(&findings, &tree, &BTreeMap::new()).map_err(|e| e.to_string())?;
    let first = report.diagnostics.first().map(|finding| {
        let at = finding.range.map_or(String::new(), |range| {
            format!("line {}: ", range.start.line)
        });
        let help = finding.help.as_deref().unwrap_or("");
        format!("{at}{}; {help}", excerpt(&finding.message, 300))
    });
    Err(first.unwrap_or_else(|| "it is no policy".to_owned()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "test code")]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_policy_is_told_with_its_line() {
        assert!(of_text("version: 1\n").is_ok());
        for (text, told) in [
            ("", "mapping"),
            ("levels: {}\n", "version"),
            ("version: 2\n", "version: 1"),
            (
                "version: 1\nlevls: {}\n",
                "line 2: `levls` is nothing of a policy; did you mean `levels`?",
            ),
            (
                "version: 1\nlevels: {no-such: off}\n",
                "`no-such` is no rule",
            ),
            (
                "version: 1\nlevels:\n  duplicate-key: off\n",
                "line 3: the operator's policy sets APIM1005 (duplicate-key) to `off`, which nobody lowers",
            ),
            (
                "version: 1\nlevels: {invalid-value: warning}\n",
                "without a reason",
            ),
            (
                "version: 1\nlevels: {no-apis: {level: off, paths: ['a/[']}}\n",
                "no glob",
            ),
            (
                "version: 1\nexceptions: {allowances: maybe}\n",
                "true or false",
            ),
            ("version: 1\nexceptions: {levels: [nothing]}\n", "no rule"),
            (
                "version: 1\nnamespaces: [{spec: {}}]\n",
                "`selector` is missing",
            ),
            (
                "version: 1\nnamespaces: [{selector: {}, spec: {}}]\n",
                "`selector` is missing",
            ),
            (
                "version: 1\nnamespaces: [{selector: {matchNames: [a]}}]\n",
                "`spec` is missing",
            ),
            ("version: 1\nversion: 1\n", "there twice"),
            ("{", "line 1"),
        ] {
            let error = of_text(text).unwrap_err();
            assert!(error.contains(told), "{text}: {error}");
        }
    }
}
