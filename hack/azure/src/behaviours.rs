//! What is simulated beside plain storage: each behaviour is a row with its source, and
//! can be switched off by name to see which test notices.

use serde_json::{Value, json};
use std::collections::BTreeSet;

/// How well a behaviour is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Microsoft's documentation, specifications or SDKs say it.
    Documented,
    /// People report it in public issues.
    Reported,
    /// It was seen in what a real service returned: exports, extracted trees, tools' code.
    Observed,
    /// Nobody said it; something had to be decided.
    Guess,
}

impl Class {
    /// The word in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Documented => "documented",
            Self::Reported => "reported",
            Self::Observed => "observed",
            Self::Guess => "guess",
        }
    }
}

/// A row.
#[derive(Debug)]
pub struct Behaviour {
    /// The name for `--without`.
    pub name: &'static str,
    /// How well it is known.
    pub class: Class,
    /// Where from.
    pub source: &'static str,
    /// What happens.
    pub what: &'static str,
}

macro_rules! behaviours {
    ($($id:ident $name:literal $class:ident $source:literal $what:literal)*) => {
        /// A behaviour, by name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Row {
            $(#[doc = $what] $id,)*
        }

        impl Row {
            /// All of them, in the order of the table.
            pub const ALL: &'static [Row] = &[$(Row::$id),*];

            /// What the table says of it.
            pub fn about(self) -> &'static Behaviour {
                match self {
                    $(Row::$id => {
                        const ROW: &Behaviour = &Behaviour {
                            name: $name, class: Class::$class, source: $source, what: $what,
                        };
                        ROW
                    })*
                }
            }
        }
    };
}

behaviours! {
    TokenRequired "token-required" Documented "ARM REST: authentication" "a request without a bearer token is 401 AuthenticationFailed"
    TokenExpires "token-expires" Documented "Entra ID: access tokens" "an expired token is 401 ExpiredAuthenticationToken"
    TokenAudience "token-audience" Documented "Entra ID: access tokens" "a token for another resource is 401 InvalidAuthenticationTokenAudience"
    RolesEnforced "roles-enforced" Documented "Azure RBAC: role definitions" "a request needs a role with the action of its type and method on its scope, else 403 AuthorizationFailed"
    ApiVersionRequired "api-version-required" Documented "ARM REST: api-version" "a request without api-version is 400 MissingApiVersionParameter"
    ApiVersionKnown "api-version-known" Documented "ARM REST: api-version" "an api-version that the type does not have is 400 NoRegisteredProviderFound"
    JsonRequired "json-required" Documented "ARM common errors" "a body that is no JSON object is 400 InvalidRequestContent"
    RequestSize "request-size" Documented "ARM limits" "a body over 4 MB is 413 RequestContentTooLarge"
    GroupExists "group-exists" Documented "ARM common errors" "a resource group that is not there is 404 ResourceGroupNotFound"
    ServiceExists "service-exists" Documented "ARM common errors" "a service that is not there is 404 ResourceNotFound"
    LongRunning "long-running" Documented "SDK: long-running operations" "long-running operations answer with Location and Azure-AsyncOperation, and end later"
    LockHeld "lock-held" Reported "apiops#379, apiops-cli#252, devops-resource-kit#340" "a write to an API or product that another write has locked is 409 PessimisticConcurrencyConflict"
    LockSpansLinks "lock-spans-links" Reported "devops-resource-kit#340" "a link of a product to an API locks both"
    EtagCompared "etag-compared" Documented "REST: If-Match" "a write with the ETag of an older state is 412 PreconditionFailed"
    EtagRequired "etag-required" Documented "SDK: required header If-Match" "PATCH and DELETE without If-Match, where the SDK requires it, are 400 (with which code is a guess)"
    HeadEtag "head-etag" Documented "REST: GetEntityTag" "HEAD answers with the ETag and without a body"
    CreatedOnce "created-once" Documented "SDK: success codes" "PUT answers 201 for what is new and 200 for what was there"
    NamesChecked "names-checked" Documented "SDK: path parameters" "names have the lengths and patterns of the specification"
    Identifiers "identifiers" Reported "devops-resource-kit#584" "a name with white space is refused"
    RequiredProperties "required-properties" Documented "SDK: models" "PUT without a required property is 400 ValidationError"
    LengthsChecked "lengths-checked" Documented "SDK: models" "texts have the lengths and patterns of the specification"
    TypesChecked "types-checked" Documented "SDK: models" "a property of another JSON type is 400 ValidationError"
    EnumsChecked "enums-checked" Documented "SDK: models" "a value that an enumeration lacks is 400 ValidationError"
    ReadOnlyIgnored "read-only-ignored" Documented "SDK: models" "read-only properties that are sent are not stored"
    UnknownIgnored "unknown-ignored" Guess "JSON binding of the service" "properties that the model of the api-version lacks are not stored, and not shown"
    CaseIgnored "case-ignored" Documented "ARM: ids are compared without case" "an id in another case is the same resource, which keeps its first spelling"
    ParentExists "parent-exists" Documented "REST: ResourceNotFound" "a child of what is not there is 404"
    OperationPolicyParent "operation-policy-parent" Reported "apiops#399, #329" "a policy of an operation that is not there is 400: Entity with specified identifier not found"
    LinkTargetExists "link-target-exists" Documented "REST: ResourceNotFound" "a link to what is not there is refused"
    ReferenceExists "reference-exists" Reported "apiops#345, apiops-cli#147" "a property that names a resource which is not there is 400 ValidationError"
    Paging "paging" Documented "REST: $top, nextLink" "lists have pages of 100"
    Filtering "filtering" Documented "REST: $filter" "$filter is applied, and one that cannot be read is 400"
    PathUnique "path-unique" Reported "devops-resource-kit#147, apiops#712" "two APIs of one path are refused unless they are versions of one set"
    VersionUnique "version-unique" Guess "REST: versions" "two APIs with one version in one version set are refused"
    VersionNeedsSet "version-needs-set" Reported "pulumi-azure-native#1661" "an API with apiVersion and without apiVersionSetId is refused"
    ImportOperations "import-operations" Documented "API import" "a definition that is put makes the operations and schemas"
    ImportRemoves "import-removes" Documented "API import restrictions" "operations that a new definition lacks are removed; policies of those that stay are kept"
    OperationNames "operation-names" Observed "exports of API Management: 282 of 282 folders" "an operation has its operationId as name, as it stands, unless an id cannot have it (the SDK's pattern of names, white space, `/`). Seen with letters, digits, `-` and `_`; a guess for others"
    GeneratedNames "generated-names" Documented "API import restrictions" "an operation without operationId is named by method and path, and such names and other operationIds are normalised"
    RequiredQuery "required-query" Documented "API import restrictions" "required query parameters become template parameters"
    GetBody "get-body" Documented "API import restrictions" "bodies of GET, HEAD and OPTIONS are dropped at import"
    ImportBroken "import-broken" Documented "API import restrictions" "a definition that cannot be read is 400 ValidationError"
    ExternalReferences "external-references" Documented "API import restrictions" "a definition with a reference to another file is refused"
    ImportSize "import-size" Documented "API import restrictions" "an inline definition over 4 MB is refused"
    WsdlNames "wsdl-names" Reported "apiops#399, apiops#538, azure-docs#119237" "operations of a WSDL get other names at each import"
    WsdlRestrictions "wsdl-restrictions" Documented "API import restrictions" "a WSDL that imports or includes other files, or has an rpc binding, is refused"
    WsdlEndpoints "wsdl-endpoints" Reported "apiops#428" "a WSDL with several SOAP endpoints is refused without wsdlSelector"
    Exports "exports" Documented "REST: ApiExport" "an export is made of what is stored, not of the text that came in"
    TypeReadOnly "type-read-only" Reported "apiops-cli: apiType" "`type: soap` of an API is not taken; `apiType: soap` is"
    TemplateParameters "template-parameters" Reported "apiops-cli: sanitizer of operations" "a parameter of urlTemplate must be declared, and one that is declared must be in it"
    RevisionCopies "revision-copies" Documented "APIM: revisions" "a new revision copies operations, schemas and policies of `sourceApiId`"
    RevisionFixed "revision-fixed" Reported "devops-resource-kit#316, azure-powershell#9270" "name and path of a revision that is not current cannot change"
    RevisionMakesApi "revision-makes-api" Reported "apiops#373" "a revision of an API that is not there makes the API, with that revision as the current one"
    RevisionNotCurrent "revision-not-current" Reported "devops-resource-kit#316, apiops#373" "a new revision that says isCurrent is refused"
    RootRevision "root-revision" Reported "devops-resource-kit#731" "an API that says isCurrent and another revision than the current one is refused"
    ReleaseMoves "release-moves" Documented "APIM: releases" "a release makes its revision the current one"
    ReleaseTarget "release-target" Guess "REST: ApiRelease" "a release of a revision that is not of its API is refused"
    ApiInUse "api-in-use" Documented "REST: deleteRevisions; apiops-cli#142" "an API with other revisions is deleted with them only by deleteRevisions=true"
    ProductDefaults "product-defaults" Reported "apiops: deletes both after creation" "a new product has the group administrators and a subscription of the administrator"
    ProductInUse "product-in-use" Documented "REST: deleteSubscriptions; apiops#94" "a product with subscriptions is deleted only by deleteSubscriptions=true"
    ProductApproval "product-approval" Documented "REST: approvalRequired" "approvalRequired and subscriptionsLimit need subscriptionRequired"
    SystemGroups "system-groups" Reported "devops-resource-kit#776" "built-in groups cannot be modified or deleted: MethodNotAllowed"
    ManagedGateway "managed-gateway" Reported "trees of the extractor: gateways/managed" "the built-in gateway `managed` takes links of APIs, is not listed and cannot be written"
    MasterSubscription "master-subscription" Reported "facts of the peers, B1" "the subscription `master` cannot be written or deleted"
    SecretsHidden "secrets-hidden" Documented "REST: listValue, listSecrets" "secrets are taken and never shown; listValue and listSecrets show them"
    LoggerSecrets "logger-secrets" Observed "extracted trees: Logger-Credentials--<hex>" "credentials of a logger become named values, and the logger names them"
    NamedValueNeedsValue "named-value-needs-value" Reported "apiops skips those without" "a named value without value and without Key Vault identifier is refused"
    ValueAndVault "value-and-vault" Reported "apiops-cli: strips value" "a named value with value and Key Vault identifier is refused"
    NamedValueUnique "named-value-unique" Reported "apiops#837" "two named values of one display name are refused"
    TagUnique "tag-unique" Reported "apiops#855, apiops#770" "two tags of one display name are refused"
    PolicyWellFormed "policy-well-formed" Documented "REST: policy format" "a policy that is not well-formed, or has another root, is 400 ValidationError"
    PolicyXmlFormat "policy-xml-format" Documented "REST: format xml" "format xml takes well-formed XML only; rawxml takes expressions as they are"
    PolicySections "policy-sections" Documented "policies reference" "sections are inbound, backend, outbound, on-error, each at most once"
    PolicyReferences "policy-references" Reported "apiops#565, apiops#825" "a policy that names a fragment, backend or named value which is not there is refused"
    PolicyStored "policy-stored" Observed "extracted trees" "a policy is stored with CRLF line ends and read back as xml unless format=rawxml asks otherwise"
    PolicySize "policy-size" Documented "service limits" "a policy over 256 KiB, or a fragment over 512 KiB, is refused"
    FragmentInUse "fragment-in-use" Reported "apiops-cli#261" "a fragment that a policy includes cannot be deleted"
    NamedValueInUse "named-value-in-use" Documented "named values" "a named value that a policy names cannot be deleted"
    BackendInUse "backend-in-use" Guess "portal" "a backend that a policy names cannot be deleted"
    LinkUnique "link-unique" Reported "apiops#835" "a second link to one target is 409: Link already exists"
    ResolverSchema "resolver-schema" Reported "facts of the peers, B7" "a resolver of an API without GraphQL schema is refused"
    SubscriptionScope "subscription-scope" Documented "REST: subscriptions" "a subscription names a product, an API or all APIs that are there"
    WebsocketUrl "websocket-url" Documented "WebSocket APIs" "a WebSocket API needs a serviceUrl of ws or wss"
    PoolMembers "pool-members" Documented "REST: CreateBackendPool example; bicep-types-az#2170" "a pool has services and no url, and does not need the url and protocol that the SDK requires"
    VersionSetNames "version-set-names" Documented "version sets" "a version set by header or query needs the name of it"
    DeploymentLimits "deployment-limits" Documented "ARM limits" "a template over 4 MB, or a resource over 1 MB, is refused"
    CompleteMode "complete-mode" Documented "ARM: deployment modes; devops-resource-kit#602" "a deployment in complete mode deletes the services of the group that its template does not name, and no children of those that it names"
    WhatIfErrors "what-if-errors" Reported "azure-cli#13295" "the error of a what-if is in its result, which comes with status 200"
    StackUnmanages "stack-unmanages" Documented "ARM: deployment stacks" "what the template of a stack no longer names is deleted or detached, as actionOnUnmanage says; what cannot be deleted makes the stack fail"
    StackDenies "stack-denies" Documented "ARM: deployment stacks, deny settings" "what a stack manages cannot be deleted, or not be written either, by other requests than its own: 403 DenyAssignmentAuthorizationFailed"
    StackDenyPermission "stack-deny-permission" Reported "deployment-stacks#163" "deny settings need the action Microsoft.Resources/deploymentStacks/manageDenySetting/action, which Contributors do not have"
    DeploymentOrder "deployment-order" Documented "ARM: dependsOn" "resources of a template start when what they depend on is there, and together otherwise"
}

/// The behaviours that are on.
#[derive(Debug, Clone, Default)]
pub struct Behaviours {
    off: BTreeSet<Row>,
}

impl Behaviours {
    /// All but those named.
    ///
    /// # Errors
    /// The first name that is no row.
    pub fn without<S: AsRef<str>>(names: &[S]) -> Result<Self, String> {
        let mut off = BTreeSet::new();
        for name in names {
            let name = name.as_ref();
            let row = Row::ALL.iter().find(|row| row.about().name == name);
            off.insert(*row.ok_or_else(|| {
                format!("there is no behaviour `{name}`: GET /behaviours lists them")
            })?);
        }
        Ok(Self { off })
    }

    /// Whether a behaviour is on.
    pub fn on(&self, row: Row) -> bool {
        !self.off.contains(&row)
    }

    /// What `GET /behaviours` answers.
    pub fn list(&self) -> Value {
        let rows: Vec<Value> = Row::ALL
            .iter()
            .map(|&row| {
                let about = row.about();
                json!({"name": about.name, "class": about.class.as_str(), "source": about.source,
                       "what": about.what, "on": self.on(row)})
            })
            .collect();
        json!({ "behaviours": rows })
    }

    /// The table of the README.
    pub fn markdown() -> String {
        let mut out = String::from("| name | class | what | source |\n|---|---|---|---|\n");
        for row in Row::ALL {
            let about = row.about();
            let what = about.what.replace('|', "\\|");
            out.push_str(&format!(
                "| `{}` | {} | {} | {} |\n",
                about.name,
                about.class.as_str(),
                what,
                about.source
            ));
        }
        out
    }
}
