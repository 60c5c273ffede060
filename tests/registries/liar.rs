//! A registry of our own: honest by itself, and it lies when told to.

use super::server::{Asked, Server, answer, json as json_answer};
use axum::body::Body;
use axum::http::Response;
use bytes::Bytes;
use flux_apim::tree::Digest;
use futures_util::FutureExt;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// What a lie gets to see: the request, and the honest answer is still to come.
pub type Lie = Arc<dyn Fn(&Asked, usize) -> Option<Told> + Send + Sync>;

/// A lie.
pub enum Told {
    /// Another answer; nothing is done.
    Instead(Response<Body>),
    /// The honest answer, changed.
    Changed(Box<dyn FnOnce(Response<Body>) -> Response<Body> + Send>),
    /// Nothing is done, and the connection ends.
    HangUp,
    /// Some of the body is read, and the connection ends.
    HangUpAmid,
    /// What was asked is done, and the connection ends without an answer.
    HangUpAfter,
}

/// How the registry is when it is honest.
#[derive(Clone, Default)]
pub struct Habits {
    /// It has the referrers API.
    pub referrers: bool,
    /// Entries on a page.
    pub page: Option<usize>,
    /// It answers a mount with an upload.
    pub no_mount: bool,
    /// What it wants to see.
    pub auth: Auth,
    /// It gives relative locations.
    pub relative: bool,
    /// What else it serves, by the request and its body.
    pub beside: Option<Service>,
}

/// Something that answers some requests.
pub type Service = Arc<dyn Fn(&Asked, &Bytes) -> Option<Response<Body>> + Send + Sync>;

/// Whether a token is good for what is wanted.
pub type Good = Arc<dyn Fn(&str, &str) -> bool + Send + Sync>;

#[derive(Clone, Default)]
pub enum Auth {
    #[default]
    None,
    /// `user:password`.
    Basic(String),
    /// Tokens, from the service at this URL, or at this path of the registry
    /// itself; what a token is good for says the function, of the token and
    /// what is wanted.
    Bearer { realm: String, good: Good },
}

#[derive(Default)]
struct Books {
    blobs: BTreeMap<(String, String), Bytes>,
    manifests: BTreeMap<(String, String), (String, Bytes)>,
    tags: BTreeMap<(String, String), String>,
    uploads: BTreeMap<String, Vec<u8>>,
    count: usize,
}

pub struct Liar {
    pub server: Server,
    books: Arc<Mutex<Books>>,
}

/// A pusher of the same registry that needs no requests. A lie may use it.
#[derive(Clone)]
pub struct Rival(Arc<Mutex<Books>>);

impl Rival {
    /// The JSON behind a tag.
    pub fn read(&self, name: &str, tag: &str) -> Option<Json> {
        let books = self.0.lock().unwrap();
        let digest = books.tags.get(&(name.to_owned(), tag.to_owned()))?;
        let (_, bytes) = books.manifests.get(&(name.to_owned(), digest.clone()))?;
        serde_json::from_slice(bytes).ok()
    }

    /// Puts an index behind a tag.
    pub fn write(&self, name: &str, tag: &str, index: &Json) {
        let kind = "application/vnd.oci.image.index.v1+json";
        self.put(name, tag, kind, index.to_string().into());
    }

    /// Puts a manifest of any kind behind a tag, whatever it refers to.
    pub fn put(&self, name: &str, tag: &str, kind: &str, bytes: Bytes) {
        let digest = Digest::of(&bytes).to_string();
        let mut books = self.0.lock().unwrap();
        let at = (name.to_owned(), digest.clone());
        books.manifests.insert(at, (kind.to_owned(), bytes));
        books.tags.insert((name.to_owned(), tag.to_owned()), digest);
    }

    /// Puts a blob there; its digest.
    pub fn blob(&self, name: &str, bytes: Bytes) -> String {
        let digest = Digest::of(&bytes).to_string();
        let at = (name.to_owned(), digest.clone());
        self.0.lock().unwrap().blobs.insert(at, bytes);
        digest
    }

    /// Points `to` to what `tag` points to.
    pub fn point(&self, name: &str, tag: &str, to: &str) {
        let mut books = self.0.lock().unwrap();
        let digest = books.tags[&(name.to_owned(), tag.to_owned())].clone();
        books.tags.insert((name.to_owned(), to.to_owned()), digest);
    }

    /// The tags of a repository.
    pub fn tags(&self, name: &str) -> Vec<String> {
        let books = self.0.lock().unwrap();
        let tags = books.tags.keys().filter(|(of, _)| of == name);
        tags.map(|(_, tag)| tag.clone()).collect()
    }
}

impl Liar {
    /// An honest one.
    pub async fn honest(habits: Habits) -> Self {
        Self::start(habits, |_, _| None).await
    }

    /// One that lies whenever `lie` has one: given the request, and how many
    /// came before it.
    pub async fn start(
        habits: Habits,
        lie: impl Fn(&Asked, usize) -> Option<Told> + Send + Sync + 'static,
    ) -> Self {
        Self::start_with(None, habits, lie).await
    }

    /// The same, perhaps over TLS.
    pub async fn start_with(
        tls: Option<Arc<rustls::ServerConfig>>,
        habits: Habits,
        lie: impl Fn(&Asked, usize) -> Option<Told> + Send + Sync + 'static,
    ) -> Self {
        let books = Arc::new(Mutex::new(Books::default()));
        let (own, lie, habits) = (books.clone(), Arc::new(lie), Arc::new(habits));
        let handler = move |mut asked: Asked| {
            let (books, lie, habits) = (own.clone(), lie.clone(), habits.clone());
            async move {
                let count = {
                    let mut books = books.lock().unwrap();
                    books.count += 1;
                    books.count - 1
                };
                let told = lie(&asked, count);
                match told {
                    Some(Told::Instead(response)) => {
                        asked.bytes().await;
                        return Some(response);
                    }
                    Some(Told::HangUp) => return None,
                    Some(Told::HangUpAmid) => {
                        use futures_util::StreamExt;
                        let body = Body::new(asked.body.take().unwrap());
                        let _ = body.into_data_stream().next().await;
                        return None;
                    }
                    _ => {}
                }
                let body = asked.bytes().await;
                let beside = habits
                    .beside
                    .as_ref()
                    .and_then(|serve| serve(&asked, &body));
                let honest = match beside {
                    Some(answered) => answered,
                    None => books.lock().unwrap().answer(&asked, body, &habits),
                };
                match told {
                    Some(Told::Changed(change)) => Some(change(honest)),
                    Some(Told::HangUpAfter) => None,
                    _ => Some(honest),
                }
            }
            .boxed()
        };
        Self {
            server: Server::start_with(tls, Arc::new(handler)).await,
            books,
        }
    }

    /// Another pusher.
    pub fn rival(&self) -> Rival {
        Rival(self.books.clone())
    }

    /// The bytes behind a tag.
    pub fn tagged(&self, name: &str, tag: &str) -> Option<Bytes> {
        let books = self.books.lock().unwrap();
        let digest = books.tags.get(&(name.to_owned(), tag.to_owned()))?;
        let found = books.manifests.get(&(name.to_owned(), digest.clone()))?;
        Some(found.1.clone())
    }

    /// How many uploads were begun and not ended.
    pub fn uploads(&self) -> usize {
        self.books.lock().unwrap().uploads.len()
    }
}

fn error(status: u16, code: &str) -> Response<Body> {
    json_answer(
        status,
        &json!({"errors": [{"code": code, "message": code.to_lowercase()}]}),
    )
}

fn challenge(auth: &Auth, host: &str, name: &str, writes: bool) -> Response<Body> {
    let does = if writes { "pull,push" } else { "pull" };
    let text = match auth {
        Auth::Bearer { realm, .. } => {
            let own = if realm.starts_with('/') {
                format!("http://{host}")
            } else {
                String::new()
            };
            let realm = format!("{own}{realm}");
            format!(r#"Bearer realm="{realm}",service="liar",scope="repository:{name}:{does}""#)
        }
        _ => r#"Basic realm="liar""#.to_owned(),
    };
    let mut response = error(401, "UNAUTHORIZED");
    let headers = response.headers_mut();
    headers.insert("www-authenticate", text.parse().unwrap());
    response
}

impl Books {
    fn answer(&mut self, asked: &Asked, body: Bytes, habits: &Habits) -> Response<Body> {
        let path = asked.uri.path().to_owned();
        let Some(rest) = path.strip_prefix("/v2/") else {
            return answer(404, &[("content-type", "text/plain")], "404 page not found");
        };
        let method = asked.method.as_str();
        let kinds = [
            "/blobs/uploads/",
            "/blobs/",
            "/manifests/",
            "/tags/",
            "/referrers/",
        ];
        let Some((name, kind, what)) = kinds.iter().find_map(|kind| {
            let (name, what) = rest.split_once(kind)?;
            Some((name.to_owned(), *kind, what.to_owned()))
        }) else {
            return answer(404, &[], "");
        };
        let writes = !matches!(method, "GET" | "HEAD") || kind == "/blobs/uploads/";
        let does = if writes { "push" } else { "pull" };
        let shown = asked.header("authorization").unwrap_or("").to_owned();
        let welcome = match &habits.auth {
            Auth::None => true,
            Auth::Basic(pair) => {
                use base64::Engine;
                let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
                shown == format!("Basic {encoded}")
            }
            Auth::Bearer { good, .. } => shown
                .strip_prefix("Bearer ")
                .is_some_and(|token| good(token, &format!("repository:{name}:{does}"))),
        };
        if !welcome {
            return challenge(
                &habits.auth,
                asked.header("host").unwrap_or(""),
                &name,
                writes,
            );
        }
        match (method, kind) {
            ("POST", "/blobs/uploads/") => self.begin(asked, &name, habits),
            (_, "/blobs/uploads/") => self.upload(asked, &name, &what, &body, habits),
            ("HEAD" | "GET", "/blobs/") => match self.blobs.get(&(name, what.clone())) {
                Some(bytes) => found(method, "application/octet-stream", &what, bytes),
                None => error(404, "BLOB_UNKNOWN"),
            },
            ("DELETE", "/blobs/") => {
                self.blobs.remove(&(name, what));
                answer(202, &[], "")
            }
            (_, "/manifests/") => self.manifest(asked, &name, &what, body, habits),
            ("GET", "/tags/") => {
                let tags = self.tags.keys().filter(|(of, _)| *of == name);
                let tags: Vec<Json> = tags.map(|(_, tag)| json!(tag)).collect();
                let path = format!("/v2/{name}/tags/list");
                page(
                    asked,
                    habits,
                    &path,
                    &tags,
                    |tags| json!({"name": name, "tags": tags}),
                )
            }
            ("GET", "/referrers/") if habits.referrers => {
                let mut entries = Vec::new();
                for ((of, digest), (kind, bytes)) in &self.manifests {
                    let manifest: Json = serde_json::from_slice(bytes).unwrap_or_default();
                    if *of == name && manifest["subject"]["digest"] == json!(what) {
                        entries.push(json!({
                            "mediaType": kind, "digest": digest, "size": bytes.len(),
                            "artifactType": manifest["artifactType"],
                            "annotations": manifest["annotations"],
                        }));
                    }
                }
                let path = format!("/v2/{name}/referrers/{what}");
                page(asked, habits, &path, &entries, |entries| {
                    json!({
                        "schemaVersion": 2,
                        "mediaType": "application/vnd.oci.image.index.v1+json",
                        "manifests": entries,
                    })
                })
            }
            _ => answer(404, &[("content-type", "text/plain")], "404 page not found"),
        }
    }

    fn begin(&mut self, asked: &Asked, name: &str, habits: &Habits) -> Response<Body> {
        if let (Some(digest), Some(from)) = (asked.query("mount"), asked.query("from"))
            && !habits.no_mount
            && let Some(bytes) = self.blobs.get(&(from, digest.clone())).cloned()
        {
            self.blobs.insert((name.to_owned(), digest), bytes);
            return answer(201, &[], "");
        }
        let id = format!("u{}", self.count);
        self.uploads.insert(id.clone(), Vec::new());
        self.at(asked, 202, name, &id, habits)
    }

    /// Where an upload goes on, and how far it is.
    fn at(
        &self,
        asked: &Asked,
        status: u16,
        name: &str,
        id: &str,
        habits: &Habits,
    ) -> Response<Body> {
        let path = format!("/v2/{name}/blobs/uploads/{id}?state=a%2Fb");
        let place = match habits.relative {
            true => path,
            false => format!("http://{}{path}", asked.header("host").unwrap_or("")),
        };
        let last = self.uploads.get(id).map_or(0, Vec::len).saturating_sub(1);
        answer(
            status,
            &[("location", &place), ("range", &format!("0-{last}"))],
            "",
        )
    }

    fn upload(
        &mut self,
        asked: &Asked,
        name: &str,
        id: &str,
        body: &Bytes,
        habits: &Habits,
    ) -> Response<Body> {
        let Some(have) = self.uploads.get_mut(id) else {
            return error(404, "BLOB_UPLOAD_UNKNOWN");
        };
        if asked.query("state").as_deref() != Some("a/b") {
            return error(400, "BLOB_UPLOAD_INVALID");
        }
        match asked.method.as_str() {
            "GET" => self.at(asked, 204, name, id, habits),
            "PATCH" => {
                let range = asked.header("content-range").unwrap_or("");
                let first = range.split('-').next().and_then(|n| n.parse().ok());
                if first != Some(have.len()) {
                    return self.at(asked, 416, name, id, habits);
                }
                have.extend_from_slice(body);
                self.at(asked, 202, name, id, habits)
            }
            "PUT" => {
                have.extend_from_slice(body);
                let digest = asked.query("digest").unwrap_or_default();
                if Digest::of(have).to_string() != digest {
                    return error(400, "DIGEST_INVALID");
                }
                let bytes = self.uploads.remove(id).unwrap_or_default();
                self.blobs
                    .insert((name.to_owned(), digest.clone()), bytes.into());
                answer(201, &[("docker-content-digest", &digest)], "")
            }
            _ => answer(405, &[], ""),
        }
    }

    fn manifest(
        &mut self,
        asked: &Asked,
        name: &str,
        reference: &str,
        body: Bytes,
        habits: &Habits,
    ) -> Response<Body> {
        let name = name.to_owned();
        let method = asked.method.as_str();
        let digest = match reference.starts_with("sha256:") {
            true => Some(reference.to_owned()),
            false => self
                .tags
                .get(&(name.clone(), reference.to_owned()))
                .cloned(),
        };
        match method {
            "HEAD" | "GET" => {
                let digest = digest.unwrap_or_default();
                match self.manifests.get(&(name, digest.clone())) {
                    Some((kind, bytes)) => found(method, kind, &digest, bytes),
                    None => error(404, "MANIFEST_UNKNOWN"),
                }
            }
            "PUT" => {
                let digest = Digest::of(&body).to_string();
                if reference.starts_with("sha256:") && reference != digest {
                    return error(400, "DIGEST_INVALID");
                }
                let manifest: Json = serde_json::from_slice(&body).unwrap_or_default();
                let blobs = [&manifest["config"]].into_iter();
                for child in blobs.chain(manifest["layers"].as_array().into_iter().flatten()) {
                    let Some(child) = child["digest"].as_str() else {
                        continue;
                    };
                    if !self.blobs.contains_key(&(name.clone(), child.to_owned())) {
                        return error(400, "MANIFEST_BLOB_UNKNOWN");
                    }
                }
                let kind = asked.header("content-type").unwrap_or("").to_owned();
                self.manifests
                    .insert((name.clone(), digest.clone()), (kind, body));
                if !reference.starts_with("sha256:") {
                    self.tags
                        .insert((name, reference.to_owned()), digest.clone());
                }
                let mut response = answer(201, &[("docker-content-digest", &digest)], "");
                if let Some(subject) = manifest["subject"]["digest"].as_str()
                    && habits.referrers
                {
                    let headers = response.headers_mut();
                    headers.insert("oci-subject", subject.parse().unwrap());
                }
                response
            }
            "DELETE" => {
                let digest = digest.unwrap_or_default();
                self.manifests.remove(&(name.clone(), digest.clone()));
                self.tags
                    .retain(|(of, _), to| !(*of == name && *to == digest));
                answer(202, &[], "")
            }
            _ => answer(405, &[], ""),
        }
    }
}

fn found(method: &str, kind: &str, digest: &str, bytes: &Bytes) -> Response<Body> {
    let length = bytes.len().to_string();
    let headers = [
        ("content-type", kind),
        ("docker-content-digest", digest),
        ("content-length", &length),
    ];
    let body = if method == "HEAD" {
        Bytes::new()
    } else {
        bytes.clone()
    };
    answer(200, &headers, body)
}

fn page(
    asked: &Asked,
    habits: &Habits,
    path: &str,
    entries: &[Json],
    shape: impl Fn(&[Json]) -> Json,
) -> Response<Body> {
    let from: usize = asked
        .query("from")
        .and_then(|n| n.parse().ok())
        .unwrap_or(0);
    let size = habits.page.unwrap_or(usize::MAX);
    let end = from.saturating_add(size).min(entries.len());
    let mut response = json_answer(200, &shape(&entries[from.min(end)..end]));
    let headers = response.headers_mut();
    if path.contains("/referrers/") {
        let kind = "application/vnd.oci.image.index.v1+json";
        headers.insert("content-type", kind.parse().unwrap());
    }
    if end < entries.len() {
        let link = format!("<{path}?from={end}>; rel=\"next\"");
        headers.insert("link", link.parse().unwrap());
    }
    response
}
