//! Gzip streams of many members.

use crate::diag::{Budget, Place};
use flate2::bufread::GzDecoder;
use std::io::{BufRead, Read};

/// Steps that a member takes beside its bytes: header, tables, checksum.
const STEPS: u64 = 100;

/// Reads the members of a gzip stream, one after the other, up to a cap: a member
/// takes some twenty bytes, and holds nothing if it wants.
#[derive(Debug)]
pub struct Members<R> {
    /// None after the last one.
    decoder: Option<GzDecoder<R>>,
    count: u64,
    max: u64,
    budget: Budget,
}

impl<R: BufRead> Members<R> {
    /// Reads at most `max` members of `packed`; each of them is spent from
    /// `budget`, their bytes are for the reader to count.
    pub fn new(packed: R, max: u64, budget: &Budget) -> Self {
        Self {
            decoder: Some(GzDecoder::new(packed)),
            count: 1,
            max,
            budget: budget.clone(),
        }
    }

    /// Whether reading ended because there are more members than the cap.
    pub fn exceeded(&self) -> bool {
        self.count > self.max
    }
}

impl<R: BufRead> Read for Members<R> {
    /// # Errors
    /// When the stream is no gzip, ends early, or has too many members
    /// ([`Members::exceeded`]).
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if self.exceeded() {
                return Err(std::io::Error::other("it has too many gzip members"));
            }
            let Some(decoder) = &mut self.decoder else {
                return Ok(0);
            };
            let n = decoder.read(buffer)?;
            if n > 0 {
                return Ok(n);
            }
            self.budget.spend(STEPS, Place::Source);
            let Some(mut rest) = self.decoder.take().map(GzDecoder::into_inner) else {
                return Ok(0);
            };
            if rest.fill_buf()?.is_empty() {
                return Ok(0);
            }
            self.decoder = Some(GzDecoder::new(rest));
            self.count += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn member(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn members_are_one_stream_up_to_the_cap() {
        let packed = [member(b"a"), member(b""), member(b"b"), member(b"")].concat();
        let read = |max| {
            let mut members = Members::new(&packed[..], max, &Budget::default());
            let mut bytes = Vec::new();
            let read = members.read_to_end(&mut bytes);
            assert_eq!(read.is_err(), members.exceeded());
            read.ok().map(|_| bytes)
        };
        assert_eq!(read(4).as_deref(), Some(&b"ab"[..]));
        assert_eq!(read(3), None);
    }

    #[test]
    fn what_is_no_member_is_an_error() {
        for packed in [
            [member(b"a"), b"garbage".to_vec()].concat(),
            member(b"aaaa")[..20].to_vec(),
            Vec::new(),
        ] {
            let mut members = Members::new(&packed[..], 9, &Budget::default());
            assert!(members.read_to_end(&mut Vec::new()).is_err(), "{packed:?}");
            assert!(!members.exceeded());
        }
    }

    #[test]
    fn empty_members_are_spent() {
        let budget = Budget::default();
        let packed = member(b"").repeat(1000);
        let mut members = Members::new(&packed[..], 5000, &budget);
        assert_eq!(members.read_to_end(&mut Vec::new()).unwrap(), 0);
        assert_eq!(budget.spent(), 1000 * STEPS);
    }
}
