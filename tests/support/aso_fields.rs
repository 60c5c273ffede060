//! What the ASO v20240501 CRDs call things, and what ARM calls them.

/// A kind: its ARM type below the service, and the kind that owns it.
pub(crate) struct Kind {
    /// Kubernetes kind.
    pub(crate) kind: &'static str,
    /// ARM type after `Microsoft.ApiManagement/service/`.
    pub(crate) type_: &'static str,
    /// Kind of the owner.
    pub(crate) owner: &'static str,
    /// Whether the spec has `azureName`; without it the name is `policy`.
    pub(crate) named: bool,
}

const fn kind(kind: &'static str, type_: &'static str, owner: &'static str) -> Kind {
    Kind {
        kind,
        type_,
        owner,
        named: true,
    }
}

const fn policy(kind: &'static str, type_: &'static str, owner: &'static str) -> Kind {
    Kind {
        kind,
        type_,
        owner,
        named: false,
    }
}

/// Every kind of the group that lives inside a service.
pub(crate) const KINDS: &[Kind] = &[
    kind("Api", "apis", "Service"),
    kind("ApiDiagnostic", "apis/diagnostics", "Api"),
    policy("ApiPolicy", "apis/policies", "Api"),
    kind("ApiVersionSet", "apiVersionSets", "Service"),
    kind("AuthorizationProvider", "authorizationProviders", "Service"),
    kind(
        "AuthorizationProvidersAuthorization",
        "authorizationProviders/authorizations",
        "AuthorizationProvider",
    ),
    kind(
        "AuthorizationProvidersAuthorizationsAccessPolicy",
        "authorizationProviders/authorizations/accessPolicies",
        "AuthorizationProvidersAuthorization",
    ),
    kind("Backend", "backends", "Service"),
    kind("Certificate", "certificates", "Service"),
    kind("Diagnostic", "diagnostics", "Service"),
    kind("Group", "groups", "Service"),
    kind("Logger", "loggers", "Service"),
    kind("NamedValue", "namedValues", "Service"),
    policy("Policy", "policies", "Service"),
    kind("PolicyFragment", "policyFragments", "Service"),
    kind("Product", "products", "Service"),
    kind("ProductApi", "products/apis", "Product"),
    kind("ProductGroup", "products/groups", "Product"),
    policy("ProductPolicy", "products/policies", "Product"),
    kind("ServiceGateway", "gateways", "Service"),
    kind("ServiceGatewayApi", "gateways/apis", "ServiceGateway"),
    kind(
        "ServiceGatewayCertificateAuthority",
        "gateways/certificateAuthorities",
        "ServiceGateway",
    ),
    kind(
        "ServiceGatewayHostnameConfiguration",
        "gateways/hostnameConfigurations",
        "ServiceGateway",
    ),
    kind("Subscription", "subscriptions", "Service"),
    kind("User", "users", "Service"),
];

/// How a spec field that ARM has under another name or in another form is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `{group, kind, name}` or `{armId}`.
    Reference,
    /// `{name, key}` of a Secret.
    Secret,
    /// `{name}` of a Secret, all keys of which become properties.
    SecretMap,
    /// `{name, key}` of a ConfigMap.
    ConfigMap,
}

/// Kind, path in the spec (`[]` for an array), last segment in ARM, form.
pub(crate) const FIELDS: &[(&str, &str, &str, Form)] = &[
    ("Api", "apiVersionSet.reference", "id", Form::Reference),
    (
        "Api",
        "apiVersionSetReference",
        "apiVersionSetId",
        Form::Reference,
    ),
    ("Api", "sourceApiReference", "sourceApiId", Form::Reference),
    (
        "ApiDiagnostic",
        "loggerReference",
        "loggerId",
        Form::Reference,
    ),
    (
        "AuthorizationProvider",
        "oauth2.grantTypes.authorizationCode",
        "authorizationCode",
        Form::SecretMap,
    ),
    (
        "AuthorizationProvider",
        "oauth2.grantTypes.clientCredentials",
        "clientCredentials",
        Form::SecretMap,
    ),
    (
        "AuthorizationProvidersAuthorization",
        "parameters",
        "parameters",
        Form::SecretMap,
    ),
    (
        "AuthorizationProvidersAuthorizationsAccessPolicy",
        "objectIdFromConfig",
        "objectId",
        Form::ConfigMap,
    ),
    (
        "AuthorizationProvidersAuthorizationsAccessPolicy",
        "tenantIdFromConfig",
        "tenantId",
        Form::ConfigMap,
    ),
    (
        "Backend",
        "pool.services[].reference",
        "id",
        Form::Reference,
    ),
    ("Backend", "proxy.password", "password", Form::Secret),
    (
        "Backend",
        "resourceReference",
        "resourceId",
        Form::Reference,
    ),
    ("Certificate", "data", "data", Form::Secret),
    (
        "Certificate",
        "keyVault.identityClientIdFromConfig",
        "identityClientId",
        Form::ConfigMap,
    ),
    ("Certificate", "password", "password", Form::Secret),
    ("Diagnostic", "loggerReference", "loggerId", Form::Reference),
    ("Logger", "credentials", "credentials", Form::SecretMap),
    ("Logger", "resourceReference", "resourceId", Form::Reference),
    (
        "NamedValue",
        "keyVault.identityClientIdFromConfig",
        "identityClientId",
        Form::ConfigMap,
    ),
    (
        "ServiceGatewayHostnameConfiguration",
        "certificateReference",
        "certificateId",
        Form::Reference,
    ),
    ("Subscription", "ownerReference", "ownerId", Form::Reference),
    ("Subscription", "primaryKey", "primaryKey", Form::Secret),
    ("Subscription", "secondaryKey", "secondaryKey", Form::Secret),
    ("User", "password", "password", Form::Secret),
];
