//! A timestamp authority after RFC 3161: it says at what time it saw the hash of something.

use rcgen::{
    CertificateParams, CertifiedIssuer, CustomExtension, DnType, IsCa, KeyPair, KeyUsagePurpose,
    SerialNumber, SigningKey,
};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// Tags of ASN.1.
const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OBJECT: u8 = 0x06;
const TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
/// The first of a constructed value that is told by its place.
const FIRST: u8 = 0xa0;

/// id-signedData, id-ct-TSTInfo, the attributes of RFC 5652 and RFC 5816.
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
const TST_INFO: &[u8] = &[
    0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04,
];
const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03];
const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04];
const SIGNING_CERTIFICATE: &[u8] = &[
    0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x2f,
];
const SHA_256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
const ECDSA_SHA_256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
/// A policy of nobody.
const POLICY: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01];

/// An authority, certified by another.
pub struct Timestamps {
    key: KeyPair,
    certificate: Vec<u8>,
}

impl Timestamps {
    pub fn certified_by(authority: &CertifiedIssuer<'static, KeyPair>) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::ExplicitNoCa;
        params.serial_number = Some(SerialNumber::from_slice(&[7]));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let names = &mut params.distinguished_name;
        names.push(DnType::CommonName, "timestamps of the test");
        // For timestamps alone, and critical: RFC 3161, section 2.3.
        let purpose = der(OBJECT, &[&[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08]]);
        let purposes = der(SEQUENCE, &[&purpose]);
        let mut usage = CustomExtension::from_oid_content(&[2, 5, 29, 37], purposes);
        usage.set_criticality(true);
        params.custom_extensions = vec![usage];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, authority).unwrap();
        Self {
            key,
            certificate: certificate.der().to_vec(),
        }
    }

    /// Its certificate, in DER.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// The answer to a request for the time `now`, in seconds of Unix.
    pub fn answer(&self, request: &[u8], now: i64) -> Result<Vec<u8>, String> {
        let imprint = *parts(request).get(1).ok_or("no request")?;
        let hashed = *parts(imprint).get(1).ok_or("no imprint")?;
        if hashed.first() != Some(&OCTETS) || hashed.len() != 34 {
            return Err("no hash of SHA-256".to_owned());
        }
        let time = rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(now.unsigned_abs());
        let time = format!(
            "{:04}{:02}{:02}{:02}{:02}{:02}Z",
            time.year(),
            u8::from(time.month()),
            time.day(),
            time.hour(),
            time.minute(),
            time.second()
        );
        let info = der(
            SEQUENCE,
            &[
                &number(1),
                &der(OBJECT, &[POLICY]),
                imprint,
                &number(1),
                &der(TIME, &[time.as_bytes()]),
            ],
        );
        let token = der(
            SEQUENCE,
            &[
                &der(OBJECT, &[SIGNED_DATA]),
                &der(FIRST, &[&self.signed(&info)]),
            ],
        );
        let granted = der(SEQUENCE, &[&number(0)]);
        Ok(der(SEQUENCE, &[&granted, &token]))
    }

    /// `SignedData` of RFC 5652 around the time.
    fn signed(&self, info: &[u8]) -> Vec<u8> {
        let sha = der(SEQUENCE, &[&der(OBJECT, &[SHA_256])]);
        let attribute = |kind: &[u8], value: &[u8]| {
            der(SEQUENCE, &[&der(OBJECT, &[kind]), &der(SET, &[value])])
        };
        let digest = |bytes: &[u8]| der(OCTETS, &[&Sha256::digest(bytes)]);
        let certificate = der(SEQUENCE, &[&digest(&self.certificate)]);
        let certificates = der(SEQUENCE, &[&der(SEQUENCE, &[&certificate])]);
        let mut attributes = [
            attribute(CONTENT_TYPE, &der(OBJECT, &[TST_INFO])),
            attribute(MESSAGE_DIGEST, &digest(info)),
            attribute(SIGNING_CERTIFICATE, &certificates),
        ];
        // A set is sorted by its encoding.
        attributes.sort();
        let attributes = attributes.concat();
        let signature = self.key.sign(&der(SET, &[&attributes])).unwrap();
        // Version, serial number, algorithm, issuer: RFC 5280, section 4.1.
        let body = parts(parts(&self.certificate)[0]);
        let signer = der(
            SEQUENCE,
            &[
                &number(1),
                &der(SEQUENCE, &[body[3], body[1]]),
                &sha,
                &der(FIRST, &[&attributes]),
                &der(SEQUENCE, &[&der(OBJECT, &[ECDSA_SHA_256])]),
                &der(OCTETS, &[&signature]),
            ],
        );
        let content = der(
            SEQUENCE,
            &[
                &der(OBJECT, &[TST_INFO]),
                &der(FIRST, &[&der(OCTETS, &[info])]),
            ],
        );
        der(
            SEQUENCE,
            &[
                &number(3),
                &der(SET, &[&sha]),
                &content,
                &der(FIRST, &[&self.certificate]),
                &der(SET, &[&signer]),
            ],
        )
    }
}

/// A value in DER.
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let inside = parts.concat();
    let size = inside.len().to_be_bytes();
    let size = &size[size.iter().take_while(|byte| **byte == 0).count()..];
    let mut out = vec![tag];
    match inside.len() {
        short if short < 0x80 => out.push(u8::try_from(short).unwrap()),
        _ => {
            out.push(0x80 | u8::try_from(size.len()).unwrap());
            out.extend(size);
        }
    }
    out.extend(inside);
    out
}

/// A small number that is not negative.
fn number(value: u8) -> Vec<u8> {
    der(INTEGER, &[&[value]])
}

/// The parts of a constructed value, each with its own head; those before what is cut off.
pub fn parts(der: &[u8]) -> Vec<&[u8]> {
    let Some((_, head)) = whole(der) else {
        return Vec::new();
    };
    let mut rest = &der[head..];
    let mut found = Vec::new();
    while let Some((size, _)) = whole(rest) {
        let (part, after) = rest.split_at(size);
        found.push(part);
        rest = after;
    }
    found
}

/// How long the first value is, and how long its head.
fn whole(der: &[u8]) -> Option<(usize, usize)> {
    let first = usize::from(*der.get(1)?);
    let (head, size) = match first {
        0x80.. => {
            let bytes = der.get(2..2 + (first - 0x80))?;
            let size = bytes.iter().fold(0, |n, byte| n << 8 | usize::from(*byte));
            (2 + bytes.len(), size)
        }
        short => (2, short),
    };
    (head + size <= der.len()).then_some((head + size, head))
}
