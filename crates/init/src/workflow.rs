//! What runs at each change: workflows of the forges, and a hook before each commit.

use crate::quote::{label, scalar};
use crate::{File, Look, Program, Repository};
use flux_apim_diag::HOME;
use std::fmt::Write;

/// A forge whose workflows are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Forge {
    /// GitHub Actions.
    Github,
    /// Azure Pipelines.
    Azure,
    /// GitLab CI/CD.
    Gitlab,
}

impl Forge {
    /// The forges that a repository shows: by the names at its `top`, and by where its remote
    /// is.
    pub fn seen<'t>(top: impl IntoIterator<Item = &'t str>, remote: Option<&str>) -> Vec<Self> {
        let mut seen = Vec::new();
        for name in top {
            let forge = match name {
                ".github" => Self::Github,
                ".gitlab-ci.yml" | ".gitlab" => Self::Gitlab,
                ".azuredevops" | ".azure-pipelines" => Self::Azure,
                name if name.starts_with("azure-pipelines") && is_yaml(name) => Self::Azure,
                _ => continue,
            };
            seen.push(forge);
        }
        let host = remote.map_or("", host);
        let labels: Vec<&str> = host.split('.').collect();
        if labels.contains(&"github") {
            seen.push(Self::Github);
        }
        if labels.contains(&"gitlab") {
            seen.push(Self::Gitlab);
        }
        if host.ends_with("dev.azure.com") || host.ends_with("visualstudio.com") {
            seen.push(Self::Azure);
        }
        seen.sort_unstable();
        seen.dedup();
        seen
    }
}

fn is_yaml(name: &str) -> bool {
    name.ends_with(".yml") || name.ends_with(".yaml")
}

/// The host of a remote, in both of the ways that Git writes them.
pub(crate) fn host(remote: &str) -> &str {
    let rest = remote.split_once("://").map_or(remote, |(_, rest)| rest);
    let rest = rest.split('/').next().unwrap_or(rest);
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    host.split(':').next().unwrap_or(host)
}

/// What CI runs, without the format of the findings.
pub(crate) struct Commands {
    pub(crate) validate: Vec<String>,
    render: Vec<String>,
    /// Environments of the commands; none where there are none.
    environments: Vec<Option<String>>,
    source: String,
}

impl Commands {
    pub(crate) fn new(look: &Look, repository: &Repository) -> Self {
        let source = match repository.source.as_str() {
            "" => ".".to_owned(),
            source => source.to_owned(),
        };
        let mut environments: Vec<Option<String>> = look
            .environments
            .iter()
            .map(|environment| Some(environment.name.clone()))
            .collect();
        if environments.is_empty() {
            environments.push(None);
        }
        let mut commands = Self {
            validate: Vec::new(),
            render: Vec::new(),
            environments,
            source,
        };
        commands.validate = commands.each(|env| commands.check(env, ""));
        commands.render = commands.each(|env| {
            let (source, out) = (&commands.source, env.unwrap_or("all"));
            format!(
                "flux-apim render {source}{} --output bundle/{out}",
                flag(env)
            )
        });
        commands
    }

    fn each(&self, make: impl Fn(Option<&str>) -> String) -> Vec<String> {
        let each = self.environments.iter();
        each.map(|environment| make(environment.as_deref()))
            .collect()
    }

    fn check(&self, environment: Option<&str>, format: &str) -> String {
        format!(
            "flux-apim validate {}{}{format}",
            self.source,
            flag(environment)
        )
    }

    /// The checks, with findings as `format`.
    fn validate_as(&self, format: &str) -> Vec<String> {
        self.each(|environment| self.check(environment, &format!(" --format {format}")))
    }
}

fn flag(environment: Option<&str>) -> String {
    environment.map_or(String::new(), |name| format!(" --env {name}"))
}

/// The commit of actions/checkout v5.0.0.
const CHECKOUT: &str = "08c6903cd8c0fde910a37f88322edcfb5dd907a8";

/// The workflow of `forge`, and what the reader has to do about it.
pub(crate) fn file(
    forge: Forge,
    commands: &Commands,
    repository: &Repository,
    program: Program,
) -> (File, Option<String>) {
    // Several projects of one repository have a workflow each.
    let name = match repository.source.as_str() {
        "" => "flux-apim".to_owned(),
        source => format!("flux-apim-{}", label(source)),
    };
    let is_alone = !repository.top.contains(".gitlab-ci.yml");
    let (path, text) = match forge {
        Forge::Github => (
            format!(".github/workflows/{name}.yml"),
            github(commands, repository, program),
        ),
        Forge::Azure => (
            format!(".azure-pipelines/{name}.yml"),
            azure(commands, repository, program),
        ),
        Forge::Gitlab if is_alone => (
            ".gitlab-ci.yml".to_owned(),
            gitlab(&name, commands, program),
        ),
        Forge::Gitlab => (
            format!(".gitlab/{name}.yml"),
            gitlab(&name, commands, program),
        ),
    };
    let next = match forge {
        Forge::Azure => Some(format!(
            "make a pipeline of it once: `az pipelines create --name {name} --yml-path {path}`"
        )),
        Forge::Gitlab if !is_alone => Some(format!(
            "take it into .gitlab-ci.yml: `include: [{{local: {path}}}]`"
        )),
        Forge::Github | Forge::Gitlab => None,
    };
    let file = File {
        path,
        text,
        adds: false,
    };
    (file, next)
}

/// What each workflow begins with.
const HEAD: &str = "# Checks the API Management configuration of this repository at each change:\n\
                    # findings show at their lines, and a bundle is rendered of each environment.\n";

fn github(commands: &Commands, repository: &Repository, program: Program) -> String {
    let action = HOME.rsplit("github.com/").next().unwrap_or(HOME);
    let version = program.version;
    let pin = match program.commit {
        Some(commit) => format!("{commit} # v{version}"),
        None => format!("v{version}"),
    };
    let mut out = format!(
        "{HEAD}name: flux-apim\n\
         on:\n  push:\n    branches: [{}]\n  pull_request:\n\
         permissions: {{}}\n\
         jobs:\n  validate:\n    runs-on: ubuntu-latest\n    timeout-minutes: 10\n\
         \x20   permissions:\n      contents: read\n\
         \x20   steps:\n\
         \x20     - uses: actions/checkout@{CHECKOUT} # v5.0.0\n\
         \x20       with:\n          persist-credentials: false\n\
         \x20     - name: Install flux-apim\n        uses: {action}@{pin}\n",
        scalar(&repository.branch)
    );
    steps(&mut out, "      ", "run", "github", commands);
    out
}

/// A step for each command.
fn steps(out: &mut String, indent: &str, word: &str, format: &str, commands: &Commands) {
    let checks = commands.validate_as(format);
    for command in checks.iter().chain(&commands.render) {
        let _ = writeln!(out, "{indent}- {word}: {command}");
    }
}

/// How a runner without an action of ours gets the program: the script of the release, which
/// checks what it fetches.
fn install(program: Program, to: &str) -> String {
    let version = program.version;
    format!(
        "curl -fsSL {HOME}/releases/download/v{version}/install.sh | sh -s -- --version \
         {version} --to {to}"
    )
}

fn azure(commands: &Commands, repository: &Repository, program: Program) -> String {
    let branch = scalar(&repository.branch);
    let mut out = format!(
        "{HEAD}trigger:\n  branches:\n    include: [{branch}]\n\
         pr:\n  branches:\n    include: [{branch}]\n\
         pool:\n  vmImage: ubuntu-latest\n\
         steps:\n\
         \x20 - checkout: self\n\
         \x20 - script: |\n      set -eu\n      {}\n\
         \x20     echo \"##vso[task.prependpath]$HOME/.local/bin\"\n\
         \x20   displayName: Install flux-apim\n",
        install(program, "\"$HOME/.local/bin\"")
    );
    steps(&mut out, "  ", "script", "azure", commands);
    out
}

fn gitlab(name: &str, commands: &Commands, program: Program) -> String {
    let mut out = format!(
        "{HEAD}{name}:\n  stage: test\n  image: buildpack-deps:bookworm-curl\n\
         \x20 rules:\n    - if: $CI_PIPELINE_SOURCE == \"merge_request_event\"\n\
         \x20   - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH\n\
         \x20 before_script:\n    - {}\n\
         \x20 script:\n",
        install(program, "/usr/local/bin")
    );
    for command in commands.validate.iter().chain(&commands.render) {
        let _ = writeln!(out, "    - {command}");
    }
    out.push_str("  # What merge requests show at the lines.\n  after_script:\n");
    let mut reports = Vec::new();
    for (check, environment) in commands
        .validate_as("gitlab")
        .iter()
        .zip(&commands.environments)
    {
        let report = match environment {
            Some(environment) => format!("gl-code-quality-{environment}.json"),
            None => "gl-code-quality.json".to_owned(),
        };
        let _ = writeln!(out, "    - {check} > {report} || true");
        reports.push(report);
    }
    out.push_str("  artifacts:\n    when: always\n    reports:\n      codequality:\n");
    for report in reports {
        let _ = writeln!(out, "        - {report}");
    }
    out
}

/// The entry of pre-commit.
pub(crate) fn hook(commands: &Commands, repository: &Repository, program: Program) -> String {
    let mut out = format!(
        "  - repo: {HOME}\n    rev: v{}\n    hooks:\n",
        program.version
    );
    for environment in &commands.environments {
        let mut arguments = vec![scalar(&commands.source)];
        if let Some(environment) = environment {
            arguments.extend(["--env".to_owned(), scalar(environment)]);
        }
        out.push_str("      - id: flux-apim-validate\n");
        if let Some(environment) = environment {
            let _ = writeln!(out, "        name: flux-apim validate ({environment})");
        }
        let _ = writeln!(out, "        args: [{}]", arguments.join(", "));
        if !repository.source.is_empty() {
            let below = repository.source.replace('.', "\\.").replace('+', "\\+");
            let _ = writeln!(out, "        files: {}", scalar(&format!("^{below}/")));
        }
    }
    out
}

/// `.pre-commit-config.yaml` of a repository that has none.
pub(crate) fn pre_commit(commands: &Commands, repository: &Repository, program: Program) -> File {
    let hook = hook(commands, repository, program);
    File {
        path: ".pre-commit-config.yaml".to_owned(),
        text: format!("# `pre-commit install` runs this before each commit.\nrepos:\n{hook}"),
        adds: false,
    }
}
