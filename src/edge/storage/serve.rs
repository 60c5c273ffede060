//! `GET /artifacts/KIND/NAMESPACE/NAME/DIGEST.tar.gz`. There is no listing.

use super::{ROUTE, Storage};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

impl Storage {
    /// Serves the artifacts, and nothing else.
    pub fn router(&self) -> Router {
        let route = format!("/{ROUTE}/{{kind}}/{{namespace}}/{{name}}/{{file}}");
        Router::new()
            .route(&route, get(artifact))
            .with_state(self.clone())
    }
}

async fn artifact(
    State(storage): State<Storage>,
    Path((kind, namespace, name, file)): Path<(String, String, String, String)>,
) -> Response {
    let etag = format!("\"{file}\"");
    let read = tokio::task::spawn_blocking(move || storage.read(&kind, &namespace, &name, &file));
    match read.await {
        Ok(Some(bytes)) => (
            [
                (header::CONTENT_TYPE, "application/gzip"),
                // The content of a URL never changes.
                (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
                (header::ETAG, etag.as_str()),
            ],
            bytes,
        )
            .into_response(),
        Ok(None) => (StatusCode::NOT_FOUND, "no such artifact\n").into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use crate::edge::storage::{Owner, Retention, Storage};
    use crate::tree::Digest;
    use axum::body::Body;
    use axum::http::{Request, StatusCode};
    use tower::ServiceExt;

    async fn get(storage: &Storage, path: &str) -> (StatusCode, Vec<u8>) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = storage.router().oneshot(request).await.unwrap();
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), 1 << 20).await;
        (status, body.unwrap().to_vec())
    }

    #[tokio::test]
    async fn artifacts_are_served_and_nothing_is_listed() {
        let root = tempfile::tempdir().unwrap();
        let retention = Retention {
            ttl: std::time::Duration::from_secs(60),
            records: 2,
        };
        let storage = Storage::open(root.path(), "host:80", retention).unwrap();
        let owner = Owner::new("externalartifact", "apis", "contoso").unwrap();
        let stored = storage.put(&owner, Digest::of(b"x"), b"x").unwrap();
        let path = stored.url.strip_prefix("http://host:80").unwrap();
        assert_eq!(get(&storage, path).await, (StatusCode::OK, b"x".to_vec()));
        for path in [
            "/",
            "/artifacts",
            "/artifacts/",
            "/artifacts/externalartifact/apis/contoso",
            "/artifacts/externalartifact/apis/contoso/",
            "/artifacts/externalartifact/apis/contoso/..%2f..%2fx.tar.gz",
            "/artifacts/externalartifact/..%2f../contoso/x.tar.gz",
        ] {
            assert_eq!(get(&storage, path).await.0, StatusCode::NOT_FOUND, "{path}");
        }
    }
}
