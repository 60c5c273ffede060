//! Damaged uploads, many of them: no answer is an error of the service.

use crate::support::*;
use serde_json::json;

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).unwrap()
    }

    /// `bytes` with some of them changed, cut, doubled or put elsewhere.
    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(6) {
            if bytes.is_empty() {
                return;
            }
            let at = self.below(bytes.len());
            let end = (at + self.below(64)).min(bytes.len());
            match self.below(6) {
                0 => bytes[at] ^= 1 << self.below(8),
                1 => bytes[at] = [0, 0xff, b'{', b'"', b'<', b'\n', b'.', b'/'][self.below(8)],
                2 => drop(bytes.drain(at..end)),
                3 => {
                    let copy = bytes[at..end].to_vec();
                    bytes.splice(at..at, copy);
                }
                4 => bytes.truncate(at),
                _ => {
                    let to = self.below(bytes.len());
                    bytes.swap(at, to);
                }
            }
        }
    }
}

/// Resident memory of this process in KiB.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse().ok())
        .unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_uploads_are_never_errors_of_the_service() {
    let count: usize = std::env::var("FLUX_APIM_MUTATIONS").map_or(500, |n| n.parse().unwrap());
    let seed = std::env::var("FLUX_APIM_SEED").map_or(0x5eed_cafe, |n| n.parse().unwrap());
    println!("{count} mutations, seed {seed}");
    let service = Running::start(options()).await;
    let mut small = sample();
    small.retain(|path, _| {
        path.contains("orders-v1/")
            || path.contains("policyFragments")
            || path.contains("namedValues")
    });
    let mut tar = Vec::new();
    {
        let mut decoder = flate2::read::GzDecoder::new(std::io::Cursor::new(archive(&small)));
        std::io::Read::read_to_end(&mut decoder, &mut tar).unwrap();
    }
    let text = in_json(&small).to_string().into_bytes();
    let mut random = Random(seed);
    let client = client();
    let mut after_warm_up = 0;
    for n in 0..count {
        let (media_type, body) = match n % 4 {
            0 => {
                let mut body = archive(&small);
                random.mutate(&mut body);
                (GZIP.to_owned(), body)
            }
            1 => {
                let mut body = tar.clone();
                random.mutate(&mut body);
                (GZIP.to_owned(), gzip(&body))
            }
            2 => {
                let mut body = text.clone();
                random.mutate(&mut body);
                (JSON.to_owned(), body)
            }
            _ => {
                // The envelope is whole, a file in it is not.
                let mut files = small.clone();
                let at = random.below(files.len());
                random.mutate(files.values_mut().nth(at).unwrap());
                (
                    JSON.to_owned(),
                    json!(in_json(&files)).to_string().into_bytes(),
                )
            }
        };
        let verb = if n % 8 < 4 { "validate" } else { "render" };
        let request = client
            .post(format!("{}/v1/{verb}", service.url))
            .header("content-type", media_type);
        let response = request.body(body).send().await.unwrap();
        let status = response.status().as_u16();
        let answer = response.text().await.unwrap();
        assert!(
            matches!(status, 200 | 400 | 413 | 422),
            "mutation {n} of seed {seed}: {status} {answer}"
        );
        if n == count / 4 {
            after_warm_up = resident();
        }
    }
    let grown = resident().saturating_sub(after_warm_up);
    println!("resident: {after_warm_up} KiB after a quarter, {grown} KiB more at the end");
    // The cache fills up to its own cap.
    let allowed = (flux_apim::edge::server::Options::default().cache_bytes >> 10) + (64 << 10);
    assert!(grown < allowed, "{grown} KiB");
    service.stop().await;
}
