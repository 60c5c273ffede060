//! Errors as problem documents (RFC 9457).

use crate::diag::Report;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value as Json};

/// Where each kind of problem is described.
const PAGE: &str = "https://github.com/flux-apim/flux-apim/blob/main/docs/service.md#";

/// An answer that is an error.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    kind: &'static str,
    title: &'static str,
    detail: String,
    retry_after: Option<u64>,
    challenge: Option<&'static str>,
    /// Members beside those of the RFC.
    more: Option<Box<Map<String, Json>>>,
    report: Option<Box<Report>>,
}

macro_rules! problems {
    ($($name:ident, $status:ident, $kind:literal, $title:literal;)*) => {
        impl Problem {
            $(
                #[doc = $title]
                pub(super) fn $name(detail: impl Into<String>) -> Self {
                    Self::new(StatusCode::$status, $kind, $title, detail.into())
                }
            )*
        }
    };
}

problems! {
    bad_request, BAD_REQUEST, "bad-request", "The request cannot be read";
    unauthorized, UNAUTHORIZED, "unauthorized", "The request needs a valid token";
    forbidden, FORBIDDEN, "forbidden", "The token does not allow this";
    foreign, FORBIDDEN, "foreign", "The request is not meant for this service, or comes from a page of another";
    not_found, NOT_FOUND, "not-found", "There is nothing here";
    method, METHOD_NOT_ALLOWED, "method-not-allowed", "This place knows other methods";
    not_acceptable, NOT_ACCEPTABLE, "not-acceptable", "There is no answer of an accepted type";
    too_slow, REQUEST_TIMEOUT, "too-slow", "The request did not arrive in time";
    too_large, PAYLOAD_TOO_LARGE, "too-large", "The request is larger than a cap";
    media_type, UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "The body is of a type that is not read";
    findings, UNPROCESSABLE_ENTITY, "findings", "The project has findings at error level";
    answer_too_large, UNPROCESSABLE_ENTITY, "answer-too-large", "The answer is larger than a cap";
    refused, UNPROCESSABLE_ENTITY, "source-refused", "The source is refused";
    too_many, TOO_MANY_REQUESTS, "too-many-requests", "This client asks too often";
    internal, INTERNAL_SERVER_ERROR, "internal", "The service failed";
    upstream, BAD_GATEWAY, "upstream", "Another server did not answer as it should";
    busy, SERVICE_UNAVAILABLE, "busy", "The service is busy";
}

impl Problem {
    fn new(status: StatusCode, kind: &'static str, title: &'static str, detail: String) -> Self {
        let retry_after = match status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Some(1),
            _ => None,
        };
        let challenge = (status == StatusCode::UNAUTHORIZED).then_some("Bearer");
        Self {
            status,
            kind,
            title,
            detail,
            retry_after,
            challenge,
            more: None,
            report: None,
        }
    }

    /// The HTTP status that it is answered with.
    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// What happened, in a sentence.
    #[cfg(feature = "controller")]
    pub(super) fn detail(&self) -> &str {
        &self.detail
    }

    /// Seconds after which the client may come again.
    pub(super) fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds.max(1));
        self
    }

    /// What a token must be; the value of `WWW-Authenticate`.
    pub(super) fn challenge(mut self, challenge: &'static str) -> Self {
        self.challenge = Some(challenge);
        self
    }

    /// Adds the members of `object`.
    pub(super) fn with(mut self, object: Json) -> Self {
        if let Json::Object(members) = object {
            self.more.get_or_insert_default().extend(members);
        }
        self
    }

    /// Adds the findings of `report`.
    pub(super) fn report(mut self, report: Report) -> Self {
        self.report = Some(Box::new(report));
        self
    }

    /// Of the document.
    pub(super) const MEDIA_TYPE: &'static str = "application/problem+json";

    /// The problem document (RFC 9457).
    pub(super) fn document(&self) -> impl Serialize + '_ {
        #[derive(Serialize)]
        struct Document<'a> {
            r#type: String,
            title: &'static str,
            status: u16,
            detail: &'a str,
            #[serde(flatten)]
            report: Option<&'a Report>,
            #[serde(flatten)]
            more: Option<&'a Map<String, Json>>,
        }
        Document {
            r#type: format!("{PAGE}{}", self.kind),
            title: self.title,
            status: self.status.as_u16(),
            detail: &self.detail,
            report: self.report.as_deref(),
            more: self.more.as_deref(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // Nothing in it has keys that are no strings.
        let text = serde_json::to_string(&self.document()).unwrap_or_default();
        let mut response = (self.status, text).into_response();
        let headers = response.headers_mut();
        let media_type = HeaderValue::from_static(Self::MEDIA_TYPE);
        headers.insert(header::CONTENT_TYPE, media_type);
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if let Some(challenge) = self.challenge {
            let challenge = HeaderValue::from_static(challenge);
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
