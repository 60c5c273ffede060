use flux_apim_diag::tree::{ArtifactPath, FileId};
use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, excerpt};
use flux_apim_model::Key;
use flux_apim_policy::Root;

pub static RULE: Rule = Rule {
    code: Code(1053),
    name: "unread-resource",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a file is called as a resource is, or holds one, and nothing reads it",
    shows_source: true,
    page: include_str!("unread_resource.md"),
};

/// `path` would be read if it were called `meant`.
pub fn cased(file: FileId, path: &ArtifactPath, meant: &str) -> Diagnostic {
    let message = format!("nothing reads `{path}`: the layouts call such a file `{meant}`");
    Diagnostic::new(&RULE, file, message).help(format!("rename it to `{}`", excerpt(meant, 80)))
}

/// `path` has a name that is read, in a folder that is not.
pub fn misplaced(file: FileId, path: &ArtifactPath) -> Diagnostic {
    let message = format!("nothing reads `{path}`: no layout has such a file in this folder");
    Diagnostic::new(&RULE, file, message).help("check the names of the folders above it")
}

/// `path` holds a policy.
pub fn policy(file: FileId, path: &ArtifactPath, root: Root) -> Diagnostic {
    let message = format!("`{path}` holds a policy, and nothing deploys it under this name");
    let help = match root {
        Root::Policies => {
            "call it `policy.xml` in the folder of an API, an operation, a product or the service"
        }
        Root::Fragment => "call it `policy.xml` in a folder of `policyFragments/`",
        Root::Resolver => "call it `policy.xml` in the folder of a resolver of an API",
    };
    Diagnostic::new(&RULE, file, message).help(help)
}

/// `path` holds a definition beside `api`, which has none.
pub fn definition(file: FileId, path: &ArtifactPath, api: &Key) -> Diagnostic {
    let message = format!(
        "`{path}` holds an API definition that nothing reads, and API `{}` has none",
        excerpt(api.name(), 80)
    );
    Diagnostic::new(&RULE, file, message).help("call it `specification.json` or `.yaml`")
}
