use crate::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity};

pub static RULE: Rule = Rule {
    code: Code(1017),
    name: "run-limit",
    former_names: &[],
    class: Class::Integrity,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "checking and rendering the source takes more than a run may spend",
    shows_source: true,
    page: include_str!("run_limit.md"),
};

/// The steps ran out at `at`.
pub fn steps(at: Place, max: u64) -> Diagnostic {
    let what = format!("takes more than {max} steps");
    over(at, &what, "max-steps")
}

/// The memory ran out at `at`.
pub fn memory(at: Place, max: u64) -> Diagnostic {
    let what = format!("needs more than {max} bytes of memory");
    over(at, &what, "max-memory-bytes")
}

/// The project has more resources, of which the one at `at` is one too many.
pub fn resources(at: Place, max: u64) -> Diagnostic {
    let message = format!("the project has more than {max} resources; this is one too many");
    ended(at, message, "max-resources")
}

fn over(at: Place, what: &str, flag: &str) -> Diagnostic {
    let message = format!("checking and rendering the source {what}; this is where they ran out");
    ended(at, message, flag)
}

fn ended(at: Place, message: String, flag: &str) -> Diagnostic {
    Diagnostic::new(&RULE, at, message).help(format!(
        "split the source (`--path DIR` renders a part of it), or raise the cap with --{flag}"
    ))
}
