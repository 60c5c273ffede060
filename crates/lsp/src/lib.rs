#![doc = include_str!("../README.md")]

mod alone;
mod around;
mod diagnostics;
mod go_to;
mod hover;
mod information;
mod message;
mod names;
mod overlay;
mod session;
#[cfg(test)]
mod tests;
mod text;
mod uri;
mod work;

pub use message::refusal;
pub use session::Session;
pub use work::{Done, Work, World};
