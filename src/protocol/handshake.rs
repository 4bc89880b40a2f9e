//! Mutual authentication, bound to the DTLS certificates of this very connection.
//!
//! ```text
//! 1 P->O  auth:hello        version, nonceP
//! 2 O->P  auth:owner        nonceO, pkO, Sign(skO, "peerpoll/hs-owner/v1\0" ‖ SHA256(T))
//! 3 P->O  auth:participant  pkP, pollId, Sign(skP, "peerpoll/hs-peer/v1\0" ‖ SHA256(T ‖ pkP ‖ sigO ‖ pollId))
//! 4 O->P  auth:welcome
//! ```
//! `T` holds both certificates' fingerprints as each side sees them, so a middleman who terminates DTLS
//! makes the two transcripts differ. The owner proves itself first: a participant's key and poll id
//! never reach an impostor.

use super::effect::{Descriptions, Fingerprints};
use super::message::{Code, Hello, OwnerProof, PROTOCOL_VERSION, ParticipantProof};
use crate::domain::bug::{self, Bug};
use crate::domain::bytes::{Bytes, Hash, Nonce, Signature, Transcript, sha256};
use crate::domain::identity::{KeyPair, PollId, PublicKey, RoomRef};

/// From the channel's opening to the welcome.
pub const HANDSHAKE_MS: u64 = 10_000;
/// Bytes of a frame before authentication.
pub const HANDSHAKE_BYTES_MAX: usize = 1_024;
const OWNER_DOMAIN: &str = "peerpoll/hs-owner/v1";
const PEER_DOMAIN: &str = "peerpoll/hs-peer/v1";
/// `T` of PeerJS connections.
const BINDING_DTLS: u8 = 1;

/// Finds the one SHA-256 fingerprint of each side. Fails closed: browsers differ in which of several
/// they check, so several are refused, and so is a certificate that does not match.
pub fn fingerprints(descriptions: &Descriptions) -> Option<Fingerprints> {
    let fingerprints = Fingerprints {
        local: fingerprint(&descriptions.local_sdp)?,
        remote: fingerprint(&descriptions.remote_sdp)?,
    };
    let seen = match descriptions.remote_certificates.as_deref() {
        None => true,
        Some([leaf, ..]) => sha256(&[leaf]).0 == fingerprints.remote,
        Some([]) => false,
    };
    seen.then_some(fingerprints)
}

/// The only distinct fingerprint of a session description (RFC 8122), which must be SHA-256.
fn fingerprint(sdp: &str) -> Option<[u8; 32]> {
    let mut found: Option<[u8; 32]> = None;
    for line in sdp.lines() {
        let Some((name, value)) = line.trim_end().split_once(':') else { continue };
        if !name.eq_ignore_ascii_case("a=fingerprint") {
            continue;
        }
        let (algorithm, digest) = value.trim().split_once(' ')?;
        if !algorithm.eq_ignore_ascii_case("sha-256") {
            return None;
        }
        let digest: [u8; 32] = parse_digest(digest.trim())?;
        if found.is_some_and(|other| other != digest) {
            return None;
        }
        found = Some(digest);
    }
    found
}

fn parse_digest(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let mut pairs = text.split(':');
    for byte in &mut bytes {
        let is_pair =
            |pair: &&str| pair.len() == 2 && pair.bytes().all(|digit| digit.is_ascii_hexdigit());
        *byte = u8::from_str_radix(pairs.next().filter(is_pair)?, 16).ok()?;
    }
    pairs.next().is_none().then_some(bytes)
}

/// What both sides know about their connection before anyone proved anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding<'a> {
    pub fingerprint_participant: [u8; 32],
    pub fingerprint_owner: [u8; 32],
    /// The signalling ids under which the two found each other.
    pub id_participant: &'a str,
    pub id_owner: &'a str,
}

impl Binding<'_> {
    /// `SHA256(T)`; `T = "peerpoll/handshake/v1\0" ‖ 0x01 ‖ fpP ‖ fpO ‖ nonceP ‖ nonceO ‖ lp16(peerIdP) ‖ lp16(peerIdO) ‖ pkO`.
    fn transcript(&self, nonces: (Nonce, Nonce), owner: &PublicKey) -> Vec<u8> {
        let [of_participant, of_owner] = if bug::on(Bug::CertificatesNotSigned) {
            [[0; 32]; 2]
        } else {
            [self.fingerprint_participant, self.fingerprint_owner]
        };
        Transcript::new("peerpoll/handshake/v1")
            .u8(BINDING_DTLS)
            .raw(&of_participant)
            .raw(&of_owner)
            .raw(&nonces.0.0)
            .raw(&nonces.1.0)
            .lp16(self.id_participant.as_bytes())
            .lp16(self.id_owner.as_bytes())
            .raw(owner.as_bytes())
            .finish()
    }
}

fn owner_message(transcript: &[u8]) -> Vec<u8> {
    Transcript::new(OWNER_DOMAIN).raw(&sha256(&[transcript]).0).finish()
}

fn participant_message(
    transcript: &[u8],
    key: &PublicKey,
    owner: &Signature,
    poll: PollId,
) -> Vec<u8> {
    let digest = sha256(&[transcript, key.as_bytes(), &owner.0, poll.0.as_bytes()]);
    Transcript::new(PEER_DOMAIN).raw(&digest.0).finish()
}

/// The participant's side, between message 1 and message 3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParticipantHandshake {
    nonce: Nonce,
}

impl ParticipantHandshake {
    pub fn start(nonce: Nonce) -> (Self, Hello) {
        (Self { nonce }, Hello { version: PROTOCOL_VERSION, nonce })
    }

    /// Checks the owner's proof and answers with our own.
    pub fn prove(
        &self,
        proof: &OwnerProof,
        binding: &Binding<'_>,
        room: RoomRef,
        key: &KeyPair,
    ) -> Result<ParticipantProof, Code> {
        let is_named = proof.public_key == Bytes(*room.owner.as_bytes());
        if (!is_named && !bug::on(Bug::OwnerNotProved)) || proof.nonce == self.nonce {
            return Err(Code::BadProof);
        }
        let transcript = binding.transcript((self.nonce, proof.nonce), &room.owner);
        let is_signed = room.owner.verify(&owner_message(&transcript), &proof.signature);
        if !is_signed && !bug::on(Bug::OwnerNotProved) {
            return Err(Code::BadProof);
        }
        let message = participant_message(&transcript, &key.public(), &proof.signature, room.poll);
        Ok(ParticipantProof {
            public_key: Bytes(*key.public().as_bytes()),
            poll_id: room.poll,
            signature: key.sign(&message),
        })
    }
}

/// The owner's side, between message 2 and message 4.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerHandshake {
    nonces: (Nonce, Nonce),
    signature: Signature,
}

impl OwnerHandshake {
    /// Answers message 1 with the owner's proof.
    pub fn prove(
        hello: &Hello,
        nonce: Nonce,
        binding: &Binding<'_>,
        owner: &KeyPair,
    ) -> Result<(Self, OwnerProof), Code> {
        if hello.version != PROTOCOL_VERSION {
            return Err(Code::UnsupportedVersion);
        }
        let nonces = (hello.nonce, nonce);
        let transcript = binding.transcript(nonces, &owner.public());
        let signature = owner.sign(&owner_message(&transcript));
        let public_key: Hash = Bytes(*owner.public().as_bytes());
        Ok((Self { nonces, signature }, OwnerProof { nonce, public_key, signature }))
    }

    /// Checks message 3: who it is and which poll is wanted.
    pub fn verify(
        &self,
        proof: &ParticipantProof,
        binding: &Binding<'_>,
        owner: &KeyPair,
    ) -> Result<(PublicKey, PollId), Code> {
        let key = PublicKey::from_bytes(&proof.public_key.0).ok_or(Code::BadProof)?;
        if key == owner.public() || !key.owns_signalling_id(binding.id_participant) {
            return Err(Code::BadProof);
        }
        let transcript = binding.transcript(self.nonces, &owner.public());
        let message = participant_message(&transcript, &key, &self.signature, proof.poll_id);
        if key.verify(&message, &proof.signature) {
            Ok((key, proof.poll_id))
        } else {
            Err(Code::BadProof)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::command::tests::room;

    const NONCE_P: Nonce = Bytes([11; 32]);
    const NONCE_O: Nonce = Bytes([22; 32]);

    fn owner() -> KeyPair {
        KeyPair::from_seed(&[1; 32])
    }

    fn ann() -> KeyPair {
        KeyPair::from_seed(&[2; 32])
    }

    struct Ends {
        id_participant: String,
        id_owner: String,
    }

    impl Ends {
        fn honest() -> Self {
            Self { id_participant: ann().public().peer_id(), id_owner: owner().public().peer_id() }
        }

        fn binding(&self, participant: u8, owner: u8) -> Binding<'_> {
            Binding {
                fingerprint_participant: [participant; 32],
                fingerprint_owner: [owner; 32],
                id_participant: &self.id_participant,
                id_owner: &self.id_owner,
            }
        }
    }

    /// Runs it with each side's own idea of the connection.
    fn run(
        participant: &Binding<'_>,
        owner_side: &Binding<'_>,
    ) -> Result<(PublicKey, PollId), Code> {
        let (p, hello) = ParticipantHandshake::start(NONCE_P);
        let (o, proof) = OwnerHandshake::prove(&hello, NONCE_O, owner_side, &owner())?;
        let answer = p.prove(&proof, participant, room(), &ann())?;
        o.verify(&answer, owner_side, &owner())
    }

    #[test]
    fn an_honest_run_proves_both() {
        let ends = Ends::honest();
        let both = ends.binding(5, 6);
        assert_eq!(run(&both, &both), Ok((ann().public(), room().poll)));
    }

    #[test]
    fn a_relay_that_terminates_dtls_is_noticed_by_the_participant_first() {
        let ends = Ends::honest();
        assert_eq!(run(&ends.binding(5, 99), &ends.binding(98, 6)), Err(Code::BadProof));
        assert_eq!(run(&ends.binding(5, 6), &ends.binding(98, 6)), Err(Code::BadProof));
        assert_eq!(run(&ends.binding(5, 99), &ends.binding(5, 6)), Err(Code::BadProof));
    }

    #[test]
    fn a_replayed_owner_proof_fails_under_another_nonce() {
        let ends = Ends::honest();
        let binding = ends.binding(5, 6);
        let (_, old_hello) = ParticipantHandshake::start(NONCE_P);
        let (_, old) =
            OwnerHandshake::prove(&old_hello, NONCE_O, &binding, &owner()).expect("version 1");
        let (fresh, _) = ParticipantHandshake::start(Bytes([12; 32]));
        assert_eq!(fresh.prove(&old, &binding, room(), &ann()), Err(Code::BadProof));
    }

    #[test]
    fn a_reflected_nonce_is_refused() {
        let ends = Ends::honest();
        let binding = ends.binding(5, 6);
        let (p, hello) = ParticipantHandshake::start(NONCE_P);
        let (_, proof) =
            OwnerHandshake::prove(&hello, NONCE_P, &binding, &owner()).expect("version 1");
        assert_eq!(p.prove(&proof, &binding, room(), &ann()), Err(Code::BadProof));
    }

    #[test]
    fn an_impostor_learns_nothing() {
        let ends = Ends::honest();
        let binding = ends.binding(5, 6);
        let (p, hello) = ParticipantHandshake::start(NONCE_P);
        let squatter = KeyPair::from_seed(&[9; 32]);
        let (_, mut proof) =
            OwnerHandshake::prove(&hello, NONCE_O, &binding, &squatter).expect("version 1");
        assert_eq!(p.prove(&proof, &binding, room(), &ann()), Err(Code::BadProof));
        proof.public_key = Bytes(*owner().public().as_bytes());
        assert_eq!(p.prove(&proof, &binding, room(), &ann()), Err(Code::BadProof));
    }

    #[test]
    fn an_owner_proof_that_names_another_key_is_refused_whoever_signed_it() {
        let ends = Ends::honest();
        let binding = ends.binding(5, 6);
        let (p, hello) = ParticipantHandshake::start(NONCE_P);
        let (_, mut proof) =
            OwnerHandshake::prove(&hello, NONCE_O, &binding, &owner()).expect("version 1");
        assert!(p.prove(&proof, &binding, room(), &ann()).is_ok());
        proof.public_key = Bytes(*ann().public().as_bytes());
        assert_eq!(p.prove(&proof, &binding, room(), &ann()), Err(Code::BadProof));
    }

    #[test]
    fn a_participant_proof_is_good_for_one_poll_one_key_and_one_run() {
        let ends = Ends::honest();
        let binding = ends.binding(5, 6);
        let (p, hello) = ParticipantHandshake::start(NONCE_P);
        let (o, proof) =
            OwnerHandshake::prove(&hello, NONCE_O, &binding, &owner()).expect("version 1");
        let good = p.prove(&proof, &binding, room(), &ann()).expect("honest");
        let other_poll = ParticipantProof { poll_id: PollId::LOBBY, ..good.clone() };
        assert_eq!(o.verify(&other_poll, &binding, &owner()), Err(Code::BadProof));
        let bob = KeyPair::from_seed(&[3; 32]).public();
        let other_key = ParticipantProof { public_key: Bytes(*bob.as_bytes()), ..good.clone() };
        assert_eq!(o.verify(&other_key, &binding, &owner()), Err(Code::BadProof));
        let (later, _) =
            OwnerHandshake::prove(&hello, Bytes([23; 32]), &binding, &owner()).expect("version 1");
        assert_eq!(later.verify(&good, &binding, &owner()), Err(Code::BadProof));
        assert_eq!(o.verify(&good, &binding, &owner()), Ok((ann().public(), room().poll)));
    }

    #[test]
    fn the_owner_cannot_join_itself_and_an_id_must_be_the_keys_own() {
        let ends = Ends { id_participant: owner().public().peer_id(), ..Ends::honest() };
        let binding = ends.binding(5, 6);
        let (p, hello) = ParticipantHandshake::start(NONCE_P);
        let (o, proof) =
            OwnerHandshake::prove(&hello, NONCE_O, &binding, &owner()).expect("version 1");
        let mirrored = p.prove(&proof, &binding, room(), &owner()).expect("signs");
        assert_eq!(o.verify(&mirrored, &binding, &owner()), Err(Code::BadProof));
        let borrowed = p.prove(&proof, &binding, room(), &ann()).expect("signs");
        assert_eq!(o.verify(&borrowed, &binding, &owner()), Err(Code::BadProof));
    }

    #[test]
    fn other_versions_are_told_so() {
        let ends = Ends::honest();
        let hello = Hello { version: 2, nonce: NONCE_P };
        let answer = OwnerHandshake::prove(&hello, NONCE_O, &ends.binding(5, 6), &owner());
        assert_eq!(answer.err(), Some(Code::UnsupportedVersion));
    }

    fn line(algorithm: &str, byte: u8) -> String {
        format!("a=fingerprint:{algorithm} {}\r\n", vec![format!("{byte:02X}"); 32].join(":"))
    }

    fn descriptions(local: &str, remote: &str) -> Descriptions {
        Descriptions {
            local_sdp: local.into(),
            remote_sdp: remote.into(),
            remote_certificates: None,
        }
    }

    #[test]
    fn one_sha256_fingerprint_is_read_wherever_it_stands() {
        let good =
            format!("v=0\r\n{}m=application 9\r\n{}", line("sha-256", 7), line("SHA-256", 7));
        let found = fingerprints(&descriptions(&good, &line("sha-256", 8)));
        assert_eq!(found, Some(Fingerprints { local: [7; 32], remote: [8; 32] }));
    }

    #[test]
    fn none_several_or_weak_ones_are_refused() {
        let good = line("sha-256", 7);
        for bad in [
            String::new(),
            line("sha-1", 7),
            format!("{}{}", line("sha-256", 7), line("sha-256", 8)),
            format!("{}{}", line("sha-256", 7), line("sha-1", 7)),
            "a=fingerprint:sha-256 07:07\r\n".to_owned(),
            good.replace("07\r", "07:07\r"),
            good.replace("07:07", "7:007"),
            good.replace("07", "0g"),
            good.replace("07:07", "007:07"),
            good.replace("07:07", "+7:07"),
        ] {
            assert_eq!(fingerprints(&descriptions(&good, &bad)), None, "{bad}");
            assert_eq!(fingerprints(&descriptions(&bad, &good)), None, "{bad}");
        }
    }

    #[test]
    fn a_certificate_that_was_seen_must_agree() {
        let certificate = b"certificate".to_vec();
        let digest = sha256(&[&certificate]).0.map(|b| format!("{b:02x}")).join(":");
        let mut descriptions =
            descriptions(&line("sha-256", 7), &format!("a=fingerprint:sha-256 {digest}"));
        descriptions.remote_certificates = Some(vec![certificate]);
        assert!(fingerprints(&descriptions).is_some());
        descriptions.remote_certificates = Some(vec![b"other".to_vec()]);
        assert_eq!(fingerprints(&descriptions), None);
        descriptions.remote_certificates = Some(vec![]);
        assert_eq!(fingerprints(&descriptions), None);
    }
}
