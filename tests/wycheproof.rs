//! Our signatures against the published attacks on Ed25519, natively and in the WebAssembly that pages run:
//! `cargo test --test wycheproof`, `cargo xtask test wasm`.

#![allow(clippy::expect_used, reason = "a test")]

use peerpoll::domain::bytes::{Signature, base64url};
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

/// What the wire does: key and signature are read first, and either may be refused there.
fn accepts(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let key = key.try_into().ok().and_then(PublicKey::from_bytes);
    let signature = Signature::parse(&base64url(signature));
    key.zip(signature).is_some_and(|(key, signature)| key.verify(message, &signature))
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
