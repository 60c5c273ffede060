//! The objects of OpenAPI 3.0 and 3.1, after their specifications.

use super::{Also, Field, Is, Need, PLAIN, Patterned, Shape, Version, fields};

pub(crate) static DOCUMENT: Shape = Shape {
    name: "document",
    fields: fields! {
        "openapi" Is::Text, Required;
        "info" Is::Object(&INFO), Required;
        "jsonSchemaDialect" Is::Text; V31;
        "servers" Is::List(&Is::Object(&SERVER));
        "paths" Is::Object(&PATHS);
        "x-ms-paths" Is::Unread(&Is::Map(&Is::Object(&PATH_ITEM)));
        "webhooks" Is::Map(&Is::Object(&PATH_ITEM)); V31;
        "components" Is::Object(&COMPONENTS);
        "security" Is::List(&Is::Object(&REQUIREMENT));
        "tags" Is::List(&Is::Object(&TAG));
        "externalDocs" Is::Object(&EXTERNAL_DOCS);
    },
    also: Some(Also::Document),
    ..PLAIN
};

static INFO: Shape = Shape {
    name: "info",
    fields: fields! {
        "title" Is::Text, Required;
        "summary" Is::Text; V31;
        "description" Is::Text;
        "termsOfService" Is::Text;
        "contact" Is::Object(&CONTACT);
        "license" Is::Object(&LICENSE);
        "version" Is::Text, Required;
    },
    ..PLAIN
};

static CONTACT: Shape = Shape {
    name: "contact",
    fields: fields! { "name" Is::Text; "url" Is::Text; "email" Is::Text; },
    also: Some(Also::Contact),
    ..PLAIN
};

static LICENSE: Shape = Shape {
    name: "license",
    fields: fields! {
        "name" Is::Text, Required;
        "identifier" Is::Text; V31;
        "url" Is::Text;
    },
    ..PLAIN
};

static SERVER: Shape = Shape {
    name: "server",
    fields: fields! {
        "url" Is::Text, Required;
        "description" Is::Text;
        "variables" Is::Map(&Is::Object(&SERVER_VARIABLE));
    },
    also: Some(Also::Server),
    ..PLAIN
};

static SERVER_VARIABLE: Shape = Shape {
    name: "server variable",
    fields: fields! {
        "enum" Is::Texts;
        "default" Is::Text, Required;
        "description" Is::Text;
    },
    ..PLAIN
};

static COMPONENTS: Shape = Shape {
    name: "components",
    fields: fields! {
        "schemas" Is::Components(&Is::Schema);
        "responses" Is::Components(&Is::Object(&RESPONSE));
        "parameters" Is::Components(&Is::Object(&PARAMETER));
        "examples" Is::Components(&Is::Object(&EXAMPLE));
        "requestBodies" Is::Components(&Is::Object(&REQUEST_BODY));
        "headers" Is::Components(&Is::Object(&HEADER));
        "securitySchemes" Is::Components(&Is::Object(&SECURITY_SCHEME));
        "links" Is::Components(&Is::Object(&LINK));
        "callbacks" Is::Components(&Is::Object(&CALLBACK));
        "pathItems" Is::Components(&Is::Object(&PATH_ITEM)); V31;
    },
    also: Some(Also::Components),
    ..PLAIN
};

static PATHS: Shape = Shape {
    name: "paths",
    patterned: Patterned::Paths(Is::Object(&PATH_ITEM)),
    also: Some(Also::Paths),
    ..PLAIN
};

static PATH_ITEM: Shape = Shape {
    name: "pathItem",
    fields: fields! {
        "$ref" Is::Text;
        "summary" Is::Text;
        "description" Is::Text;
        "get" Is::Object(&OPERATION);
        "put" Is::Object(&OPERATION);
        "post" Is::Object(&OPERATION);
        "delete" Is::Object(&OPERATION);
        "options" Is::Object(&OPERATION);
        "head" Is::Object(&OPERATION);
        "patch" Is::Object(&OPERATION);
        "trace" Is::Object(&OPERATION);
        "servers" Is::List(&Is::Object(&SERVER));
        "parameters" Is::List(&Is::Object(&PARAMETER));
    },
    components: Some("pathItems"),
    also: Some(Also::PathItem),
    ..PLAIN
};

static OPERATION: Shape = Shape {
    name: "operation",
    fields: fields! {
        "tags" Is::Texts;
        "summary" Is::Text;
        "description" Is::Text;
        "externalDocs" Is::Object(&EXTERNAL_DOCS);
        "operationId" Is::Text;
        "parameters" Is::List(&Is::Object(&PARAMETER));
        "requestBody" Is::Object(&REQUEST_BODY);
        "responses" Is::Object(&RESPONSES);
        "callbacks" Is::Map(&Is::Object(&CALLBACK));
        "deprecated" Is::Bool;
        "security" Is::List(&Is::Object(&REQUIREMENT));
        "servers" Is::List(&Is::Object(&SERVER));
    },
    also: Some(Also::Operation),
    ..PLAIN
};

static EXTERNAL_DOCS: Shape = Shape {
    name: "External Documentation",
    fields: fields! { "description" Is::Text; "url" Is::Text, Required; },
    ..PLAIN
};

const STYLES: &[&str] = &[
    "matrix",
    "label",
    "form",
    "simple",
    "spaceDelimited",
    "pipeDelimited",
    "deepObject",
];

static PARAMETER: Shape = Shape {
    name: "parameter",
    fields: fields! {
        "name" Is::Text, Required;
        "in" Is::Text, Required;
        "description" Is::Text;
        "required" Is::Bool;
        "deprecated" Is::Bool;
        "allowEmptyValue" Is::Bool;
        "style" Is::Word(STYLES);
        "explode" Is::Bool;
        "allowReserved" Is::Bool;
        "schema" Is::Schema;
        "example" Is::Any;
        "examples" Is::Map(&Is::Object(&EXAMPLE));
        "content" Is::Map(&Is::Object(&MEDIA_TYPE));
    },
    components: Some("parameters"),
    also: Some(Also::Parameter),
    ..PLAIN
};

static HEADER: Shape = Shape {
    name: "header",
    fields: fields! {
        "description" Is::Text;
        "required" Is::Bool;
        "deprecated" Is::Bool;
        "allowEmptyValue" Is::Bool;
        "style" Is::Word(STYLES);
        "explode" Is::Bool;
        "allowReserved" Is::Bool;
        "schema" Is::Schema;
        "example" Is::Any;
        "examples" Is::Map(&Is::Object(&EXAMPLE));
        "content" Is::Map(&Is::Object(&MEDIA_TYPE));
    },
    components: Some("headers"),
    ..PLAIN
};

static REQUEST_BODY: Shape = Shape {
    name: "requestBody",
    fields: fields! {
        "description" Is::Text;
        "content" Is::Map(&Is::Object(&MEDIA_TYPE)), Expected;
        "required" Is::Bool;
    },
    components: Some("requestBodies"),
    ..PLAIN
};

static MEDIA_TYPE: Shape = Shape {
    name: "mediaType",
    fields: fields! {
        "schema" Is::Schema;
        "example" Is::Any;
        "examples" Is::Map(&Is::Object(&EXAMPLE));
        "encoding" Is::Map(&Is::Object(&ENCODING));
    },
    ..PLAIN
};

static ENCODING: Shape = Shape {
    name: "encoding",
    fields: fields! {
        "contentType" Is::Text;
        "headers" Is::Map(&Is::Object(&HEADER));
        "style" Is::Word(STYLES);
        "explode" Is::Bool;
        "allowReserved" Is::Bool;
    },
    ..PLAIN
};

static RESPONSES: Shape = Shape {
    name: "Responses",
    patterned: Patterned::Responses(Is::Object(&RESPONSE)),
    ..PLAIN
};

static RESPONSE: Shape = Shape {
    name: "response",
    fields: fields! {
        "description" Is::Text, Required;
        "headers" Is::Map(&Is::Object(&HEADER));
        "content" Is::Map(&Is::Object(&MEDIA_TYPE));
        "links" Is::Map(&Is::Object(&LINK));
    },
    components: Some("responses"),
    ..PLAIN
};

static CALLBACK: Shape = Shape {
    name: "callback",
    patterned: Patterned::Any(Is::Object(&PATH_ITEM)),
    components: Some("callbacks"),
    also: Some(Also::Callback),
    ..PLAIN
};

static EXAMPLE: Shape = Shape {
    name: "example",
    fields: fields! {
        "summary" Is::Text;
        "description" Is::Text;
        "value" Is::Any;
        "externalValue" Is::Text;
    },
    components: Some("examples"),
    ..PLAIN
};

static LINK: Shape = Shape {
    name: "link",
    fields: fields! {
        "operationRef" Is::Text;
        "operationId" Is::Text;
        "parameters" Is::Map(&Is::Any);
        "requestBody" Is::Any;
        "description" Is::Text;
        "server" Is::Object(&SERVER);
    },
    components: Some("links"),
    also: Some(Also::Link),
    ..PLAIN
};

static TAG: Shape = Shape {
    name: "tag",
    fields: fields! {
        "name" Is::Text, RequiredLater;
        "description" Is::Text;
        "externalDocs" Is::Object(&EXTERNAL_DOCS);
    },
    ..PLAIN
};

static SECURITY_SCHEME: Shape = Shape {
    name: "securityScheme",
    fields: fields! {
        "type" Is::Word(&["apiKey", "http", "oauth2", "openIdConnect", "mutualTLS"]), Expected;
        "description" Is::Text;
        "name" Is::Text;
        "in" Is::Word(&["query", "header", "cookie"]);
        "scheme" Is::Text;
        "bearerFormat" Is::Text;
        "flows" Is::Object(&FLOWS);
        "openIdConnectUrl" Is::Text;
    },
    components: Some("securitySchemes"),
    also: Some(Also::Scheme),
    ..PLAIN
};

static FLOWS: Shape = Shape {
    name: "OAuthFlows",
    fields: fields! {
        "implicit" Is::Object(&FLOW);
        "password" Is::Object(&FLOW);
        "clientCredentials" Is::Object(&FLOW);
        "authorizationCode" Is::Object(&FLOW);
    },
    ..PLAIN
};

static FLOW: Shape = Shape {
    name: "OAuthFlow",
    fields: fields! {
        "authorizationUrl" Is::Text;
        "tokenUrl" Is::Text;
        "refreshUrl" Is::Text;
        "scopes" Is::Map(&Is::Text);
    },
    ..PLAIN
};

static REQUIREMENT: Shape = Shape {
    name: "security",
    patterned: Patterned::Any(Is::Texts),
    also: Some(Also::Requirement),
    ..PLAIN
};

/// The object of a `discriminator`.
pub(crate) static DISCRIMINATOR: Shape = Shape {
    name: "discriminator",
    fields: fields! {
        "propertyName" Is::Text, Required;
        "mapping" Is::Map(&Is::Mapping);
    },
    ..PLAIN
};

/// The object of `xml`.
pub(crate) static XML: Shape = Shape {
    name: "xml",
    fields: fields! {
        "name" Is::Text;
        "namespace" Is::Text;
        "prefix" Is::Text;
        "attribute" Is::Bool;
        "wrapped" Is::Bool;
    },
    ..PLAIN
};

/// The object of `externalDocs` in a schema.
pub(crate) static DOCS: &Shape = &EXTERNAL_DOCS;
