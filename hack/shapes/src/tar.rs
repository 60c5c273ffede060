//! Tar and gzip as a sender who means harm writes them: nothing is checked.

use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

const BLOCK: usize = 512;
/// What an entry takes beside its bytes.
pub(crate) const HEADER: usize = BLOCK;

/// A tar while it is written.
#[derive(Default)]
pub(crate) struct Tar {
    bytes: Vec<u8>,
}

impl Tar {
    /// A regular file; a long path goes into a GNU extension.
    pub(crate) fn file(&mut self, path: &str, bytes: &[u8]) {
        if path.len() > 100 {
            self.gnu_long_name(path);
        }
        self.entry(b'0', path, bytes);
    }

    pub(crate) fn folder(&mut self, path: &str) {
        self.entry(b'5', path, b"");
    }

    /// The GNU extension that names the next entry.
    pub(crate) fn gnu_long_name(&mut self, path: &str) {
        self.entry(b'L', "././@LongLink", &[path.as_bytes(), b"\0"].concat());
    }

    /// The extended header of the next entry, with these records.
    pub(crate) fn pax(&mut self, records: &[(&str, &str)]) {
        self.entry(b'x', "PaxHeaders/x", &pax_records(records));
    }

    /// An extended header for all that follows.
    pub(crate) fn pax_global(&mut self, records: &[(&str, &str)]) {
        self.entry(b'g', "pax_global_header", &pax_records(records));
    }

    fn entry(&mut self, kind: u8, path: &str, bytes: &[u8]) {
        let mut header = [0u8; BLOCK];
        let name = &path.as_bytes()[..path.len().min(100)];
        header[..name.len()].copy_from_slice(name);
        header[100..108].copy_from_slice(b"0000644\0");
        header[108..116].copy_from_slice(b"0000000\0");
        header[116..124].copy_from_slice(b"0000000\0");
        header[124..136].copy_from_slice(format!("{:011o}\0", bytes.len()).as_bytes());
        header[136..148].copy_from_slice(b"00000000000\0");
        header[148..156].fill(b' ');
        header[156] = kind;
        header[257..265].copy_from_slice(b"ustar\x0000");
        let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        self.bytes.extend_from_slice(&header);
        self.bytes.extend_from_slice(bytes);
        let padded = self.bytes.len().next_multiple_of(BLOCK);
        self.bytes.resize(padded, 0);
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.bytes.extend_from_slice(&[0; 2 * BLOCK]);
        self.bytes
    }
}

fn pax_records(records: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (key, value) in records {
        // The length counts its own digits.
        let rest = key.len() + value.len() + 3;
        let mut len = rest + rest.to_string().len();
        if len.to_string().len() + rest != len {
            len = rest + len.to_string().len();
        }
        bytes.extend_from_slice(format!("{len} {key}={value}\n").as_bytes());
    }
    bytes
}

/// `bytes` as one gzip member.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    // A vector takes every byte.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}
