//! Every rule, in one table: code, name, class, severity, summary, explanation.
//!
//! Families: 1xxx layout and project, 2xxx API definitions, 3xxx policies,
//! 4xxx references, 5xxx secrets, 6xxx changes, 7xxx limits of a target, 8xxx
//! sources, bundles and registries, 9xxx internal. Codes are append-only
//! (`testdata/rules.lock`).

use super::{Class, Code, Rule, Severity};

macro_rules! catalogue {
    ($($const:ident, $code:literal, $name:literal, $class:ident $severity:ident, $summary:literal, $explanation:literal;)*) => {
        /// The rules by name.
        pub mod rules {
            use super::{Class, Code, Rule, Severity};

            /// Home page of the project.
            pub const HOME: &str = "https://github.com/flux-apim/flux-apim";

            /// Page of `rule` in the documentation.
            pub fn url(rule: &Rule) -> String {
                format!("{HOME}/blob/main/docs/rules.md#{}", rule.code.to_string().to_lowercase())
            }

            $(
                #[doc = $summary]
                pub static $const: Rule = Rule {
                    code: Code($code),
                    name: $name,
                    class: Class::$class,
                    severity: Severity::$severity,
                    summary: $summary,
                    explanation: $explanation,
                };
            )*
        }

        /// Every rule, by code.
        pub static ALL: &[&Rule] = &[$(&rules::$const),*];
    };
}

catalogue! {
    NO_PROJECT, 1001, "no-project", Integrity Error,
        "no APIM configuration was found in the source",
        "The source holds neither an APIOps folder (such as `apis/orders/apiInformation.json`) nor an OpenAPI document. Check the path, or narrow the source with `--path DIR`.";
    SEVERAL_PROJECTS, 1002, "several-projects", Integrity Error,
        "more than one project root was found",
        "One bundle is rendered from one project. Name the folder with `--path DIR`.";
    UNCLAIMED_FILE, 1003, "unclaimed-file", Lint Info,
        "nothing reads this file",
        "The file lies inside the project, but no layout knows its name at this place, so nothing of it is rendered. A misspelt name is the usual reason; files such as a README are fine.";
    MALFORMED_DOCUMENT, 1004, "malformed-document", Integrity Error,
        "a JSON or YAML document cannot be read",
        "The document breaks the grammar of its format at the place shown.";
    DUPLICATE_KEY, 1005, "duplicate-key", Integrity Error,
        "a mapping has the same key twice",
        "Readers disagree about which of the two wins, so neither is taken. Remove one.";
    DOCUMENT_LIMIT, 1006, "document-limit", Integrity Error,
        "a document is nested too deeply or has too many values",
        "The caps keep hostile documents from exhausting memory. The message names the value and the flag that raises the cap.";
    NOT_UTF8, 1007, "not-utf8", Integrity Error,
        "a file is not UTF-8 text",
        "Azure takes UTF-8 only. Save the file as UTF-8.";
    MALFORMED_INFORMATION, 1008, "malformed-information", Integrity Error,
        "an information file does not have the expected shape",
        "An information file is a JSON object with an object `properties`; a list file such as `apis.json` is an array of `{\"name\": ...}`.";
    DUPLICATE_RESOURCE, 1009, "duplicate-resource", Integrity Error,
        "the same resource is declared twice",
        "Two files declare one resource (names are compared without case, as Azure does). Remove one.";
    INVALID_NAME, 1010, "invalid-name", Refusal Error,
        "a resource name breaks the rules of its type",
        "Names come from folder names; Azure limits their length and characters for each type.";
    MISSING_PROPERTY, 1011, "missing-property", Refusal Error,
        "a property that Azure requires is missing",
        "Azure answers the deployment with 400 when a required property is missing.";
    INVALID_VALUE, 1012, "invalid-value", Refusal Error,
        "a property has a value that Azure refuses",
        "Type, length, pattern, range or allowed values come from the resource schema of the api-version that is rendered.";
    UNKNOWN_PROPERTY, 1013, "unknown-property", Lint Warning,
        "a property is unknown to the api-version that is rendered",
        "Azure ignores it or refuses it. It is left out of the ASO output, whose schema is closed.";
    NO_APIS, 1014, "no-apis", Lint Error,
        "the project has no API",
        "Nothing would be published. A project that carries shared resources only says so with `rules: {APIM1014: warning}` in `flux-apim.yaml`.";
    INCOMPLETE_RESOURCE, 1015, "incomplete-resource", Integrity Error,
        "a resource lacks the file that declares it",
        "A policy, definition or child stands in the folder of a resource, but the information file that declares the resource is missing.";
    UNKNOWN_TYPE, 1016, "unknown-type", Integrity Error,
        "a resource is of a type that the api-version does not have",
        "The api-version that is rendered is older than the type: workspaces, for example, came after 2022-08-01. Render a newer one (`--arm-api-version`), or leave the resource out.";
    RUN_LIMIT, 1017, "run-limit", Integrity Error,
        "checking and rendering the source takes more than a run may spend",
        "A run counts its steps and the bytes that it holds, so that no source keeps a machine from its other work. Steps do not depend on the machine. Ordinary projects stay far below the caps; what exceeds them is often one document that multiplies itself through references. The message names the place where the cap was reached and the flag that raises it.";
    UNMATCHED_OVERRIDE, 1020, "unmatched-override", Lint Warning,
        "an override matches no resource",
        "The environment file names a resource that the project does not have, so the override has no effect.";
    PROTECTED_OVERRIDE, 1021, "protected-override", Lint Warning,
        "an override of `apiRevision` or `isCurrent` is ignored",
        "Which revision is current belongs to the tree, not to the environment.";
    UNREPLACED_TOKEN, 1022, "unreplaced-token", Refusal Error,
        "a `{#token#}` was left",
        "A pipeline step should have replaced the token before rendering; Azure would receive it literally.";
    NO_ENVIRONMENT, 1023, "no-environment", Integrity Error,
        "the environment has no configuration file",
        "`--env ENV` reads `configuration.ENV.yaml` from the project root or its parent folder, inside the source.";
    MALFORMED_OVERRIDE, 1024, "malformed-override", Integrity Error,
        "an environment or project configuration does not have the expected shape",
        "An environment file is a mapping of lists of `name` and `properties`.";
    EXTRACTOR_FILTER, 1025, "extractor-filter", Lint Info,
        "this file filters the extractor and is no override",
        "`configuration.extractor.yaml` says what APIOps extracts. It is never merged.";
    LEVEL_REFUSED, 1030, "level-refused", Integrity Error,
        "a level or an exception is set that may not be",
        "Nobody lowers a rule of the class integrity: without it the bundle would not be what its source says. What an operator's policy holds, no tree, allowance, baseline or ApimBundle lowers. Remove the exception and mend what the rule finds.";
    LEVEL_WITHOUT_REASON, 1031, "level-without-reason", Integrity Error,
        "the level of a refusal is lowered without a reason",
        "Azure refuses what the rule finds. Who knows better says why: `{level: warning, reason: why}`. The bundle lists it under `exceptions`.";
    ALLOWANCE_WITHOUT_REASON, 1032, "allowance-without-reason", Lint Error,
        "a finding is allowed beside the line without a reason",
        "The allowance does not hold. Write why behind `--`, or as the value of the name in `x-flux-apim-allow`.";
    UNUSED_ALLOWANCE, 1033, "unused-allowance", Lint Warning,
        "an allowance allows nothing",
        "The rule finds nothing where it is allowed: what it found was mended, or stands elsewhere. A comment covers its own line and the next line that is no comment, `x-flux-apim-allow` its object. Some findings come with an environment only.";
    MALFORMED_ALLOWANCE, 1034, "malformed-allowance", Lint Warning,
        "an allowance names no rule or is not written as one",
        "Write `flux-apim: allow NAME -- reason` in a comment, or `\"x-flux-apim-allow\": {\"NAME\": \"reason\"}` in JSON and YAML. `flux-apim explain` lists the names.";
    EXPIRED_EXCEPTION, 1035, "expired-exception", Lint Warning,
        "a level or an allowance is past its last day",
        "It no longer holds. Mend what the rule finds, or give the exception another date and say why.";
    STALE_BASELINE, 1036, "stale-baseline", Lint Info,
        "a baseline lists findings that are no more",
        "Write it anew with `--write-baseline`, so that what was mended stays mended.";
    MALFORMED_DEFINITION, 2001, "malformed-definition", Integrity Error,
        "an API definition cannot be read",
        "The document is not valid JSON, YAML, XML or SDL at the place shown.";
    UNKNOWN_DEFINITION, 2002, "unknown-definition", Integrity Error,
        "the kind or version of an API definition is not supported",
        "OpenAPI 2.0, 3.0 and 3.1 (JSON or YAML), GraphQL SDL, WSDL, WADL, OData metadata and gRPC proto files are supported.";
    REMOTE_REFERENCE, 2003, "remote-reference", Integrity Error,
        "a reference points outside the source",
        "APIM imports one document and fetches nothing; neither do we. Bring the referenced file into the tree.";
    UNRESOLVED_REFERENCE, 2004, "unresolved-reference", Integrity Error,
        "a `$ref` points at nothing",
        "The file or the place inside it does not exist.";
    REFERENCE_CYCLE, 2005, "reference-cycle", Integrity Error,
        "references between files form a cycle that cannot be bundled",
        "A chain of references ends in itself without ever reaching a value.";
    DEFINITION_WITHOUT_OPERATIONS, 2006, "definition-without-operations", Lint Warning,
        "an API definition declares no operation",
        "APIM imports an API without operations, which answers every call with 404.";
    POLICY_AS_DEFINITION, 2007, "policy-as-definition", Integrity Error,
        "a policy stands where an API definition is expected",
        "The file is a policy document. Name it `policy.xml`, or put the definition in its place.";
    INVALID_WSDL, 2008, "invalid-wsdl", Integrity Error,
        "a WSDL document has no service and port that APIM can import",
        "APIM needs a service with a SOAP port to select.";
    SEVERAL_DEFINITIONS, 2009, "several-definitions", Integrity Error,
        "an API has more than one definition",
        "APIM imports one definition for each API. Keep one file.";
    MALFORMED_POLICY, 3001, "malformed-policy", Integrity Error,
        "a policy document cannot be read",
        "Elements must nest and close, and `@(...)`/`@{...}` expressions must be balanced.";
    WRONG_POLICY_ROOT, 3002, "wrong-policy-root", Refusal Error,
        "a policy document has the wrong root element",
        "A policy has the root `<policies>`, a fragment the root `<fragment>`.";
    POLICY_DOCTYPE, 3003, "policy-doctype", Refusal Error,
        "a policy document has a DOCTYPE or an unknown entity",
        "APIM takes no document type; only the five XML entities exist.";
    DANGLING_REFERENCE, 4001, "dangling-reference", Refusal Error,
        "a property names a resource that the project does not have",
        "Azure answers with 400 unless the resource already exists. When it is managed elsewhere, list it under `external` in `flux-apim.yaml`, for example `external: [loggers/appinsights]`.";
    DANGLING_POLICY_REFERENCE, 4002, "dangling-policy-reference", Refusal Error,
        "a policy names a resource that the project does not have",
        "A named value, fragment, backend, logger or certificate must exist before a policy that names it. When it is managed elsewhere, list it under `external` in `flux-apim.yaml`, for example `external: [namedValues/key]`.";
    UNKNOWN_OPERATION, 4003, "unknown-operation", Refusal Error,
        "an operation folder matches no operation of the definition",
        "APIM names an operation after its `operationId` (lower case, other characters become `-`) or its method and path. A policy of an unknown operation is refused with \"Entity with specified identifier not found\".";
    DEPENDENCY_CYCLE, 4004, "dependency-cycle", Integrity Error,
        "resources depend on each other in a circle",
        "Azure can create none of them first.";
    AMBIGUOUS_NAMED_VALUE, 4005, "ambiguous-named-value", Integrity Error,
        "two named values have the same display name",
        "Policies name a named value by its display name, so it must be unique.";
    SECRET_IN_TREE, 5001, "secret-in-tree", Lint Warning,
        "a secret value stands in the source",
        "The value is not rendered: the bundle has a secure parameter instead. Anyone who can read the repository can read the secret: replace it with a Key Vault reference and rotate it.";
    ARM_RESOURCE_TOO_LARGE, 7001, "arm-resource-too-large", Refusal Error,
        "a resource is larger than Azure Resource Manager takes",
        "One resource of a template may have 1 MB, its definition and policies included (the JSON escapes count).";
    ARM_TOO_MANY_PARAMETERS, 7002, "arm-too-many-parameters", Refusal Error,
        "the template would need more than 256 parameters",
        "Azure Resource Manager takes 256 parameters. Use Key Vault references for named values.";
    POLICY_TOO_LARGE, 7003, "policy-too-large", Refusal Error,
        "a policy is larger than APIM takes",
        "Policy documents may have 256 KiB (documented), fragments 512 KB.";
    DEFINITION_TOO_LARGE, 7004, "definition-too-large", Refusal Error,
        "a definition is larger than APIM imports",
        "APIM imports at most 4 MB inline.";
    BICEP_TOO_LARGE, 7005, "bicep-too-large", Lint Warning,
        "the compiled Bicep template would exceed a limit of Azure Resource Manager",
        "Deploy the template parts of `arm/` in their order, or deploy the Bicep modules one by one.";
    NO_ASO_KIND, 7101, "no-aso-kind", Lint Warning,
        "Azure Service Operator has no kind for a resource",
        "The resource is rendered for the other targets only; `bundle.json` says which.";
    ASO_SECRET, 7102, "aso-secret", Lint Warning,
        "a secret cannot be carried by Azure Service Operator without being shown",
        "The value of a `NamedValue` object is plain text. Use a Key Vault reference.";
    ASO_PROPERTY, 7103, "aso-property", Lint Warning,
        "a property cannot be expressed for Azure Service Operator",
        "The operator's schema is closed, and narrower than Azure's in places: a resource outside the bundle needs a full ARM id, some fields do not exist. The property is left out of `aso/`; the other targets carry it.";
    ASO_OBJECT_TOO_LARGE, 7104, "aso-object-too-large", Refusal Error,
        "an object is larger than the Kubernetes API takes",
        "etcd takes 1.5 MB for one object by default.";
    ARCHIVE_ENTRY, 8001, "archive-entry-refused", Integrity Error,
        "an archive holds an entry that is refused",
        "Only regular files and folders with plain relative UTF-8 names, each once, are read.";
    ARCHIVE_CORRUPT, 8002, "archive-corrupt", Integrity Error,
        "an archive cannot be read",
        "The file is not a complete gzip-compressed tar archive.";
    SOURCE_LIMIT, 8003, "source-limit", Integrity Error,
        "a source exceeds a cap",
        "The message names the entry, the value and the flag that raises the cap.";
    DIGEST_MISMATCH, 8004, "digest-mismatch", Integrity Error,
        "a source does not have the digest it was asked for",
        "The bytes were changed on the way, or the digest is of something else. Nothing was parsed.";
    NOT_AN_ARTIFACT, 8005, "not-an-artifact", Integrity Error,
        "an OCI layout does not hold a Flux artifact",
        "Expected an image manifest whose first layer is a gzip-compressed tar.";
    SOURCE_UNREADABLE, 8006, "source-unreadable", Integrity Error,
        "a source cannot be read",
        "The operating system or the server refused it.";
    SYMLINK_SKIPPED, 8007, "symlink-skipped", Lint Info,
        "a symbolic link is not followed",
        "source-controller leaves links out of its archives, and so do we: in a folder as in an archive.";
}

/// The rule with `code` (`APIM1003`, `1003`) or `name`.
pub fn rule(wanted: &str) -> Option<&'static Rule> {
    let number = wanted
        .strip_prefix("APIM")
        .or_else(|| wanted.strip_prefix("apim"))
        .unwrap_or(wanted);
    let code = number.parse().ok().map(Code);
    ALL.iter()
        .copied()
        .find(|rule| Some(rule.code) == code || rule.name == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_and_names_unique() {
        assert!(ALL.windows(2).all(|pair| pair[0].code < pair[1].code));
        let mut names: Vec<_> = ALL.iter().map(|rule| rule.name).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
