//! Writes each shape, at a size that fits, as a fuzzer takes it (`shapes::packed`).
//!
//! usage: seeds FOLDER

use shapes::packed::{Asked, pack};
use shapes::{Input, Shape};
use std::path::Path;

/// Bytes of an input; what is longer is changed in vain.
const MAX: usize = 4000;

fn main() -> std::io::Result<()> {
    let Some(folder) = std::env::args_os().nth(1) else {
        return Err(std::io::Error::other("usage: seeds FOLDER"));
    };
    std::fs::create_dir_all(&folder)?;
    for shape in shapes::all() {
        if let Some(seed) = seed(shape) {
            std::fs::write(Path::new(&folder).join(shape.name), seed)?;
        }
    }
    Ok(())
}

/// The largest that fits, up to the smallest of the series.
fn seed(shape: &Shape) -> Option<Vec<u8>> {
    let asked = Asked {
        environment: shape.environment.is_some(),
        forgiving: false,
        compared: shape.name.starts_with("diff_"),
    };
    let mut n = shape.small;
    while n > 0 {
        let Input::Tree(tree) = (shape.make)(n) else {
            return None;
        };
        match pack(&tree, asked) {
            Some(packed) if packed.len() <= MAX => return Some(packed),
            _ => n /= 2,
        }
    }
    None
}
