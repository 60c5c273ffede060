//! The same answers whichever way a tree comes in.

use crate::support::*;
use flux_apim::edge::fetch::{Hosts, Policy};
use flux_apim::edge::server::Options;
use flux_apim::tree::Digest;
use serde_json::{Value as Json, json};
use std::io::Read;

/// Serves `bytes` at every path.
async fn artifact_server(bytes: Vec<u8>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = axum::Router::new().fallback(move || async move { bytes });
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("{address}")
}

async fn inventory_files(response: reqwest::Response) -> Json {
    assert_eq!(response.status(), 200);
    let body: Json = response.document().await;
    body["inventory"]["files"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_send_a_tree_gives_the_files_of_the_command() {
    let (files, packed) = (sample(), archive(&sample()));
    let artifacts = artifact_server(packed.clone()).await;
    let service = Running::start(Options {
        sources: Policy {
            hosts: Hosts::Only(vec![artifacts.clone()]),
            allow_private: true,
            ..Policy::only(Vec::new())
        },
        ..options()
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("bundle").display().to_string();
    let tree = crate::common::repository("testdata/projects/contoso")
        .display()
        .to_string();
    let command = [
        "render", &tree, "--env", "prod", "-o", &out, "--format", "json",
    ];
    let (code, stdout, stderr) = flux_apim(&command);
    assert_eq!(code, Some(0), "{stderr}");
    let inventory: Json = serde_json::from_str(&stdout).unwrap();
    let expected = &inventory["files"];

    let render = format!("{}/v1/render?env=prod", service.url);
    let mut parts: Vec<(&str, Option<&str>, &[u8])> = vec![("env", None, b"prod")];
    parts.extend(
        files
            .iter()
            .map(|(path, bytes)| ("file", Some(path.as_str()), &bytes[..])),
    );
    let reference = json!({"source": {
        "url": format!("http://{artifacts}/gitrepository/x.tar.gz"),
        "digest": Digest::of(&packed).to_string(),
    }});
    let encoded = json!({"archive": base64(&packed)});
    for (what, url, media_type, body) in [
        ("archive", &render, GZIP.to_owned(), packed.clone()),
        (
            "files",
            &render,
            JSON.to_owned(),
            in_json(&files).to_string().into_bytes(),
        ),
        (
            "archive in JSON",
            &render,
            JSON.to_owned(),
            encoded.to_string().into_bytes(),
        ),
        (
            "reference",
            &render,
            JSON.to_owned(),
            reference.to_string().into_bytes(),
        ),
        (
            "form with an archive",
            &render,
            form_type(),
            form(&[("archive", Some("a.tar.gz"), &packed)]),
        ),
        (
            "form with files",
            &format!("{}/v1/render", service.url),
            form_type(),
            form(&parts),
        ),
    ] {
        let response = post(url, &media_type, body).await;
        assert_eq!(&inventory_files(response).await, expected, "{what}");
    }

    let url = service.url.clone();
    let remote = tokio::task::spawn_blocking(move || {
        let out = folder.path().join("remote").display().to_string();
        flux_apim(&[
            "render", &tree, "--env", "prod", "-o", &out, "--format", "json", "--server", &url,
        ])
    });
    let (code, stdout, stderr) = remote.await.unwrap();
    assert_eq!(code, Some(0), "{stderr}");
    let inventory: Json = serde_json::from_str(&stdout).unwrap();
    assert_eq!(&inventory["files"], expected, "--server");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_has_the_form_that_is_accepted() {
    let service = Running::start(options()).await;
    let url = format!("{}/v1/render", service.url);
    let packed = archive(&sample());
    let ask = |accept: &'static str| {
        let request = client()
            .post(&url)
            .header("content-type", GZIP)
            .header("accept", accept);
        request.body(packed.clone()).send()
    };
    let bundle = ask("application/gzip").await.unwrap();
    let etag = bundle.headers()["etag"].to_str().unwrap().to_owned();
    let bytes = bundle.bytes().await.unwrap();
    assert_eq!(etag, format!("\"{}\"", Digest::of(&bytes)));

    let json: Json = ask("application/json;q=0.5, text/html;q=0.9")
        .await
        .unwrap()
        .document()
        .await;
    let listed = json["inventory"]["files"].as_array().unwrap();
    for file in listed {
        let text = json["files"][file["path"].as_str().unwrap()]
            .as_str()
            .unwrap();
        assert_eq!(file["digest"], Digest::of(text.as_bytes()).to_string());
    }
    assert_eq!(json["files"].as_object().unwrap().len(), listed.len() + 1);
    assert_eq!(json["diagnostics"]["version"], 1);

    let sarif: Json = ask("application/sarif+json")
        .await
        .unwrap()
        .document()
        .await;
    assert_eq!(sarif["version"], "2.1.0");
    let markdown = ask("text/markdown, */*;q=0.1")
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(markdown.starts_with("**flux-apim**"), "{markdown}");
    let (status, body) = problem(ask("image/png").await.unwrap()).await;
    assert_eq!(status, 406, "{body}");

    let packed = client()
        .post(&url)
        .header("content-type", GZIP)
        .header("accept-encoding", "gzip")
        .body(packed.clone())
        .send()
        .await
        .unwrap();
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    let bytes = packed.bytes().await.unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(&bytes[..])
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!(serde_json::from_str::<Json>(&text).unwrap(), json);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn findings_are_422_of_render_and_200_of_validate() {
    let service = Running::start(options()).await;
    let broken = read(&crate::common::repository(
        "testdata/broken/dangling-policy/tree",
    ));
    let body = || archive(&broken);
    let (status, rendered) =
        problem(post(&format!("{}/v1/render", service.url), GZIP, body()).await).await;
    assert_eq!(status, 422);
    assert_eq!(rendered["diagnostics"][0]["code"], "APIM4002");
    let validated = post(&format!("{}/v1/validate", service.url), GZIP, body()).await;
    assert_eq!(validated.status(), 200);
    let validated: Json = validated.document().await;
    assert_eq!(validated["diagnostics"], rendered["diagnostics"]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_difference_names_what_changes_and_which_side_is_wrong() {
    let service = Running::start(options()).await;
    let url = format!("{}/v1/diff", service.url);
    let old = sample();
    let mut new = old.clone();
    let policy = "apimartifacts/policy fragments/audit/policy.xml";
    let text = String::from_utf8(new[policy].clone()).unwrap();
    new.insert(
        policy.to_owned(),
        text.replace("<fragment>", "<fragment>\n  <rewrite-uri template=\"/\" />")
            .into_bytes(),
    );
    let body = json!({"old": in_json(&old), "new": in_json(&new)});
    let response = post(&url, JSON, body.to_string().into_bytes()).await;
    assert_eq!(response.status(), 200);
    let changes: Json = response.document().await;
    assert_eq!(changes["summary"]["changed"], 1, "{changes}");
    let change = &changes["resources"][0];
    assert_eq!(change["id"], "policyFragments/audit");
    assert!(
        change["texts"][0]["diff"]
            .as_str()
            .unwrap()
            .contains("+  <rewrite-uri")
    );

    let parts: [(&str, Option<&str>, &[u8]); 2] = [
        ("old", Some("old.tar.gz"), &archive(&old)),
        ("new", Some("new.tar.gz"), &archive(&new)),
    ];
    let same: Json = post(&url, &form_type(), form(&parts))
        .await
        .document()
        .await;
    assert_eq!(same, changes);

    let broken = read(&crate::common::repository(
        "testdata/broken/dangling-policy/tree",
    ));
    let body = json!({"old": in_json(&old), "new": in_json(&broken)});
    let (status, body) = problem(post(&url, JSON, body.to_string().into_bytes()).await).await;
    assert_eq!((status, body["side"].as_str()), (422, Some("new")));
    for (a, b, side) in [(&old, &broken, "new"), (&broken, &old, "old")] {
        let body = json!({"old": in_json(a), "new": in_json(b)}).to_string();
        let request = client()
            .post(&url)
            .header("content-type", JSON)
            .header("accept", "text/markdown");
        let text = request
            .body(body)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        assert!(text.starts_with(&format!("The {side} side:")), "{text}");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stated_origin_is_shown_and_nothing_else_is_taken_for_one() {
    let service = Running::start(options()).await;
    let ask = async |origin: &str| {
        let mut url = url::Url::parse(&format!("{}/v1/render", service.url)).unwrap();
        url.query_pairs_mut().append_pair("origin", origin);
        let request = client().post(url);
        let request = request.header("content-type", GZIP).header("accept", JSON);
        request.body(archive(&sample())).send().await.unwrap()
    };
    let good = ask(r#"{"kind":"directory","revision":"main@sha1:1","dirty":false}"#).await;
    let answer: Json = good.document().await;
    assert_eq!(answer["inventory"]["source"]["revision"], "main@sha1:1");
    let long = format!(r#"{{"url":"{}"}}"#, "x".repeat(9000));
    for bad in ["", "{", "[]", r#"{"who": 1}"#, r#"{"dirty": "no"}"#, &long] {
        let (status, body) = problem(ask(bad).await).await;
        assert_eq!(status, 400, "{body}");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_again_comes_from_the_cache() {
    let service = Running::start(options()).await;
    let url = format!("{}/v1/render", service.url);
    let mut bodies = Vec::new();
    for _ in 0..2 {
        let response = post(&url, GZIP, archive(&sample())).await;
        bodies.push(response.bytes().await.unwrap());
    }
    assert_eq!(bodies[0], bodies[1]);
    let metrics = client()
        .get(format!("{}/metrics", service.url))
        .send()
        .await
        .unwrap();
    let metrics = metrics.text().await.unwrap();
    assert!(
        metrics.contains("flux_apim_cache_requests_total{of=\"answer\",outcome=\"hit\"} 1"),
        "{metrics}"
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_give_the_same_bundles() {
    let (a, b) = (
        Running::start(options()).await,
        Running::start(options()).await,
    );
    let mut bundles = std::collections::BTreeSet::new();
    for turn in 0..6 {
        let service = if turn % 2 == 0 { &a } else { &b };
        let env = ["dev", "prod"][turn / 2 % 2];
        let request = client()
            .post(format!("{}/v1/render?env={env}", service.url))
            .header("content-type", GZIP)
            .header("accept", GZIP);
        let response = request.body(archive(&sample())).send().await.unwrap();
        assert_eq!(response.status(), 200);
        bundles.insert((env, Digest::of(&response.bytes().await.unwrap())));
    }
    assert_eq!(bundles.len(), 2, "one bundle of each environment");
    a.stop().await;
    b.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_is_true_and_passes_our_own_checks() {
    let service = Running::start(options()).await;
    let response = client()
        .get(format!("{}/openapi.json", service.url))
        .send()
        .await
        .unwrap();
    let text = response.text().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("openapi.json");
    std::fs::write(&file, &text).unwrap();
    let (code, stdout, stderr) = flux_apim(&["validate", &file.display().to_string()]);
    assert_eq!(code, Some(0), "{stdout}{stderr}");

    let description: Json = serde_json::from_str(&text).unwrap();
    let paths = description["paths"].as_object().unwrap();
    assert!(paths.len() >= 10, "{:?}", paths.keys());
    for (path, item) in paths {
        let path = path.replace("{code}", "APIM1003");
        for (method, operation) in item.as_object().unwrap() {
            let request = client().request(
                method.to_uppercase().parse().unwrap(),
                format!("{}{path}", service.url),
            );
            let status = request.send().await.unwrap().status().as_u16();
            let responses = operation["responses"].as_object().unwrap();
            assert!(
                responses.contains_key(&status.to_string()),
                "{method} {path}: {status}"
            );
        }
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_match_their_description() {
    let service = Running::start(options()).await;
    let description: Json = client()
        .get(format!("{}/openapi.json", service.url))
        .send()
        .await
        .unwrap()
        .document()
        .await;
    let check = |schema: &str, answer: &Json| {
        let mut root = json!({"$ref": format!("#/components/schemas/{schema}")});
        root["components"] = description["components"].clone();
        let validator = jsonschema::validator_for(&root).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(answer)
            .map(|e| e.to_string())
            .collect();
        assert!(errors.is_empty(), "{schema}: {errors:#?}");
    };
    let url = |path: &str| format!("{}{path}", service.url);
    let body = in_json(&sample()).to_string().into_bytes();
    let rendered: Json = post(&url("/v1/render"), JSON, body.clone())
        .await
        .document()
        .await;
    check("RenderedBundle", &rendered);
    let validated: Json = post(&url("/v1/validate"), JSON, body)
        .await
        .document()
        .await;
    check("Diagnostics", &validated);
    let mut new = sample();
    new.retain(|path, _| !path.contains("/tags/"));
    let pair = json!({"old": in_json(&sample()), "new": in_json(&new)});
    check("TreePair", &pair);
    let changes = post(&url("/v1/diff"), JSON, pair.to_string().into_bytes()).await;
    let status = changes.status();
    let changes: Json = changes.document().await;
    check(
        if status == 200 {
            "Difference"
        } else {
            "ProblemDocument"
        },
        &changes,
    );
    let rules: Json = client()
        .get(url("/v1/rules"))
        .send()
        .await
        .unwrap()
        .document()
        .await;
    check("Rules", &rules);
    let (_, missing) = problem(
        client()
            .get(url("/v1/rules/APIM0000"))
            .send()
            .await
            .unwrap(),
    )
    .await;
    check("ProblemDocument", &missing);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_guarded_and_has_an_id() {
    let service = Running::start(options()).await;
    for path in ["/", "/healthz", "/openapi.json", "/nowhere"] {
        let request = client()
            .get(format!("{}{path}", service.url))
            .header("x-request-id", "mine-1");
        let response = request
            .header("origin", "https://elsewhere.example")
            .send()
            .await
            .unwrap();
        let headers = response.headers();
        assert_eq!(headers["x-request-id"], "mine-1", "{path}");
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert!(headers.contains_key("content-security-policy"), "{path}");
        assert!(
            !headers.contains_key("access-control-allow-origin"),
            "{path}"
        );
    }
    let hostile = client()
        .get(format!("{}/healthz", service.url))
        .header("x-request-id", "a b\"c");
    let id = hostile.send().await.unwrap().headers()["x-request-id"]
        .to_str()
        .unwrap()
        .to_owned();
    assert_eq!(id.len(), 32, "{id}");
    let page = client()
        .get(&service.url)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(page.contains("enctype=\"multipart/form-data\"") && !page.contains("<script"));
    let (status, _) = problem(
        client()
            .get(format!("{}/nowhere", service.url))
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(status, 404);
    let wrong = client()
        .get(format!("{}/v1/render", service.url))
        .send()
        .await
        .unwrap();
    assert_eq!(wrong.headers()["allow"], "POST");
    let (status, _) = problem(wrong).await;
    assert_eq!(status, 405);
    service.stop().await;
}

/// Levels come in the query; the operator's policy stands over them and over the source.
#[tokio::test(flavor = "multi_thread")]
async fn levels_are_asked_for_and_held() {
    let text = "version: 1\nlevels: {unknown-property: warning}\nexceptions: {allowances: false}\n";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.yaml");
    std::fs::write(&file, text).unwrap();
    let policies = flux_apim::edge::policies::read(&[file]).unwrap();
    let digest = policies[0].digest().to_string();
    let service = Running::start(Options {
        policies,
        ..options()
    })
    .await;
    let mut files = sample();
    let render = |rules: Json, files: std::collections::BTreeMap<String, Vec<u8>>| {
        let mut url = reqwest::Url::parse(&format!("{}/v1/render", service.url)).unwrap();
        let mut query = url.query_pairs_mut();
        query.append_pair("env", "prod");
        query.append_pair("rules", &rules.to_string());
        drop(query);
        async move {
            let body = in_json(&files).to_string().into_bytes();
            let response = post(url.as_str(), JSON, body).await;
            (response.status().as_u16(), response.document().await)
        }
    };
    let (status, body) = render(json!({}), files.clone()).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["inventory"]["policies"], json!([digest]));
    let long = |level: &str| json!({"level": level, "reason": "x"});
    for (rules, expected, told) in [
        (json!({"duplicate-key": "off"}), 422, "APIM1030"),
        (json!({"APIM1005": long("info")}), 422, "APIM1030"),
        (json!({"unknown-property": "info"}), 422, "APIM1030"),
        (json!({"invalid-value": "warning"}), 422, "APIM1031"),
        (json!({"invalid-value": long("warning")}), 200, ""),
        (json!({"unknown-property": "error"}), 200, ""),
        (json!({"none": "off"}), 400, "is no rule"),
        (json!(["off"]), 400, "mapping"),
    ] {
        let (status, body) = render(rules.clone(), files.clone()).await;
        assert_eq!(status, expected, "{rules}: {body}");
        assert!(body.to_string().contains(told), "{rules}: {body}");
    }
    let note = "# flux-apim: allow unclaimed-file -- x\n";
    files.insert("apimartifacts/note.yaml".to_owned(), note.into());
    let (status, body) = render(json!({}), files).await;
    assert_eq!(status, 422);
    assert!(body.to_string().contains("takes no allowances"), "{body}");
}
