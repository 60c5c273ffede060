#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

use super::*;
use flux_apim_diag::tree::{ArtifactPath, FileId, Limits, SourceTree};
use flux_apim_diag::{Budget, Findings, Registry};
use flux_apim_discover as discover;
use flux_apim_syntax::{self as syntax, Data, Value};
use std::collections::BTreeMap;

const API: &str = r#"{"properties": {"displayName": "a", "path": "a", "protocols": ["https"]}}"#;

fn tree(files: &[(&str, &str)]) -> SourceTree {
    let files = files.iter().map(|(path, text)| {
        let path = ArtifactPath::parse(path).unwrap();
        (path, text.as_bytes().to_vec())
    });
    SourceTree::in_memory(files.collect::<BTreeMap<_, _>>())
}

fn look_at(files: &[(&str, &str)]) -> Look {
    let limits = Limits::default();
    let mut findings = Findings::new(&Budget::new(&limits), &limits);
    let options = discover::Options::default();
    look(&tree(files), &options, Registry::new(&[]), &mut findings)
        .unwrap()
        .unwrap()
}

fn every_forge() -> Repository {
    Repository {
        branch: "main".to_owned(),
        forges: [Forge::Github, Forge::Azure, Forge::Gitlab].into(),
        ..Repository::default()
    }
}

const PROGRAM: Program = Program {
    version: "1.2.3",
    commit: Some("0123456789012345678901234567890123456789"),
};

fn planned(look: &Look, needs: &[Prerequisite], repository: &Repository) -> Plan {
    let remote = Remote::parse("https://github.com/Contoso/Some.APIs.git").unwrap();
    let chain = Chain::new(&remote, None).unwrap();
    plan(look, needs, repository, PROGRAM, Some(&chain))
}

fn text_of<'p>(plan: &'p Plan, path: &str) -> &'p str {
    let file = plan.files.iter().find(|file| file.path == path);
    &file
        .unwrap_or_else(|| panic!("{path}: {:#?}", plan.files))
        .text
}

/// Every document of a YAML text.
fn yaml(text: &str) -> Vec<Value> {
    let limits = Limits::default();
    let mut findings = Findings::new(&Budget::new(&limits), &limits);
    let documents = text.split("\n---\n").map(|text| {
        let options = syntax::Options {
            malformed: &syntax::rules::MALFORMED_DOCUMENT,
            limits: &limits,
        };
        let format = syntax::Format::Yaml;
        let read = syntax::parse(FileId(0), text.to_owned(), format, options, &mut findings);
        Value::from(read.unwrap_or_else(|| panic!("{text}")).root())
    });
    let documents: Vec<Value> = documents.collect();
    assert!(findings.is_empty(), "{text}: {:#?}", findings.listed());
    documents
}

#[test]
fn the_layout_the_root_and_the_environments_are_seen() {
    let files = [
        ("artifacts/apis/a/apiInformation.json", API),
        (
            "artifacts/named values/n/namedValueInformation.json",
            r#"{"properties": {"displayName": "n", "value": "v"}}"#,
        ),
        ("configuration.prod.yaml", "apimServiceName: contoso\n"),
        ("configuration.extractor.yaml", "apiNames: []\n"),
        ("other/configuration.no.yaml", ""),
    ];
    let look = look_at(&files);
    assert_eq!(look.root, "artifacts");
    assert_eq!(look.layouts, [Layout::Toolkit].into());
    assert_eq!(look.counted, (1, 2));
    let [prod] = look.environments.as_slice() else {
        panic!("{:#?}", look.environments);
    };
    assert_eq!(prod.name, "prod");
    assert_eq!(prod.file, "configuration.prod.yaml");
    assert_eq!(prod.service.as_deref(), Some("contoso"));
    let plan = planned(&look, &[], &Repository::default());
    assert!(plan.files.iter().any(|file| file.path == "flux-apim.yaml"));
    let plain = look_at(&[("pets/openapi.yaml", "openapi: 3.0.0\n")]);
    assert_eq!(plain.layouts, [Layout::Plain].into());
    let cli = look_at(&[
        ("apis/a/apiInformation.json", API),
        (
            "namedValues/n/namedValueInformation.json",
            r#"{"properties": {"displayName": "n", "value": "v"}}"#,
        ),
    ]);
    assert_eq!(cli.layouts, [Layout::Cli].into());
    let either = look_at(&[("apis/a/apiInformation.json", API)]);
    assert_eq!(either.layouts, [Layout::Either].into());
}

#[test]
fn settings_that_are_there_stay() {
    let look = look_at(&[
        ("artifacts/apis/a/apiInformation.json", API),
        ("flux-apim.yaml", "service: mine\n"),
    ]);
    let plan = planned(&look, &[], &every_forge());
    assert!(
        !plan
            .files
            .iter()
            .any(|file| file.path.contains("flux-apim.yaml"))
    );
    assert!(plan.found.iter().any(|(what, _)| *what == "settings"));
    let bundle = yaml(text_of(&plan, "flux-apim/all/bundle.yaml")).remove(0);
    let service = bundle.get("spec").unwrap().get("service").unwrap();
    assert_eq!(service.get("name").unwrap().as_str(), Some("mine"));
}

/// What `external` can name is listed once, whatever else the service must have.
#[test]
fn what_the_tree_does_not_bring_is_external() {
    let look = look_at(&[("apis/a/apiInformation.json", API)]);
    let need = |kind: &str, external: Option<&str>, file: &str| Prerequisite {
        kind: kind.to_owned(),
        name: "x".to_owned(),
        by: vec![file.to_owned()],
        external: external.map(str::to_owned),
    };
    let needs = [
        need("Key Vault", None, "apis/a/apiInformation.json"),
        need("backend", Some("backends/\"y"), "apis/a/policy.xml"),
        need("logger", Some("loggers/x"), "a\nrules: {}"),
        need("logger", Some("loggers/x"), "b"),
    ];
    let plan = planned(&look, &needs, &Repository::default());
    let text = text_of(&plan, "flux-apim.yaml");
    let settings = yaml(text).remove(0);
    let external = settings.get("external").unwrap().items();
    let external: Vec<&str> = external.iter().filter_map(Value::as_str).collect();
    assert_eq!(external, ["backends/\"y", "loggers/x"]);
    assert!(text.contains(" # apis/a/policy.xml\n"), "{text}");
    let keys: Vec<&str> = settings.entries().iter().map(|e| e.key.as_str()).collect();
    assert_eq!(keys, ["external"], "no level, no rule set, no limit");
}

#[test]
fn the_service_is_that_of_the_environments() {
    let api = ("apis/a/apiInformation.json", API);
    let dev = ("configuration.dev.yaml", "apimServiceName: one\n");
    let empty = ("configuration.prod.yaml", "apis: []\n");
    let of = |files: &[(&str, &str)]| {
        let plan = planned(&look_at(files), &[], &Repository::default());
        let settings = yaml(text_of(&plan, "flux-apim.yaml")).remove(0);
        let service = settings.get("service").and_then(Value::as_str);
        service.map(str::to_owned)
    };
    assert_eq!(of(&[api, dev]), None, "each names its own");
    assert_eq!(of(&[api, dev, empty]).as_deref(), Some("one"));
    assert_eq!(of(&[api, empty]), None);
    let token = ("configuration.dev.yaml", "apimServiceName: $(SERVICE)\n");
    assert_eq!(of(&[api, token, empty]), None);
}

/// Names that shells, workflows or YAML would read as something else.
const HOSTILE: [&str; 10] = [
    "$(touch zz)",
    "zz yy",
    "zz;yy",
    "`zz`",
    "${{ github.token }}",
    "zz'yy",
    "zz\"yy",
    "-zz",
    "zz&yy",
    "zz\u{202e}\u{2028}yy",
];

#[test]
fn hostile_names_become_part_of_nothing() {
    for name in HOSTILE {
        assert!(word(name).is_err(), "{name}");
        let file = format!("configuration.{name}.yaml");
        let look = look_at(&[("apis/a/apiInformation.json", API), (&file, "")]);
        assert!(look.environments.is_empty(), "{name}");
        assert_eq!(look.left_out, [name]);
        let plan = planned(&look, &[], &every_forge());
        for file in &plan.files {
            assert!(!file.text.contains(name), "{name}: {}", file.text);
        }
    }
    // A folder may be called anything: it is told in comments alone.
    let folder = "x\u{2028}strict: true";
    let file = format!("{folder}/apis/a/apiInformation.json");
    let plan = planned(&look_at(&[(&file, API)]), &[], &every_forge());
    let text = text_of(&plan, "flux-apim.yaml");
    assert!(!text.contains('\u{2028}'), "{text}");
    assert_eq!(yaml(text).remove(0).entries().len(), 1, "{text}");
    for name in ["", "prod", "a/b_c.d+e@f-1", "größe"] {
        assert_eq!(word(name), Ok(name));
    }
}

#[test]
fn every_file_is_yaml_and_names_what_was_found() {
    let look = look_at(&[
        ("x/apis/a/apiInformation.json", API),
        ("configuration.dev.yaml", ""),
        ("configuration.prod.yaml", "apimServiceName: svc\n"),
    ]);
    let repository = Repository {
        source: "team/apim".to_owned(),
        branch: "release \"1\"".to_owned(),
        top: [".gitlab-ci.yml".to_owned()].into(),
        ..every_forge()
    };
    let plan = planned(&look, &[], &repository);
    let paths: Vec<&str> = plan.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "team/apim/flux-apim.yaml",
            ".github/workflows/flux-apim-team-apim.yml",
            ".azure-pipelines/flux-apim-team-apim.yml",
            ".gitlab/flux-apim-team-apim.yml",
            ".pre-commit-config.yaml",
            ".gitignore",
            "flux-apim/dev/kustomization.yaml",
            "flux-apim/dev/namespace.yaml",
            "flux-apim/dev/source.yaml",
            "flux-apim/dev/bundle.yaml",
            "flux-apim/dev/delivery.yaml",
            "flux-apim/prod/kustomization.yaml",
            "flux-apim/prod/namespace.yaml",
            "flux-apim/prod/source.yaml",
            "flux-apim/prod/bundle.yaml",
            "flux-apim/prod/delivery.yaml",
        ]
    );
    for file in plan.files.iter().filter(|file| !file.adds) {
        for document in yaml(&file.text) {
            assert!(document.is_object(), "{}", file.text);
        }
    }
    let github = text_of(&plan, ".github/workflows/flux-apim-team-apim.yml");
    for expected in [
        "run: flux-apim validate team/apim --env dev --format github\n",
        "run: flux-apim render team/apim --env prod --output bundle/prod\n",
        "branches: [\"release \\\"1\\\"\"]\n",
        "flux-apim@0123456789012345678901234567890123456789 # v1.2.3\n",
    ] {
        assert!(github.contains(expected), "{expected}: {github}");
    }
    let bundle = yaml(text_of(&plan, "flux-apim/prod/bundle.yaml")).remove(0);
    let spec = bundle.get("spec").unwrap();
    let at = |path: &[&str]| {
        let found = path.iter().try_fold(spec, |value, key| value.get(key));
        found.and_then(Value::as_str).unwrap_or("").to_owned()
    };
    assert_eq!(at(&["path"]), "team/apim");
    assert_eq!(at(&["environment"]), "prod");
    assert_eq!(at(&["service", "name"]), "svc");
    let url = "oci://ghcr.io/contoso/some.apis/apim/prod";
    assert_eq!(at(&["publish", "oci", "url"]), url);
    assert!(text_of(&plan, "flux-apim/prod/delivery.yaml").contains(url));
    let source = yaml(text_of(&plan, "flux-apim/prod/source.yaml")).remove(0);
    let name = source.get("metadata").unwrap().get("name").unwrap();
    assert_eq!(name.as_str(), Some("prod-some-apis"));
    assert!(matches!(&name.data, Data::String(_)));
}

#[test]
fn forges_are_seen_by_files_and_remotes() {
    let cases: [(&[&str], Option<&str>, &[Forge]); 8] = [
        (&[".github"], None, &[Forge::Github]),
        (&["azure-pipelines-pr.yml"], None, &[Forge::Azure]),
        (&["azure-pipelines.txt"], None, &[]),
        (&[".gitlab-ci.yml"], None, &[Forge::Gitlab]),
        (&[], Some("git@github.com:a/b.git"), &[Forge::Github]),
        (
            &[],
            Some("https://gitlab.contoso.example/a/b"),
            &[Forge::Gitlab],
        ),
        (
            &[".github"],
            Some("https://dev.azure.com/o/p/_git/r"),
            &[Forge::Github, Forge::Azure],
        ),
        (&[], Some("https://notgithub.example/github.com/b"), &[]),
    ];
    for (top, remote, expected) in cases {
        assert_eq!(Forge::seen(top.iter().copied(), remote), expected);
    }
}

#[test]
fn remotes_are_read_as_flux_fetches_them() {
    for (url, flux, registry) in [
        (
            "git@github.com:Contoso/apis.git",
            "ssh://git@github.com/Contoso/apis.git",
            Some("oci://ghcr.io/contoso/apis/apim"),
        ),
        (
            "https://gitlab.com/a/b/c",
            "https://gitlab.com/a/b/c",
            Some("oci://registry.gitlab.com/a/b/c/apim"),
        ),
        (
            "ssh://git@ssh.dev.azure.com/v3/o/p/r",
            "ssh://git@ssh.dev.azure.com/v3/o/p/r",
            None,
        ),
    ] {
        let remote = Remote::parse(url).unwrap();
        assert_eq!(remote.url, flux);
        let chain = Chain::new(&remote, None);
        match registry {
            None => assert!(matches!(chain, Err(NoChain::Registry(_)))),
            Some(registry) => {
                let look = look_at(&[("apis/a/apiInformation.json", API)]);
                let none = Repository::default();
                let plan = plan(&look, &[], &none, PROGRAM, Some(&chain.unwrap()));
                assert!(text_of(&plan, "flux-apim/all/delivery.yaml").contains(registry));
            }
        }
        assert!(Chain::new(&remote, Some("oci://a.example/b/c")).is_ok());
        for registry in [
            "a.example/b",
            "oci://a.example",
            "oci://a/b:tag",
            "oci://a/b c",
        ] {
            let bad = Chain::new(&remote, Some(registry));
            assert!(matches!(bad, Err(NoChain::Malformed(_))), "{registry}");
        }
    }
    for url in [
        "/srv/repo",
        "file:///srv/repo",
        "http://x/y",
        "https://x",
        "../a",
    ] {
        assert!(
            matches!(Remote::parse(url), Err(NoChain::Remote(_))),
            "{url}"
        );
    }
}
