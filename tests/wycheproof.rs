//! Our signatures against the published attacks on Ed25519, natively and in the WebAssembly that pages run:
//! `cargo test --test wycheproof`, `cargo xtask test wasm`.

#![allow(clippy::expect_used, reason = "a test")]

use peerpoll::domain::bytes::{Bytes, Signature, base32, base64url, sha256};
use peerpoll::domain::identity::PublicKey;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;
use wycheproof::TestResult;
use wycheproof::eddsa::{TestName, TestSet};

/// Cases of C2SP Wycheproof for Ed25519.
const CASES: usize = 151;

/// Every encoding of the eight points of small order: the canonical ones, then those with a sign where there is none
/// or with a coordinate that is not reduced.
const SMALL_ORDER: [&str; 14] = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
];

/// The point that every key is a multiple of.
const BASE_POINT: &str = "5866666666666666666666666666666666666666666666666666666666666666";
/// Plain verification lets a key of small order pass for one message in eight or more.
const MESSAGES: u8 = 64;

/// What the wire does: key and signature are read first, and either may be refused there.
fn accepts(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let key = key.try_into().ok().and_then(PublicKey::from_bytes);
    let signature = Signature::parse(&base64url(signature));
    key.zip(signature).is_some_and(|(key, signature)| key.verify(message, &signature))
}

/// The key of a peer id that is only mentioned: nobody has looked whether it is a strong one.
fn mentioned(key: &[u8; 32]) -> PublicKey {
    let check = sha256(&[b"peerpoll/peer-id/v1\0", key, &[1]]).0;
    let peer_id = base32(&[key.as_slice(), &check[..2], &[1]].concat());
    PublicKey::from_peer_id(&peer_id).expect("a peer id")
}

fn hex(text: &str) -> [u8; 32] {
    let digits = text.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).expect("ASCII"));
    let bytes = digits.map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal"));
    bytes.collect::<Vec<_>>().try_into().expect("32 bytes")
}

#[test]
fn every_case_is_decided_as_published() {
    let set = TestSet::load(TestName::Ed25519).expect("the cases parse");
    let mut decided = 0;
    let mut otherwise = Vec::new();
    for group in &set.test_groups {
        for case in &group.tests {
            decided += 1;
            let valid = case.result == TestResult::Valid;
            if accepts(&group.key.pk, &case.msg, &case.sig) != valid {
                otherwise.push((case.tc_id, case.result, case.comment.as_str()));
            }
        }
    }
    assert_eq!(otherwise, []);
    assert_eq!(decided, CASES);
}

#[test]
fn no_key_of_small_order_is_read_however_it_is_spelt() {
    for encoding in SMALL_ORDER {
        assert_eq!(PublicKey::from_bytes(&hex(encoding)), None, "{encoding}");
    }
}

#[test]
fn a_key_of_small_order_that_is_only_mentioned_has_signed_nothing() {
    // `s·B - k·A = R` holds wherever `k·A` vanishes, or is minus a point that is tried here.
    let signature = |r: &str, s: u8| {
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(&hex(r));
        bytes[32] = s;
        Bytes(bytes)
    };
    let mut signatures: Vec<Signature> = SMALL_ORDER.map(|r| signature(r, 0)).to_vec();
    signatures.push(signature(BASE_POINT, 1));
    let mut accepted = Vec::new();
    for encoding in SMALL_ORDER {
        let key = mentioned(&hex(encoding));
        assert_eq!(key.as_bytes(), &hex(encoding));
        for (number, signature) in signatures.iter().enumerate() {
            let passes = (0..MESSAGES).filter(|message| key.verify(&[*message], signature)).count();
            if passes > 0 {
                accepted.push((encoding, number, passes));
            }
        }
    }
    assert_eq!(accepted, []);
}
