//! Byte strings with fixed text forms, and the writer behind every signed transcript.

use std::fmt;

use base32ct::{Base32Unpadded, Encoding as _};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use uuid::Uuid;

/// RFC 4648 base32 in lower case without padding.
pub fn base32(bytes: &[u8]) -> String {
    Base32Unpadded::encode_string(bytes)
}

/// Reads [`base32`]; `None` for any other text, trailing bits that are not zero included.
pub fn parse_base32(text: &str) -> Option<Vec<u8>> {
    let bytes = Base32Unpadded::decode_vec(text).ok()?;
    (base32(&bytes) == text).then_some(bytes)
}

/// RFC 4648 base64url without padding.
pub fn base64url(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

/// Reads [`base64url`]; `None` for any other text.
pub fn parse_base64url(text: &str) -> Option<Vec<u8>> {
    Base64UrlUnpadded::decode_vec(text).ok()
}

/// `N` bytes shown as base64url without padding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes<const N: usize>(pub [u8; N]);

/// An Ed25519 signature.
pub type Signature = Bytes<64>;
/// A SHA-256 digest.
pub type Hash = Bytes<32>;
/// A handshake nonce.
pub type Nonce = Bytes<32>;

impl<const N: usize> Bytes<N> {
    /// All bytes zero: the hash before the first entry.
    pub const ZERO: Self = Self([0; N]);

    /// Reads the base64url text form; `None` unless it is exactly `N` bytes.
    pub fn parse(text: &str) -> Option<Self> {
        parse_base64url(text)?.try_into().ok().map(Self)
    }
}

impl<const N: usize> fmt::Display for Bytes<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64url(&self.0))
    }
}

impl<const N: usize> fmt::Debug for Bytes<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<const N: usize> Serialize for Bytes<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Bytes<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom(format!("expected {N} bytes, base64url")))
    }
}

/// Reads a UUID in its one text form, hyphens and lower case; the `uuid` crate reads several.
pub fn deserialize_uuid<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Uuid, D::Error> {
    let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
    let id = Uuid::try_parse(&text).map_err(D::Error::custom)?;
    let canonical = id.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == text.as_ref();
    canonical.then_some(id).ok_or_else(|| D::Error::custom("expected a UUID, hyphens, lower case"))
}

/// SHA-256 over the parts as if concatenated.
pub fn sha256(parts: &[&[u8]]) -> Hash {
    use sha2::Digest;
    let mut hasher = sha2::Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    Bytes(hasher.finalize().into())
}

/// Builds a transcript: numbers big-endian, `lp16`/`lp32` length-prefixed bytes.
#[derive(Default)]
pub struct Transcript(Vec<u8>);

impl Transcript {
    /// Starts with the domain separator and its terminating zero byte.
    #[must_use]
    pub fn new(domain: &str) -> Self {
        Self::default().raw(domain.as_bytes()).u8(0)
    }

    #[must_use]
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    #[must_use]
    pub fn u8(self, value: u8) -> Self {
        self.raw(&[value])
    }

    #[must_use]
    pub fn u16(self, value: u16) -> Self {
        self.raw(&value.to_be_bytes())
    }

    #[must_use]
    pub fn u64(self, value: u64) -> Self {
        self.raw(&value.to_be_bytes())
    }

    /// A `u16` length and the bytes; longer input is cut, so callers bound it first.
    #[must_use]
    pub fn lp16(self, bytes: &[u8]) -> Self {
        let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
        self.u16(length).raw(bytes.get(..usize::from(length)).unwrap_or(bytes))
    }

    /// A `u32` length and the bytes; longer input is cut, so callers bound it first.
    #[must_use]
    pub fn lp32(self, bytes: &[u8]) -> Self {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.raw(&length.to_be_bytes()).raw(bytes.get(..length as usize).unwrap_or(bytes))
    }

    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_is_lower_case_and_strict() {
        assert_eq!(base32(&[0xff, 0x00]), "74aa");
        assert_eq!(parse_base32("74aa"), Some(vec![0xff, 0x00]));
        for bad in ["74AA", "74ab", "74a", "74a1", "74aa===="] {
            assert_eq!(parse_base32(bad), None, "{bad}");
        }
    }

    #[test]
    fn base64url_is_strict() {
        assert_eq!(base64url(&[0xfb, 0xff]), "-_8");
        assert_eq!(parse_base64url("-_8"), Some(vec![0xfb, 0xff]));
        for bad in ["+/8", "-_9", "-_8=", "-_", "-"] {
            assert_ne!(parse_base64url(bad), Some(vec![0xfb, 0xff]), "{bad}");
        }
    }

    #[test]
    fn bytes_round_trip_and_refuse_other_lengths() {
        let hash = sha256(&[b"abc"]);
        assert_eq!(hash.to_string(), "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
        assert_eq!(Hash::parse(&hash.to_string()), Some(hash));
        assert_eq!(Signature::parse(&hash.to_string()), None);
        assert_eq!(Hash::parse("ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0="), None);
    }

    #[test]
    fn transcripts_are_big_endian_and_prefixed() {
        let bytes = Transcript::new("d").u16(0x0102).u64(3).lp16(b"ab").lp32(b"c").finish();
        assert_eq!(bytes, b"d\0\x01\x02\0\0\0\0\0\0\0\x03\0\x02ab\0\0\0\x01c");
    }
}
