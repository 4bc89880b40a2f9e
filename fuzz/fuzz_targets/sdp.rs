//! Any session descriptions: a fingerprint is found only if it is the one that every fingerprint line names.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use peerpoll::domain::bytes::sha256;
use peerpoll::protocol::effect::Descriptions;
use peerpoll::protocol::handshake::fingerprints;

#[derive(Arbitrary, Debug)]
struct Input {
    local: Sdp,
    remote: Sdp,
    certificates: Option<Vec<Vec<u8>>>,
}

#[derive(Arbitrary, Debug)]
enum Sdp {
    Text(String),
    Lines(Vec<Line>),
}

#[derive(Arbitrary, Debug)]
enum Line {
    Other(String),
    Fingerprint { algorithm: Algorithm, byte: u8, upper: bool, bytes: u8 },
    OfCertificate,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Algorithm {
    Lower,
    Upper,
    Sha1,
}

impl Algorithm {
    fn name(self) -> &'static str {
        match self {
            Self::Lower => "sha-256",
            Self::Upper => "SHA-256",
            Self::Sha1 => "sha-1",
        }
    }
}

fn colons(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}

fn line(line: &Line, certificate: &[u8]) -> String {
    match line {
        Line::Other(text) => text.clone(),
        Line::OfCertificate => {
            format!("a=fingerprint:sha-256 {}", colons(&sha256(&[certificate]).0))
        }
        Line::Fingerprint { algorithm, byte, upper, bytes } => {
            // Mostly as long as it should be.
            let bytes = if *bytes < 200 { 32 } else { usize::from(*bytes) - 180 };
            let digest = colons(&vec![byte % 4; bytes]);
            let digest = if *upper { digest.to_uppercase() } else { digest };
            format!("a=fingerprint:{} {digest}", algorithm.name())
        }
    }
}

fn sdp(sdp: &Sdp, certificate: &[u8]) -> String {
    match sdp {
        Sdp::Text(text) => text.clone(),
        Sdp::Lines(lines) => lines.iter().map(|each| line(each, certificate) + "\r\n").collect(),
    }
}

/// The digests that a reader could take for fingerprints, whatever their algorithm.
fn named(sdp: &str) -> Vec<(String, String)> {
    sdp.to_ascii_lowercase()
        .lines()
        .filter_map(|line| line.strip_prefix("a=fingerprint:")?.trim().split_once(' '))
        .map(|(algorithm, digest)| (algorithm.to_owned(), digest.trim().to_owned()))
        .collect()
}

fuzz_target!(|input: Input| {
    let leaf = input.certificates.as_ref().and_then(|chain| chain.first());
    let certificate = leaf.map_or(&[][..], Vec::as_slice);
    let descriptions = Descriptions {
        local_sdp: sdp(&input.local, certificate),
        remote_sdp: sdp(&input.remote, certificate),
        remote_certificates: input.certificates.clone(),
    };
    let Some(found) = fingerprints(&descriptions) else { return };
    for (digest, sdp) in
        [(found.local, &descriptions.local_sdp), (found.remote, &descriptions.remote_sdp)]
    {
        let expected = ("sha-256".to_owned(), colons(&digest));
        let named = named(sdp);
        assert!(!named.is_empty() && named.iter().all(|each| *each == expected), "{named:?}");
    }
    if input.certificates.is_some() {
        assert_eq!(leaf.map(|leaf| sha256(&[leaf]).0), Some(found.remote));
    }
    let mut second = descriptions.clone();
    let other = found.remote.map(|byte| byte ^ 1);
    second.remote_sdp.push_str(&format!("\r\na=fingerprint:sha-256 {}\r\n", colons(&other)));
    assert_eq!(fingerprints(&second), None, "two fingerprints");
});
