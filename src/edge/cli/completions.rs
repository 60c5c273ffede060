//! `completions`: what a shell needs to complete commands, flags and files.

use clap::{CommandFactory, ValueEnum};
use clap_complete::{Generator, generate};
use clap_complete_nushell::Nushell;

const NAME: &str = "flux-apim";

/// A shell that completions are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// GNU Bash.
    Bash,
    /// Elvish.
    Elvish,
    /// Fish.
    Fish,
    /// Nushell.
    Nushell,
    /// PowerShell.
    #[value(name = "powershell")]
    PowerShell,
    /// The Z shell.
    Zsh,
}

/// The script that `shell` reads.
pub fn of(shell: Shell) -> String {
    match shell {
        // The generator spells a program with a hyphen in two ways, and what the one sets the
        // other does not find.
        Shell::Bash => made(clap_complete::Shell::Bash).replace("flux__subcmd__apim", "flux__apim"),
        Shell::Elvish => made(clap_complete::Shell::Elvish),
        Shell::Fish => made(clap_complete::Shell::Fish),
        Shell::Nushell => made(Nushell),
        Shell::PowerShell => made(clap_complete::Shell::PowerShell),
        Shell::Zsh => made(clap_complete::Shell::Zsh),
    }
}

fn made(generator: impl Generator) -> String {
    let mut out = Vec::new();
    generate(generator, &mut super::Cli::command(), NAME, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}
