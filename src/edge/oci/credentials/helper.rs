//! Docker's credential helpers: programs that keep credentials.

use super::super::Error;
use super::Login;
use crate::edge::secret::Secret;
use serde::Deserialize;
use std::io;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use zeroize::Zeroizing;

const PATIENCE: Duration = Duration::from_secs(30);
const MAX_OUTPUT: u64 = 64 << 10;
/// How often a program that is being written is tried again, and how soon: an
/// installer is given two seconds.
const BUSY_TIMES: u32 = 40;
const BUSY_WAIT: Duration = Duration::from_millis(50);

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
    ask(Command::new(&program), &program, server, PATIENCE).await
}

/// Runs `command`, which is known as `program`, and reads what it has for
/// `server`.
async fn ask(
    mut command: Command,
    program: &str,
    server: &str,
    patience: Duration,
) -> Result<Option<Login>, Error> {
    let failed = |problem: String| Error::Credentials {
        attempted: format!("ask {program} for {server}"),
        problem,
        help: format!("`echo {server} | {program} get` shows what it says"),
    };
    command
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let talk = async {
        let mut child = start(&mut command)
            .await
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

/// Starts a program. One that somebody is writing, an installer for example, is
/// tried again for a while: the system does not run a file that is open for
/// writing, and that passes.
async fn start(command: &mut Command) -> io::Result<Child> {
    for _ in 0..BUSY_TIMES {
        match command.spawn() {
            Err(e) if e.kind() == io::ErrorKind::ExecutableFileBusy => {
                tokio::time::sleep(BUSY_WAIT).await;
            }
            started => return started,
        }
    }
    command.spawn()
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::os::unix::fs::OpenOptionsExt;

    /// A helper that is the shell with a script: a file that was just written
    /// cannot be run while another test, which starts a process of its own at
    /// that moment, has it open.
    async fn run(script: &str, patience: u64) -> Result<Option<Login>, Error> {
        let name = "docker-credential-test";
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script, name]);
        ask(command, name, "r.io", Duration::from_secs(patience)).await
    }

    /// A program that can be run when its file is closed.
    fn being_written(folder: &std::path::Path) -> (std::path::PathBuf, std::fs::File) {
        use std::io::Write;
        let path = folder.join("docker-credential-new");
        let mut options = std::fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o755)
            .open(&path)
            .unwrap();
        file.write_all(b"#!/bin/sh\necho '{\"Username\":\"me\",\"Secret\":\"s\"}'\n")
            .unwrap();
        (path, file)
    }

    #[tokio::test]
    async fn a_helper_that_is_being_installed_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let (path, file) = being_written(folder.path());
        let asking = ask(Command::new(&path), "new", "r.io", PATIENCE);
        // The first attempt is made before the file is closed.
        let closing = async move { drop(file) };
        let (found, ()) = tokio::join!(biased; asking, closing);
        assert!(matches!(found, Ok(Some(Login::Basic { .. }))), "{found:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_helper_that_is_never_installed_is_not_waited_for_without_end() {
        let folder = tempfile::tempdir().unwrap();
        let (path, file) = being_written(folder.path());
        let asked = ask(Command::new(&path), "new", "r.io", PATIENCE).await;
        let error = asked.unwrap_err().to_string();
        assert!(
            error.contains("cannot be started: Text file busy"),
            "{error}"
        );
        drop(file);
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
