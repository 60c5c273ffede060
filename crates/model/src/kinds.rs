//! Resource kinds: the one table of what APIM has and how the tree, Azure and
//! the operator spell it. A new kind is a row.
//!
//! Sources: folder and file names from `Azure/apiops` and `Azure/apiops-cli`
//! (and their older versions), ARM types from the 2024-05-01 resource schemas,
//! ASO kinds from the v20240501 CRDs.

use super::pattern::Pattern;
use std::sync::LazyLock;

macro_rules! kinds {
    ($($id:ident { $($field:ident: $value:expr),* $(,)? })*) => {
        /// A kind of resource, in deployment-friendly order: what others refer
        /// to comes first.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $(#[doc = concat!("Row of the table: `", stringify!($id), "`.")] $id,)*
        }

        static TABLE: &[Row] = &[$(Row { $($field: $value,)* ..Row::EMPTY },)*];

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Kind] = &[$(Kind::$id),*];

            /// Name of the row.
            pub fn name(self) -> &'static str {
                match self { $(Kind::$id => stringify!($id),)* }
            }
        }
    };
}

/// What a file of the tree is to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Declares the resource and its properties.
    Information,
    /// A policy document: the resource's `value`.
    Policy,
    /// An API definition.
    Definition,
    /// Markdown: the text of a wiki page.
    Wiki,
    /// A JSON array of `{"name"}`: one link resource for each.
    List,
    /// A file of an environment, which changes what the others say.
    Override,
}

impl Role {
    /// The word in the inventory.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Information | Self::Wiki | Self::List => "information",
            Self::Policy => "policy",
            Self::Definition => "definition",
            Self::Override => "override",
        }
    }
}

/// How a kind looks inside a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InWorkspace {
    /// The same, under `service/workspaces`.
    Same,
    /// Another type, which names its target in a property.
    Link {
        /// Its ARM type below the workspace.
        arm: &'static str,
        /// The property that names the target.
        property: &'static str,
        /// The kind of the target.
        target: Kind,
        /// Whether the names stand the other way round.
        swapped: bool,
    },
    /// Workspaces do not have it.
    Absent,
}

/// A property that names another resource.
#[derive(Debug, Clone, Copy)]
pub struct Reference {
    /// Path in `properties`; `[]` steps into each item.
    pub path: &'static str,
    /// What it may name; more than one for a scope.
    pub targets: &'static [Kind],
    /// ASO's spelling of the field, when it is a reference there.
    pub aso: Option<&'static str>,
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// What people call it, in messages.
    pub label: &'static str,
    /// ARM type below `Microsoft.ApiManagement/service/`.
    pub arm: &'static str,
    /// The kind it is a child of.
    pub parent: Option<Kind>,
    /// The kind that the last name segment names, for link kinds.
    pub links_to: Option<Kind>,
    /// Files of every layout: role and pattern below the project root. `{}` is
    /// a name, `a|b` alternatives; names in the order of the ARM name, unless
    /// numbered `{1}/.../{0}`.
    pub files: &'static [(Role, &'static str)],
    /// Property of the parent's information file that lists these links.
    pub listed_in: Option<&'static str>,
    /// Key in an environment file, below the parent's entry.
    pub section: Option<&'static str>,
    /// How it looks in a workspace.
    pub workspace: InWorkspace,
    /// The name, when every instance has the same.
    pub singleton: Option<&'static str>,
    /// Properties that name other resources.
    pub references: &'static [Reference],
    /// Properties that name a sibling of the kind by its last name: `[]` steps
    /// into items.
    pub names: &'static [(&'static str, Kind)],
    /// Properties with secrets; `[]` steps into items, `*` into entries. They are
    /// never rendered with a value.
    pub secrets: &'static [&'static str],
    /// Properties that only Azure sets: a GET shows them, a PUT does not take them.
    /// Source: `readOnly` in the REST specifications.
    pub read_only: &'static [&'static str],
    /// Properties that the resource schemas lack, with the first api-version that
    /// takes them.
    pub also: &'static [(&'static str, &'static str)],
    /// Whether strings may hold `{{named value}}`.
    pub named_values: bool,
    /// Whether ARM takes a body. Most links have none.
    pub has_properties: bool,
    /// ASO kind of `apimanagement.azure.com/v20240501`.
    pub aso: Option<&'static str>,
}

impl Row {
    /// Whether the property at `path` is a secret.
    pub fn is_secret(&self, path: &str) -> bool {
        self.secrets
            .iter()
            .any(|secret| match secret.split_once('*') {
                None => *secret == path,
                Some((before, after)) => path
                    .strip_prefix(before)
                    .and_then(|rest| rest.strip_suffix(after))
                    .is_some_and(|name| !name.is_empty()),
            })
    }

    const EMPTY: Self = Self {
        label: "",
        arm: "",
        parent: None,
        links_to: None,
        files: &[],
        listed_in: None,
        section: None,
        workspace: InWorkspace::Absent,
        singleton: None,
        references: &[],
        names: &[],
        secrets: &[],
        read_only: &[],
        also: &[],
        named_values: false,
        has_properties: true,
        aso: None,
    };
}

use InWorkspace::{Link, Same};
use Role::{Definition, Information, List, Policy, Wiki};

/// The api-version that has MCP servers.
const PREVIEW: &str = "2025-09-01-preview";

const LOGGER: &[Reference] = &[Reference {
    path: "loggerId",
    targets: &[Kind::Logger],
    aso: Some("loggerReference"),
}];

kinds! {
    Workspace {
        label: "workspace",
        arm: "workspaces",
        files: &[(Information, "workspaces/{}/workspaceInformation.json")],
        section: Some("workspaces"),
    }
    NamedValue {
        label: "named value",
        arm: "namedValues",
        files: &[(Information, "named values|namedValues/{}/namedValueInformation.json")],
        section: Some("namedValues"),
        workspace: Same,
        read_only: &["provisioningState", "keyVault.lastStatus"],
        aso: Some("NamedValue"),
    }
    Tag {
        label: "tag",
        arm: "tags",
        files: &[(Information, "tags/{}/tagInformation.json")],
        section: Some("tags"),
        workspace: Same,
    }
    Group {
        label: "group",
        arm: "groups",
        files: &[(Information, "groups/{}/groupInformation.json")],
        section: Some("groups"),
        workspace: Same,
        read_only: &["builtIn"],
        aso: Some("Group"),
    }
    Gateway {
        label: "gateway",
        arm: "gateways",
        files: &[(Information, "gateways/{}/gatewayInformation.json")],
        section: Some("gateways"),
        aso: Some("ServiceGateway"),
    }
    VersionSet {
        label: "version set",
        arm: "apiVersionSets",
        files: &[(Information, "version sets|versionSets|apiVersionSets/{}/versionSetInformation.json|apiVersionSetInformation.json")],
        section: Some("versionSets"),
        workspace: Same,
        aso: Some("ApiVersionSet"),
    }
    Backend {
        label: "backend",
        arm: "backends",
        files: &[(Information, "backends/{}/backendInformation.json")],
        section: Some("backends"),
        workspace: Same,
        references: &[Reference {
            path: "pool.services[].id",
            targets: &[Kind::Backend],
            aso: Some("reference"),
        }],
        secrets: &[
            "proxy.password",
            "credentials.authorization.parameter",
            "credentials.header.*[]",
            "credentials.query.*[]",
        ],
        named_values: true,
        aso: Some("Backend"),
    }
    Logger {
        label: "logger",
        arm: "loggers",
        files: &[(Information, "loggers/{}/loggerInformation.json")],
        section: Some("loggers"),
        workspace: Same,
        secrets: &["credentials.instrumentationKey", "credentials.connectionString"],
        named_values: true,
        aso: Some("Logger"),
    }
    Diagnostic {
        label: "diagnostic",
        arm: "diagnostics",
        files: &[(Information, "diagnostics/{}/diagnosticInformation.json")],
        section: Some("diagnostics"),
        workspace: Same,
        references: LOGGER,
        aso: Some("Diagnostic"),
    }
    GlobalSchema {
        label: "schema",
        arm: "schemas",
        files: &[(Information, "schemas/{}/schemaInformation.json")],
        section: Some("schemas"),
        workspace: Same,
        read_only: &["provisioningState"],
    }
    PolicyFragment {
        label: "policy fragment",
        arm: "policyFragments",
        files: &[
            (Information, "policy fragments|policyFragments/{}/policyFragmentInformation.json"),
            (Policy, "policy fragments|policyFragments/{}/policy.xml"),
        ],
        section: Some("policyFragments"),
        workspace: Same,
        read_only: &["provisioningState"],
        aso: Some("PolicyFragment"),
    }
    PolicyRestriction {
        label: "policy restriction",
        arm: "policyRestrictions",
        files: &[(Information, "policyRestrictions/{}/policyRestrictionInformation.json")],
        section: Some("policyRestrictions"),
        references: &[Reference {
            path: "scope",
            targets: &[Kind::Product, Kind::Api, Kind::ApiOperation, Kind::Workspace],
            aso: None,
        }],
    }
    Documentation {
        label: "documentation",
        arm: "documentations",
        files: &[(Information, "documentations/{}/documentationInformation.json")],
        section: Some("documentations"),
    }
    ServicePolicy {
        label: "service policy",
        arm: "policies",
        files: &[(Policy, "policy.xml")],
        section: Some("policies"),
        workspace: Same,
        singleton: Some("policy"),
        aso: Some("Policy"),
    }
    Product {
        label: "product",
        arm: "products",
        files: &[(Information, "products/{}/productInformation.json")],
        section: Some("products"),
        workspace: Same,
        aso: Some("Product"),
    }
    ProductPolicy {
        label: "product policy",
        arm: "products/policies",
        parent: Some(Kind::Product),
        files: &[(Policy, "products/{}/policy.xml")],
        section: Some("policies"),
        workspace: Same,
        singleton: Some("policy"),
        aso: Some("ProductPolicy"),
    }
    ProductWiki {
        label: "wiki",
        arm: "products/wikis",
        parent: Some(Kind::Product),
        files: &[(Wiki, "products/{}/wiki.md")],
        singleton: Some("default"),
    }
    ProductGroup {
        label: "group of a product",
        arm: "products/groups",
        parent: Some(Kind::Product),
        links_to: Some(Kind::Group),
        files: &[
            (Information, "products/{}/groups/{}/productGroupInformation.json"),
            (List, "products/{}/groups.json"),
        ],
        workspace: Link { arm: "products/groupLinks", property: "groupId", target: Kind::Group, swapped: false },
        has_properties: false,
        aso: Some("ProductGroup"),
    }
    Api {
        label: "API",
        arm: "apis",
        files: &[
            (Information, "apis/{}/apiInformation.json"),
            (Definition, "apis/{}/specification.json|specification.yaml|specification.yml|specification.graphql|specification.wsdl|specification.wadl|specification.xml|specification.edmx|specification.proto"),
        ],
        section: Some("apis"),
        workspace: Same,
        references: &[
            Reference { path: "apiVersionSetId", targets: &[Kind::VersionSet], aso: Some("apiVersionSetReference") },
            Reference { path: "sourceApiId", targets: &[Kind::Api], aso: Some("sourceApiReference") },
            Reference { path: "backendId", targets: &[Kind::Backend], aso: None },
            Reference { path: "mcpTools[].operationId", targets: &[Kind::ApiOperation], aso: None },
        ],
        read_only: &["isOnline", "provisioningState"],
        also: &[("backendId", PREVIEW), ("mcpTools", PREVIEW)],
        aso: Some("Api"),
    }
    ApiSchema {
        label: "schema",
        arm: "apis/schemas",
        parent: Some(Kind::Api),
        files: &[(Information, "apis/{}/schemas/{}/apiSchemaInformation.json|schemaInformation.json")],
        section: Some("schemas"),
        workspace: Same,
        read_only: &["provisioningState"],
    }
    ApiOperation {
        label: "operation",
        arm: "apis/operations",
        parent: Some(Kind::Api),
        files: &[(Information, "apis/{}/operations/{}/operationInformation.json")],
        section: Some("operations"),
        workspace: Same,
        names: &[
            ("templateParameters[].schemaId", Kind::ApiSchema),
            ("request.headers[].schemaId", Kind::ApiSchema),
            ("request.queryParameters[].schemaId", Kind::ApiSchema),
            ("request.representations[].schemaId", Kind::ApiSchema),
            ("request.representations[].formParameters[].schemaId", Kind::ApiSchema),
            ("responses[].headers[].schemaId", Kind::ApiSchema),
            ("responses[].representations[].schemaId", Kind::ApiSchema),
            ("responses[].representations[].formParameters[].schemaId", Kind::ApiSchema),
        ],
    }
    ApiRelease {
        label: "release",
        arm: "apis/releases",
        parent: Some(Kind::Api),
        files: &[(Information, "apis/{}/releases/{}/apiReleaseInformation.json|releaseInformation.json")],
        section: Some("releases"),
        workspace: Same,
        references: &[Reference { path: "apiId", targets: &[Kind::Api], aso: None }],
        read_only: &["createdDateTime", "updatedDateTime"],
    }
    ApiPolicy {
        label: "API policy",
        arm: "apis/policies",
        parent: Some(Kind::Api),
        files: &[(Policy, "apis/{}/policy.xml")],
        section: Some("policies"),
        workspace: Same,
        singleton: Some("policy"),
        aso: Some("ApiPolicy"),
    }
    OperationPolicy {
        label: "operation policy",
        arm: "apis/operations/policies",
        parent: Some(Kind::ApiOperation),
        files: &[(Policy, "apis/{}/operations/{}/policy.xml")],
        section: Some("policies"),
        workspace: Same,
        singleton: Some("policy"),
    }
    ApiDiagnostic {
        label: "diagnostic",
        arm: "apis/diagnostics",
        parent: Some(Kind::Api),
        files: &[(Information, "apis/{}/diagnostics/{}/diagnosticInformation.json|apiDiagnosticInformation.json")],
        section: Some("diagnostics"),
        workspace: Same,
        references: LOGGER,
        aso: Some("ApiDiagnostic"),
    }
    ApiTag {
        label: "tag of an API",
        arm: "apis/tags",
        parent: Some(Kind::Api),
        links_to: Some(Kind::Tag),
        files: &[
            (Information, "apis/{}/tags/{}/tagInformation.json|apiTagInformation.json"),
            (Information, "tags/{1}/apis/{0}/tagApiInformation.json"),
            (List, "apis/{}/tags.json"),
        ],
        workspace: Link { arm: "tags/apiLinks", property: "apiId", target: Kind::Api, swapped: true },
        has_properties: false,
    }
    ApiTagDescription {
        label: "tag description",
        arm: "apis/tagDescriptions",
        parent: Some(Kind::Api),
        links_to: Some(Kind::Tag),
        files: &[(Information, "apis/{}/tagDescriptions/{}/tagDescriptionInformation.json")],
        section: Some("tagDescriptions"),
    }
    ApiWiki {
        label: "wiki",
        arm: "apis/wikis",
        parent: Some(Kind::Api),
        files: &[(Wiki, "apis/{}/wiki.md")],
        singleton: Some("default"),
    }
    Resolver {
        label: "resolver",
        arm: "apis/resolvers",
        parent: Some(Kind::Api),
        files: &[(Information, "apis/{}/resolvers/{}/resolverInformation.json")],
        section: Some("resolvers"),
    }
    ResolverPolicy {
        label: "resolver policy",
        arm: "apis/resolvers/policies",
        parent: Some(Kind::Resolver),
        files: &[(Policy, "apis/{}/resolvers/{}/policy.xml")],
        section: Some("policies"),
        singleton: Some("policy"),
    }
    ProductApi {
        label: "API of a product",
        arm: "products/apis",
        parent: Some(Kind::Product),
        links_to: Some(Kind::Api),
        files: &[
            (Information, "products/{}/apis/{}/productApiInformation.json"),
            (List, "products/{}/apis.json"),
        ],
        workspace: Link { arm: "products/apiLinks", property: "apiId", target: Kind::Api, swapped: false },
        has_properties: false,
        aso: Some("ProductApi"),
    }
    ProductTag {
        label: "tag of a product",
        arm: "products/tags",
        parent: Some(Kind::Product),
        links_to: Some(Kind::Tag),
        files: &[
            (Information, "products/{}/tags/{}/tagInformation.json|productTagInformation.json"),
            (Information, "tags/{1}/products/{0}/tagProductInformation.json"),
            (List, "products/{}/tags.json"),
        ],
        listed_in: Some("tags"),
        workspace: Link { arm: "tags/productLinks", property: "productId", target: Kind::Product, swapped: true },
        has_properties: false,
    }
    GatewayApi {
        label: "API of a gateway",
        arm: "gateways/apis",
        parent: Some(Kind::Gateway),
        links_to: Some(Kind::Api),
        files: &[
            (Information, "gateways/{}/apis/{}/gatewayApiInformation.json"),
            (List, "gateways/{}/apis.json"),
        ],
        aso: Some("ServiceGatewayApi"),
    }
    Subscription {
        label: "subscription",
        arm: "subscriptions",
        files: &[(Information, "subscriptions/{}/subscriptionInformation.json")],
        section: Some("subscriptions"),
        workspace: Same,
        references: &[Reference { path: "scope", targets: &[Kind::Product, Kind::Api], aso: None }],
        secrets: &["primaryKey", "secondaryKey"],
        read_only: &["createdDate", "startDate", "expirationDate", "endDate", "notificationDate", "stateComment"],
        aso: Some("Subscription"),
    }
}

/// A file pattern with what it declares.
#[derive(Debug)]
pub struct FilePattern {
    /// The kind that the file belongs to.
    pub kind: Kind,
    /// What the file is to it.
    pub role: Role,
    /// Where it lies below the project root (or a workspace's folder).
    pub pattern: Pattern,
}

static FILES: LazyLock<Vec<FilePattern>> = LazyLock::new(|| {
    Kind::ALL
        .iter()
        .flat_map(|&kind| {
            kind.row()
                .files
                .iter()
                .map(move |&(role, text)| FilePattern {
                    kind,
                    role,
                    pattern: Pattern::parse(text),
                })
        })
        .collect()
});

impl Kind {
    /// The row of the kind.
    pub fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }

    /// Every file pattern of every kind.
    pub fn files() -> &'static [FilePattern] {
        &FILES
    }

    /// Kinds whose parent is `parent` and that an environment file can name.
    pub fn sections(parent: Option<Kind>) -> impl Iterator<Item = (Kind, &'static str)> {
        Self::ALL.iter().filter_map(move |&kind| {
            let row = kind.row();
            (row.parent == parent).then_some((kind, row.section?))
        })
    }

    /// Full ARM type of an instance.
    pub fn arm_type(self, in_workspace: bool) -> String {
        let row = self.row();
        match (in_workspace, row.workspace) {
            (false, _) => format!("Microsoft.ApiManagement/service/{}", row.arm),
            (true, Link { arm, .. }) => {
                format!("Microsoft.ApiManagement/service/workspaces/{arm}")
            }
            (true, _) => format!("Microsoft.ApiManagement/service/workspaces/{}", row.arm),
        }
    }

    /// The kind whose ARM type below the service is `arm`.
    pub fn by_arm(arm: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|kind| kind.row().arm.eq_ignore_ascii_case(arm))
    }

    /// Whether it does nothing but connect two resources: its information file
    /// may be empty.
    pub fn is_link(self) -> bool {
        let row = self.row();
        row.links_to.is_some() && row.section.is_none()
    }

    /// Whether its text is a policy document.
    pub fn is_policy(self) -> bool {
        self.row().files.iter().any(|(role, _)| *role == Policy)
    }

    /// What people call it.
    pub fn label(self) -> &'static str {
        self.row().label
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_consistent() {
        for &kind in Kind::ALL {
            let row = kind.row();
            assert!(!row.label.is_empty(), "{kind:?}");
            let own = row.arm.matches('/').count() + usize::from(row.singleton.is_none());
            let captures = |p: &Pattern| p.captures();
            for file in Kind::files().iter().filter(|file| file.kind == kind) {
                let expected = match file.role {
                    Role::List => own - 1,
                    _ => own,
                };
                assert_eq!(captures(&file.pattern), expected, "{kind:?}");
            }
            if let Some(parent) = row.parent {
                assert!(row.arm.starts_with(parent.row().arm), "{kind:?}");
            }
        }
    }
}
