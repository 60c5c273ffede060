//! The objects of OpenAPI (Swagger) 2.0, after its official JSON schema.

use super::{Also, Field, Is, Limit, Need, PLAIN, Patterned, Shape, Version, fields};

const SCHEMES: &[&str] = &["http", "https", "ws", "wss"];

pub(crate) static DOCUMENT: Shape = Shape {
    name: "document",
    fields: fields! {
        "swagger" Is::Text, Required;
        "info" Is::Object(&INFO), Required;
        "host" Is::Limited(&Limit::Host);
        "basePath" Is::Limited(&Limit::BeginsWith("/"));
        "schemes" Is::Limited(&Limit::ListOf(SCHEMES));
        "consumes" Is::Texts;
        "produces" Is::Texts;
        "paths" Is::Object(&PATHS), Required;
        "x-ms-paths" Is::Unread(&Is::Map(&Is::Object(&PATH_ITEM)));
        "definitions" Is::Components(&Is::Schema);
        "parameters" Is::Components(&Is::Object(&PARAMETER));
        "responses" Is::Components(&Is::Object(&RESPONSE));
        "security" Is::List(&Is::Object(&REQUIREMENT));
        "securityDefinitions" Is::Map(&Is::Object(&SECURITY_SCHEME));
        "tags" Is::List(&Is::Object(&TAG));
        "externalDocs" Is::Object(&EXTERNAL_DOCS);
    },
    also: Some(Also::DocumentOfTwo),
    ..PLAIN
};

static INFO: Shape = Shape {
    name: "info",
    fields: fields! {
        "title" Is::Text, Required;
        "version" Is::Text, Required;
        "description" Is::Text;
        "termsOfService" Is::Text;
        "contact" Is::Object(&CONTACT);
        "license" Is::Object(&LICENSE);
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
    fields: fields! { "name" Is::Text, Required; "url" Is::Text; },
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
        "get" Is::Object(&OPERATION);
        "put" Is::Object(&OPERATION);
        "post" Is::Object(&OPERATION);
        "delete" Is::Object(&OPERATION);
        "options" Is::Object(&OPERATION);
        "head" Is::Object(&OPERATION);
        "patch" Is::Object(&OPERATION);
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
        "produces" Is::Texts;
        "consumes" Is::Texts;
        "parameters" Is::List(&Is::Object(&PARAMETER));
        "responses" Is::Object(&RESPONSES);
        "schemes" Is::Limited(&Limit::ListOf(SCHEMES));
        "deprecated" Is::Bool;
        "security" Is::List(&Is::Object(&REQUIREMENT));
    },
    also: Some(Also::Operation),
    ..PLAIN
};

static EXTERNAL_DOCS: Shape = Shape {
    name: "External Documentation",
    fields: fields! { "description" Is::Text; "url" Is::Text, Required; },
    ..PLAIN
};

/// A parameter of any place: what it may be there is `parameters::two`.
static PARAMETER: Shape = Shape {
    name: "parameter",
    fields: fields! {
        "name" Is::Text, Required;
        "in" Is::Text, Required;
        "description" Is::Text;
        "required" Is::Bool;
        "schema" Is::Schema;
        "type" Is::Limited(&Limit::Words(&["string", "number", "boolean", "integer", "array", "file"]));
        "format" Is::Text;
        "allowEmptyValue" Is::Bool;
        "items" Is::Object(&ITEMS);
        "collectionFormat" Is::Limited(&Limit::Words(&["csv", "ssv", "tsv", "pipes", "multi"]));
        "default" Is::Any;
        "maximum" Is::Keyword;
        "exclusiveMaximum" Is::Keyword;
        "minimum" Is::Keyword;
        "exclusiveMinimum" Is::Keyword;
        "maxLength" Is::Keyword;
        "minLength" Is::Keyword;
        "pattern" Is::Keyword;
        "maxItems" Is::Keyword;
        "minItems" Is::Keyword;
        "uniqueItems" Is::Keyword;
        "enum" Is::Keyword;
        "multipleOf" Is::Keyword;
    },
    components: Some("parameters"),
    also: Some(Also::ParameterOfTwo),
    ..PLAIN
};

const PRIMITIVES: &[&str] = &["string", "number", "integer", "boolean", "array"];

static ITEMS: Shape = Shape {
    name: "items",
    fields: fields! {
        "type" Is::Limited(&Limit::Words(PRIMITIVES));
        "format" Is::Text;
        "items" Is::Object(&ITEMS);
        "collectionFormat" Is::Limited(&Limit::Words(&["csv", "ssv", "tsv", "pipes"]));
        "default" Is::Any;
        "maximum" Is::Keyword;
        "exclusiveMaximum" Is::Keyword;
        "minimum" Is::Keyword;
        "exclusiveMinimum" Is::Keyword;
        "maxLength" Is::Keyword;
        "minLength" Is::Keyword;
        "pattern" Is::Keyword;
        "maxItems" Is::Keyword;
        "minItems" Is::Keyword;
        "uniqueItems" Is::Keyword;
        "enum" Is::Keyword;
        "multipleOf" Is::Keyword;
    },
    ..PLAIN
};

static HEADER: Shape = Shape {
    name: "header",
    fields: fields! {
        "description" Is::Text;
        "type" Is::Limited(&Limit::Words(PRIMITIVES)), Required;
        "format" Is::Text;
        "items" Is::Object(&ITEMS);
        "collectionFormat" Is::Limited(&Limit::Words(&["csv", "ssv", "tsv", "pipes"]));
        "default" Is::Any;
        "maximum" Is::Keyword;
        "exclusiveMaximum" Is::Keyword;
        "minimum" Is::Keyword;
        "exclusiveMinimum" Is::Keyword;
        "maxLength" Is::Keyword;
        "minLength" Is::Keyword;
        "pattern" Is::Keyword;
        "maxItems" Is::Keyword;
        "minItems" Is::Keyword;
        "uniqueItems" Is::Keyword;
        "enum" Is::Keyword;
        "multipleOf" Is::Keyword;
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
        "schema" Is::Schema;
        "headers" Is::Map(&Is::Object(&HEADER));
        "examples" Is::Map(&Is::Any);
    },
    components: Some("responses"),
    ..PLAIN
};

static TAG: Shape = Shape {
    name: "tag",
    fields: fields! {
        "name" Is::Text, Required;
        "description" Is::Text;
        "externalDocs" Is::Object(&EXTERNAL_DOCS);
    },
    ..PLAIN
};

/// A scheme of any type: what it must have is `security::definition`.
static SECURITY_SCHEME: Shape = Shape {
    name: "securityScheme",
    fields: fields! {
        "type" Is::Limited(&Limit::Words(&["basic", "apiKey", "oauth2"])), Required;
        "description" Is::Text;
        "name" Is::Text;
        "in" Is::Limited(&Limit::Words(&["query", "header"]));
        "flow" Is::Limited(&Limit::Words(&["implicit", "password", "application", "accessCode"]));
        "authorizationUrl" Is::Text;
        "tokenUrl" Is::Text;
        "scopes" Is::Map(&Is::Text);
    },
    also: Some(Also::SchemeOfTwo),
    ..PLAIN
};

static REQUIREMENT: Shape = Shape {
    name: "security",
    patterned: Patterned::Any(Is::Texts),
    extensions: false,
    also: Some(Also::Requirement),
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
