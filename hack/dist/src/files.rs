//! What lies beside the program in every archive.

use crate::Release;
use crate::archive::Entry;
use anyhow::Context;
use clap::Command;
use flux_apim::edge::cli::{Shell, command, completions as completion};

/// The file of completions of each shell.
pub fn completions() -> Vec<(&'static str, String)> {
    [
        ("flux-apim.bash", Shell::Bash),
        ("_flux-apim", Shell::Zsh),
        ("flux-apim.fish", Shell::Fish),
        ("_flux-apim.ps1", Shell::PowerShell),
        ("flux-apim.nu", Shell::Nushell),
    ]
    .map(|(file, shell)| (file, completion(shell)))
    .to_vec()
}

/// A page for each command, by name: `flux-apim-policy-effective.1`.
pub fn pages() -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let mut command = command().disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    page(&command, &mut pages)?;
    Ok(pages)
}

fn page(command: &Command, pages: &mut Vec<(String, Vec<u8>)>) -> anyhow::Result<()> {
    let name = command
        .get_display_name()
        .unwrap_or(command.get_name())
        .to_owned();
    let man = clap_mangen::Man::new(command.clone());
    let file = man.get_filename();
    let mut out = Vec::new();
    man.render(&mut out)
        .with_context(|| format!("the page of {name}"))?;
    pages.push((file, out));
    for below in command
        .get_subcommands()
        .filter(|below| !below.is_hide_set())
    {
        page(below, pages)?;
    }
    Ok(())
}

/// Everything but the program itself.
pub fn shared(release: &Release, licences: &str, install: &str) -> anyhow::Result<Vec<Entry>> {
    let mut entries = vec![
        Entry::file("LICENSE", release.read("LICENSE")?),
        Entry::file("README.md", release.read("README.md")?),
        Entry::file("THIRD-PARTY-LICENSES.txt", licences),
        Entry::file("install.yaml", install),
    ];
    for (name, text) in completions() {
        entries.push(Entry::file(format!("completions/{name}"), text));
    }
    for (name, text) in pages()? {
        entries.push(Entry::file(format!("man/{name}"), text));
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_and_every_shell_knows_it() {
        let pages = pages().unwrap();
        let names: Vec<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
        let command = command();
        for below in command.get_subcommands() {
            let file = format!("flux-apim-{}.1", below.get_name());
            assert!(names.contains(&file.as_str()), "{file}: {names:?}");
            for (shell, text) in completions() {
                assert!(
                    text.contains(below.get_name()),
                    "{shell} {}",
                    below.get_name()
                );
            }
        }
        assert!(names.contains(&"flux-apim.1"));
        assert!(names.contains(&"flux-apim-policy-effective.1"));
    }
}
