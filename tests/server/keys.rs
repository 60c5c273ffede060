//! Keys of an OpenID provider: when they are asked for, and which are believed.

use crate::access::*;
use crate::support::*;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use flux_apim::edge::server::{Auth, Options};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use std::time::Duration;

fn with_refresh(options: Options, refresh: Duration) -> Options {
    let Auth::Oidc(mut oidc) = options.auth else {
        panic!("these are not the options of a provider");
    };
    oidc.refresh = refresh;
    Options {
        auth: Auth::Oidc(oidc),
        ..options
    }
}

/// Waits until the provider was asked `times` times.
async fn asked(provider: &Provider, times: usize) {
    for _ in 0..600 {
        if provider.asked.load(Ordering::SeqCst) >= times {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the provider was not asked {times} times");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_hangs_delays_nobody_whose_key_is_here() {
    let provider = Provider::start(None).await;
    let key = Key::new("k");
    provider.show(&[&key]);
    let options = with_refresh(provider.options(&[]), Duration::from_millis(50));
    let service = Running::start(options).await;
    let token = key.sign(&claims(
        &provider.issuer,
        &json!({"scope": "flux-apim.render"}),
    ));
    assert_eq!(
        status(&service, "GET", "/v1/rules", Some(&token)).await,
        200
    );
    // The keys are asked for again and again without anybody asking for anything.
    asked(&provider, 3).await;
    provider.hangs.send_replace(true);
    let before = provider.asked.load(Ordering::SeqCst);
    asked(&provider, before + 1).await;
    for path in ["/v1/rules", "/readyz"].repeat(10) {
        assert_eq!(status(&service, "GET", path, Some(&token)).await, 200);
    }
    assert!(
        *provider.hangs.borrow() && provider.asked.load(Ordering::SeqCst) == before + 1,
        "somebody waited for the provider"
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_needs_a_key_that_is_not_here_asks_with_all_others_and_not_for_long() {
    let provider = Provider::start(None).await;
    let key = Key::new("k");
    provider.show(&[&key]);
    let service = Running::start(provider.options(&[])).await;
    let claims = claims(&provider.issuer, &json!({"scope": "flux-apim.render"}));
    let token = key.sign(&claims);
    assert_eq!(
        status(&service, "GET", "/v1/rules", Some(&token)).await,
        200
    );
    provider.hangs.send_replace(true);
    let before = provider.asked.load(Ordering::SeqCst);
    let strangers = (0..12).map(|n| {
        let token = Key::new(&format!("unknown-{n}")).sign(&claims);
        let request = client().get(format!("{}/v1/rules", service.url));
        tokio::spawn(async move { request.bearer_auth(token).send().await.unwrap() })
    });
    let strangers: Vec<_> = strangers.collect();
    asked(&provider, before + 1).await;
    assert_eq!(
        status(&service, "GET", "/v1/rules", Some(&token)).await,
        200
    );
    // The provider still hangs when they are told so.
    for stranger in strangers {
        let response = stranger.await.unwrap();
        assert!(response.headers().contains_key("retry-after"));
        assert_eq!(problem(response).await.0, 503);
    }
    assert_eq!(provider.asked.load(Ordering::SeqCst), before + 1);
    provider.hangs.send_replace(false);
    service.stop().await;
}

/// RSA keys of this test, in the form of PKCS #1.
const RSA_1024: &str = "\
    MIICXQIBAAKBgQDOMoijNm45s93c2+d04m9rzZmuaGOdp28XYK3wcOwQVX69z9jFilAgEHOLb85PxQz4K2wlHVTM\
    TuQUBJrlJudTAVccYP91TOSpjg4TP7qli4HHmt4c/Hp2B6RZJ2XqN/+SxFsyWk4hPOnpk+f+ukfJjYwGFkZpp5W3\
    dyabpecnwwIDAQABAoGAJwEeIamRLi8c/8NFRDH1G7JXqMssVM0wUX7DSGFD9k8F24funGdugrI5+R1cLHC85FDq\
    cxbaTI97y2GXn1M9nHoKxOpWo6RdPmM/PArqJXwD//2CAAZjDClXTDlUDaSJmF3K7PkyWGnpM4Z1ROzFZbBLjBgV\
    gaO9KhE92kv2jyECQQDqhl7MJ0PNBdrVtBsgE8QzpvzMN8yXPrzqOro1qhRL95mtzd4JTt/05Hw5chDwN/CdK0eq\
    cDbB/m+z7Ktbf/zTAkEA4RQfdgCbKpEgcXznP9dw8OdTpTR6uGPVxPAVQboKJ5oYcpq8c95eCq1yz+G2+6LjP/Am\
    sQXiv56NnRuXqfmTUQJAbFQk9agtaUaLDqti3C5FMpavrqUXm8Ue/hKicKdfOLfmBKJTLXmBeV0RBHfr2wn72p1j\
    PRcYNAOTFUj83gcAgQJBANSQUYn61o+j0ZT8VdS4HWSVwywhXMipGGjOJ/UTwqVV5ULOma1/0yaYWfazf0E0uxNW\
    NOQ338YB8lHujhQrrJECQQCygGwUMPlpPyknvEfI0XAIYTynD7eCUWAyqEth0yGLEDNJM8QB3bp5JX9ZI7REfH9m\
    Tt11aybcABqJTAX6kyky";
const RSA_2048: &str = "\
    MIIEowIBAAKCAQEAxULJS5H+atPZrLOHre961DJRXmpARQxFgwEfs986lKBYPbowhcDKEY/CLvEougIofYMdDIOd\
    1QvEf6g6nh/4tjixegW/fC63YFAid7twFFQauMIAXe2jKqdIy1PHfaNUhyFN7ybz2bR2J6ufrq4FmfOtiDW2AogC\
    7YcciGtrKeCL1yeCmVbx2jtbwHU7frweD0sqCa2T11ibzGZbeH+i9OwsHB0nI8+2Di/1awBfw8RkAjvJpazTj1kN\
    +utOR3It5UPy41LSrOeYx88FiKCLO3KS36SRhDsYYdkKdM3ga/7CGS4aUBuC9c6yz/Co9+hSzOBP26DVmlX5PcqE\
    u1kEzwIDAQABAoIBACLO5K9hnTfjlzMa4PPH4PBFysbyz9F/V1rFHX+DghZM7xVBYCOR//Y2XGklI+8ix1tSghM9\
    vGGmOG/gUyuo753UBjlGf2Id6jzkFxjyqdXke2yjyyXH87VonHdImtioNBe+QD7VrEz7w6e/aKeNzK48aiAxfiMX\
    NhEM+PN3pQrX5fVSt2rsWseQ8IZ4kH0pm7soAA5oJyfdUjrb1OWJv9YOjr7m4OCG8MDB67t9v9ncDp+FT8NB3Jkb\
    aK0m6pGY/fKUyIS1pz1h/ta5AzF97eZXhsnwbxAULoufptIQiGOU1NMMLKL+L2Vue4OzgnmKtAc4z8rkfpr39DG4\
    DBhru50CgYEA4wF692EkPi8V8XUNTMDQcAi8XCLvmHHmcGVtUU0GpW+allcvfjQuvavyXVc7iXyB7C90VIIQUes7\
    qdhDMIfu2VpeJycpZ+0Sr2kMl1tf9rXSCZ4ybYmYs7iLLHsbouyt0qWIexjYF1SRgKlUSKCZS0hU9X888Iq1jQm+\
    SJjwc80CgYEA3nS471+9QEKzRrvhcR9A62ek8odRM2mvh8krfqUfJrizSi8xYYlC+Lj1EwxxKetk8kVWiwI3InFd\
    wiji2eBq+pai1IBVYbHTM8F4awtY4KqQVxsOTc5bArjF+2xpdKuphHqQkNtEYsXHQ4Yp1kud2HfDkZ7kw4CqnO72\
    /7OvNwsCgYBlWMTYauMubAEk8rhEWxTz38KQc/x6F+fkqDO9B2F/PKtMkZIfixaPEZQ7/fUTtaWfl7QdApBcsmPJ\
    uUaOBTIqkcDVRBOlVV9xNrorXN0kHRqvtpQW+UZWfn6MFk5JV9dm4wZixr269MOdKHv7jM/Dn4Bmti6zyYmydPYi\
    HT3ExQKBgGAS6Qv4vTNTmzmhSuwgI1mHmaVk65zYuAZcy3wWtC1093nCiAEn1tS0jKN9bCI+l4pKh+XhPw6RB30j\
    S1XtpkYzaH9+LWHT+vMPS4JvlCLzhwMXnEXeKVAznM3JNII+4SdmB6mICTDfWf+/obH7VmB22O+7P/FvUEAWtHYa\
    lEGhAoGBAN/zys1h/e3yZG5NPBIC11AvlcZB1JbJn8fWDeIkbqyjFJ2cVx/LUehb9zSKR8mFFZxDjysHicnvURNs\
    9EPHBJ6fAE72G7L/AlKxZcIaVIKYkvg7rDtU/aanqczMQKRJjO498Kl9oQTFcQAz+lFu71CJb4ZZyTHAdfbmglog\
    RHbj";

/// A key of RSA, and how a provider shows it.
fn rsa(der: &str, id: &str) -> (EncodingKey, Value) {
    let key = EncodingKey::from_rsa_der(&STANDARD.decode(der).unwrap());
    let public = Jwk::from_encoding_key(&key, Algorithm::RS256).unwrap();
    let mut public = serde_json::to_value(public).unwrap();
    public["kid"] = json!(id);
    (key, public)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_long_enough_and_for_one_algorithm() {
    let provider = Provider::start(None).await;
    let claims = claims(&provider.issuer, &json!({"scope": "flux-apim.render"}));
    let (short, short_public) = rsa(RSA_1024, "short");
    let (long, long_public) = rsa(RSA_2048, "long");
    let mut plain_public = long_public.clone();
    plain_public["kid"] = json!("plain");
    plain_public.as_object_mut().unwrap().remove("alg");
    let mut other_public = long_public.clone();
    other_public["kid"] = json!("other");
    other_public["alg"] = json!("PS256");
    provider.show_all(vec![short_public, long_public, plain_public, other_public]);
    let service = Running::start(provider.options(&[])).await;
    for (id, key, algorithm, expected) in [
        ("long", &long, Algorithm::RS256, 200),
        ("long", &long, Algorithm::RS384, 401),
        ("long", &long, Algorithm::PS256, 401),
        ("plain", &long, Algorithm::RS256, 200),
        ("plain", &long, Algorithm::PS256, 401),
        ("plain", &long, Algorithm::RS512, 401),
        ("other", &long, Algorithm::PS256, 200),
        ("other", &long, Algorithm::RS256, 401),
        ("short", &short, Algorithm::RS256, 401),
        ("short", &long, Algorithm::RS256, 401),
    ] {
        let mut header = Header::new(algorithm);
        header.kid = Some(id.to_owned());
        let token = encode(&header, &claims, key).unwrap();
        assert_eq!(
            status(&service, "GET", "/v1/rules", Some(&token)).await,
            expected,
            "{id} {algorithm:?}"
        );
    }
    let token = encode(
        &Header {
            kid: Some("short".to_owned()),
            ..Header::new(Algorithm::RS256)
        },
        &claims,
        &short,
    )
    .unwrap();
    let request = client().get(format!("{}/v1/rules", service.url));
    let refused = request.bearer_auth(token).send().await.unwrap();
    let (_, body) = problem(refused).await;
    assert!(body["detail"].as_str().unwrap().contains("2048"), "{body}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_head_of_a_token_says_is_looked_at() {
    let provider = Provider::start(None).await;
    let key = Key::new("k");
    provider.show(&[&key]);
    let service = Running::start(provider.options(&[])).await;
    let claims = claims(&provider.issuer, &json!({"scope": "flux-apim.render"}));
    let token = |more: &str| {
        let header = format!(r#"{{"alg":"ES256","kid":"k"{more}}}"#);
        let [header, claims] = [header, claims.to_string()].map(|t| URL_SAFE_NO_PAD.encode(t));
        let message = format!("{header}.{claims}");
        format!("{message}.{}", key.sign_text(&message))
    };
    for (more, expected) in [
        ("", 200),
        (r#","typ":"JWT""#, 200),
        (r#","typ":"jwt""#, 200),
        (r#","typ":"at+jwt""#, 200),
        (r#","typ":"application/at+JWT""#, 200),
        (r#","typ":"logout+jwt""#, 401),
        (r#","typ":"dpop+jwt""#, 401),
        (r#","typ":"JOSE""#, 401),
        (r#","typ":"""#, 401),
        (r#","typ":null"#, 401),
        (r#","crit":["exp"]"#, 401),
        (r#","crit":["b64"],"b64":true"#, 401),
        (
            r#","crit":["http://example.test/x"],"http://example.test/x":1"#,
            401,
        ),
        (r#","crit":[]"#, 401),
        (r#","crit":null"#, 401),
        (r#","crit":"exp""#, 401),
        (r#","unknown":1"#, 200),
    ] {
        assert_eq!(
            status(&service, "GET", "/v1/rules", Some(&token(more))).await,
            expected,
            "{more}"
        );
    }
    service.stop().await;
}
