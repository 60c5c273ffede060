//! Docker's credential helpers: programs that keep credentials.

use super::super::Error;
use super::Login;
use crate::edge::secret::Secret;
use serde::Deserialize;
use std::ffi::OsStr;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use zeroize::Zeroizing;

const PATIENCE: Duration = Duration::from_secs(30);
const MAX_OUTPUT: u64 = 64 << 10;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Found {
    #[serde(default)]
    username: String,
    secret: Secret,
}

/// Asks `docker-credential-NAME` for `server`; `None` when it has nothing.
pub(super) async fn get(name: &str, server: &str) -> Result<Option<Login>, Error> {
    let word = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    if !name.bytes().all(word) {
        return Err(Error::Credentials {
            attempted: format!("find the credential helper for {server}"),
            problem: format!("`{}` is no helper's name", crate::diag::excerpt(name, 40)),
            help: "Docker's configuration names it in `credHelpers` or `credsStore`".to_owned(),
        });
    }
    let program = format!("docker-credential-{name}");
    ask(program.as_ref(), server, PATIENCE).await
}

async fn ask(program: &OsStr, server: &str, patience: Duration) -> Result<Option<Login>, Error> {
    let failed = |problem: String| Error::Credentials {
        attempted: format!("ask {} for {server}", program.display()),
        problem,
        help: format!(
            "`echo {server} | {} get` shows what it says",
            program.display()
        ),
    };
    let talk = async {
        let mut child = Command::new(program)
            .arg("get")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|e| failed(format!("it cannot be started: {e}")))?;
        if let Some(mut stdin) = child.stdin.take() {
            // One that answers without reading is no worse for it.
            let _ = stdin.write_all(server.as_bytes()).await;
        }
        let mut said = Zeroizing::new(Vec::new());
        if let Some(stdout) = child.stdout.take() {
            let read = stdout.take(MAX_OUTPUT + 1).read_to_end(&mut said).await;
            read.map_err(|e| failed(format!("its answer cannot be read: {e}")))?;
        }
        if said.len() as u64 > MAX_OUTPUT {
            return Err(failed(format!("it says more than {MAX_OUTPUT} bytes")));
        }
        let status = child.wait().await;
        let status = status.map_err(|e| failed(format!("it cannot be waited for: {e}")))?;
        Ok((status, said))
    };
    let Ok(talked) = tokio::time::timeout(patience, talk).await else {
        let seconds = patience.as_secs_f32();
        return Err(failed(format!("it has not answered in {seconds} seconds")));
    };
    let (status, said) = talked?;
    if !status.success() {
        // The one message that helpers agree upon.
        let nothing = String::from_utf8_lossy(&said).contains("credentials not found");
        return match nothing {
            true => Ok(None),
            false => Err(failed(format!("it ended with {status}"))),
        };
    }
    let found: Found =
        serde_json::from_slice(&said).map_err(|_| failed("its answer is no credential".into()))?;
    Ok(Some(match found.username.as_str() {
        "<token>" => Login::Refresh {
            token: found.secret,
            confined: false,
        },
        _ => Login::Basic {
            username: found.username,
            password: found.secret,
        },
    }))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    async fn run(script: &str, patience: u64) -> Result<Option<Login>, Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("docker-credential-test");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        ask(path.as_os_str(), "r.io", Duration::from_secs(patience)).await
    }

    #[tokio::test]
    async fn a_helper_gets_the_server_and_gives_a_login() {
        let script = r#"read -r server; [ "$1" = get ] || exit 3
            printf '{"ServerURL":"%s","Username":"me","Secret":"for %s"}' "$server" "$server""#;
        let found = run(script, 30).await.unwrap();
        let Some(Login::Basic { username, password }) = found else {
            panic!("{found:?}")
        };
        assert_eq!((username.as_str(), password.expose()), ("me", "for r.io"));
        let found = run(r#"echo '{"Username":"<token>","Secret":"t"}'"#, 30)
            .await
            .unwrap();
        assert!(
            matches!(
                found,
                Some(Login::Refresh {
                    confined: false,
                    ..
                })
            ),
            "{found:?}"
        );
    }

    #[tokio::test]
    async fn a_helper_that_has_nothing_is_no_error() {
        let script = "echo 'credentials not found in native keychain'; exit 1";
        assert!(run(script, 30).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_helper_that_misbehaves_is_named_and_not_quoted() {
        for (script, patience, found) in [
            ("echo hunter2; exit 1", 30, "it ended with"),
            ("echo hunter2", 30, "no credential"),
            ("sleep 60", 1, "has not answered"),
            ("yes hunter2", 30, "more than 65536 bytes"),
        ] {
            let error = run(script, patience).await.unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(
                text.contains(found) && text.contains("docker-credential-test"),
                "{text}"
            );
            assert!(!text.contains("hunter2"), "{text}");
        }
        let error = get("../../bin/sh", "r.io").await.unwrap_err();
        assert!(error.to_string().contains("no helper's name"), "{error}");
        let error = get("that-is-not-there", "r.io").await.unwrap_err();
        assert!(error.to_string().contains("cannot be started"), "{error}");
    }
}
