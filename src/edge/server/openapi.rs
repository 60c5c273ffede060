//! `/openapi.json`, made from the handlers.

use super::schemas::{Diagnostics, ProblemDocument, Refusals};
use super::{api, hook, operations};
use axum::http::header;
use axum::response::IntoResponse;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "flux-apim",
        description = "Previews of Azure API Management configuration: bundles, findings, changes.",
    ),
    paths(
        api::render, api::validate, api::diff, api::all_rules, api::one_rule, document, hook::receive,
        operations::healthz, operations::readyz, operations::metrics,
    ),
    components(schemas(ProblemDocument, Diagnostics)),
    modifiers(&Bearer),
    security(("bearer" = []), ()),
    tags(
        (name = "previews", description = "What a tree is rendered to."),
        (name = "rules", description = "What is checked."),
        (name = "operations", description = "For whoever runs the service."),
    ),
)]
struct Api;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("With `--auth oidc` or `--auth kubernetes`."))
            .build();
        if let Some(components) = &mut api.components {
            components.add_security_scheme("bearer", SecurityScheme::Http(scheme));
        }
    }
}

/// The document as text.
pub(super) fn text() -> String {
    serde_json::to_string(&Api::openapi()).unwrap_or_default()
}

/// This description.
#[utoipa::path(
    get, path = "/openapi.json", operation_id = "openapi", tag = "operations",
    responses((status = 200, description = "The description.", body = Value), Refusals),
)]
pub(super) async fn document() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], text())
}
