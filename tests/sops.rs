//! Files that SOPS encrypted. Those of `testdata/sops` were written after its source, with a
//! key of age that is there beside them; what read them first also read files of SOPS 3 and
//! the test vector of its age keys.
#![cfg(feature = "cli")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test code"
)]

mod common;
mod registries;

use flux_apim::edge::oci::acr::{Assertion, Identity, Source};
use flux_apim::edge::oci::{Connection, Credentials};
use flux_apim::edge::secret::Secret;
use flux_apim::edge::sops::{Document, Error, Identities};
use registries::azure::{self, Deviations};
use registries::real::Authority;
use registries::vault::{self, Vault};
use std::collections::BTreeMap;

fn read(name: &str) -> String {
    let path = common::repository(&format!("testdata/sops/{name}"));
    std::fs::read_to_string(path).unwrap()
}

fn keys() -> Identities {
    let mut keys = Identities::default();
    keys.add(&Secret::new(read("age.txt")), "age.txt");
    keys
}

fn decrypted(
    document: &Document,
    keys: &Identities,
    connection: &Connection,
) -> Result<BTreeMap<String, String>, Error> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let found = runtime.block_on(document.decrypt(keys, connection))?;
    let shown = found.into_iter();
    Ok(shown
        .map(|(name, secret)| (name, secret.expose().to_owned()))
        .collect())
}

fn open(name: &str, text: &str) -> Result<BTreeMap<String, String>, Error> {
    let document = Document::parse(name, text.to_owned())?;
    decrypted(&document, &keys(), &Connection::default())
}

#[test]
fn files_of_sops_are_opened() {
    for name in ["secrets.yaml", "secrets.json", "only-encrypted.yaml"] {
        let found = open(name, &read(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(found["partnerKey"], "hunter2", "{name}");
        assert_eq!(found["number"], "42", "{name}");
        assert_eq!(
            found["text"], "line one\nline two: \u{e9}\u{1f511}\n",
            "{name}"
        );
        assert_eq!(found["flag"], "true", "{name}");
        // What is not encrypted is no secret; what is deeper has no name.
        assert!(!found.contains_key("note_unencrypted"), "{name}");
        assert!(!found.contains_key("nested"), "{name}");
    }
}

#[test]
fn what_was_changed_without_sops_is_refused() {
    let text = read("secrets.yaml");
    let lines: Vec<&str> = text.lines().collect();
    let at = |key: &str| lines.iter().position(|line| line.starts_with(key)).unwrap();
    let swapped = {
        let mut lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        let (one, two) = (at("partnerKey:"), at("number:"));
        let values: Vec<String> = [one, two]
            .iter()
            .map(|n| lines[*n].split_once(": ").unwrap().1.to_owned())
            .collect();
        lines[one] = format!("partnerKey: {}", values[1]);
        lines[two] = format!("number: {}", values[0]);
        lines.join("\n")
    };
    assert!(matches!(
        open("secrets.yaml", &swapped),
        Err(Error::Value(_))
    ));
    let without = {
        let mut lines = lines.clone();
        lines.remove(at("number:"));
        lines.join("\n")
    };
    assert!(matches!(open("secrets.yaml", &without), Err(Error::Mac)));
    let added = format!("added: plain\n{text}");
    assert!(matches!(open("secrets.yaml", &added), Err(Error::Mac)));
    let plain = text.replace("note_unencrypted: a note", "note_unencrypted: another");
    assert_ne!(plain, text);
    assert!(matches!(open("secrets.yaml", &plain), Err(Error::Mac)));
    let renamed = text.replace("partnerKey:", "otherKey:");
    assert!(matches!(
        open("secrets.yaml", &renamed),
        Err(Error::Value(_))
    ));
    let later = text.replace("lastmodified: \"20", "lastmodified: \"21");
    assert_ne!(later, text);
    assert!(matches!(open("secrets.yaml", &later), Err(Error::Mac)));
    for (text, said) in [
        ("a: b\n", "it is not encrypted by SOPS"),
        ("a: [", "it is no YAML"),
        (
            "a: b\nsops: {mac: x}\n",
            "it has none of age or of an Azure Key Vault",
        ),
        ("sops: {key_groups: [{age: []}]}\n", "several groups"),
        (
            "sops: {azure_kv: [{vault_url: \"http://x\", name: n}]}\n",
            "no key vault",
        ),
    ] {
        let error = open("x.yaml", text).unwrap_err().to_string();
        assert!(error.contains(said), "{said}: {error}");
    }
}

#[test]
fn a_key_that_is_not_there_is_said() {
    let document = Document::parse("secrets.yaml", read("secrets.yaml")).unwrap();
    let none = Identities::default();
    let error = decrypted(&document, &none, &Connection::default()).unwrap_err();
    assert!(error.to_string().contains("no age key is there"), "{error}");
    let mut other = Identities::default();
    // The key of the tests of age itself.
    let key = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
    other.add(&Secret::new(key.to_owned()), "SOPS_AGE_KEY");
    let error = decrypted(&document, &other, &Connection::default()).unwrap_err();
    let error = error.to_string();
    assert!(error.contains("none of the 1 age keys"), "{error}");
    assert!(!error.contains("SECRET-KEY"), "{error}");
    let mut odd = Identities::default();
    odd.add(&Secret::new("# a comment\nhello".to_owned()), "keys.txt");
    let error = decrypted(&document, &odd, &Connection::default()).unwrap_err();
    assert!(error.to_string().contains("keys.txt has no key"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_vault_opens_what_its_key_encrypted() {
    let deviations = Deviations::default();
    let authority = Authority::new("own");
    let entra = azure::entra_for(vault::AUDIENCE, &deviations, None).await;
    let key: Vec<u8> = (0..64)
        .step_by(2)
        .map(|at| u8::from_str_radix(&read("secrets.key")[at..at + 2], 16).unwrap())
        .collect();
    let encrypted = vec![7; 256];
    let server = Vault {
        decrypts: Some((encrypted.clone(), key)),
        ..Vault::default()
    };
    let server = server.start(authority.server(), &deviations).await;
    let connection = Connection {
        insecure: true,
        ca: Some(authority.certificate()),
        credentials: Credentials::Azure(Identity {
            source: Source::Workload {
                authority: format!("http://{}/", entra.address),
                tenant: azure::TENANT.to_owned(),
                client: azure::CLIENT.to_owned(),
                assertion: Assertion::Text(Secret::new(azure::FEDERATED.to_owned())),
            },
            hosts: vec![server.address.clone()],
        }),
        ..registries::connection()
    };
    // The same file, with the key of its data encrypted by a vault instead.
    let text = read("secrets.yaml");
    let (values, metadata) = text.split_once("sops:\n").unwrap();
    let fields = metadata.lines().filter(|line| {
        ["    lastmodified:", "    mac:", "    version:"]
            .iter()
            .any(|field| line.starts_with(field))
    });
    let fields: Vec<&str> = fields.collect();
    let with = |encrypted: &[u8]| {
        use base64::Engine as _;
        let encrypted = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(encrypted);
        format!(
            "{values}sops:\n    azure_kv:\n        - vault_url: https://{}\n          name: {}\n          \
             version: {}\n          enc: {encrypted}\n{}\n",
            server.address,
            vault::KEY,
            vault::VERSION,
            fields.join("\n")
        )
    };
    let document = Document::parse("secrets.yaml", with(&encrypted)).unwrap();
    let found = document.decrypt(&keys(), &connection).await.unwrap();
    assert_eq!(found["partnerKey"].expose(), "hunter2");
    let document = Document::parse("secrets.yaml", with(&[8; 256])).unwrap();
    let error = document.decrypt(&keys(), &connection).await.unwrap_err();
    assert!(
        error.to_string().contains("decrypt with the key apim"),
        "{error}"
    );
    assert_eq!(deviations.all(), Vec::<String>::new());
}
