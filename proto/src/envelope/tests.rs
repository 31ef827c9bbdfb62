//! Every part of an envelope is under its signature.

use assist_crdt_model::TicketId;

use super::*;
use crate::samples::*;

fn refusal(envelope: Envelope) -> RejectCode {
    envelope.verify(&project()).unwrap_err().rejection.code
}

#[test]
fn a_signed_change_is_believed_and_comes_out_as_it_went_in() {
    let verified = envelope().verify(&project()).unwrap();
    assert_eq!(verified.hash(), change_hash());
    assert_eq!(verified.change().bytes(), change().bytes);
    assert_eq!(*verified.envelope(), envelope());
    assert_eq!(verified.into_envelope(), envelope());
}

#[test]
fn a_signature_is_for_one_project() {
    let refused = envelope().verify(&ProjectId::from_bytes([9; 32])).unwrap_err();
    assert_eq!(refused.rejection.code, RejectCode::BadSignature);
    assert_eq!((refused.hash, &refused.envelope), (Some(change_hash()), &envelope()));
}

#[test]
fn a_signature_fixes_all_that_gives_the_change_its_meaning() {
    let other_doc = Envelope { doc: DocId::Notes(ticket()), ..envelope() };
    assert_eq!(refusal(other_doc), RejectCode::BadSignature);
    let other_epoch = Envelope { epoch: 1, ..envelope() };
    assert_eq!(refusal(other_epoch), RejectCode::BadSignature);
    let other_incarnation = Envelope { incarnation: INCARNATION + 1, ..envelope() };
    assert_eq!(refusal(other_incarnation), RejectCode::BadSignature);
    let other_device = Envelope { device: device_id(&stranger_key()), ..envelope() };
    assert_eq!(refusal(other_device), RejectCode::BadSignature);
}

#[test]
fn no_bit_of_a_signature_can_change() {
    for bit in 0..512 {
        let mut flipped = envelope();
        flipped.signature[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(refusal(flipped), RejectCode::BadSignature, "bit {bit}");
    }
}

#[test]
fn no_byte_of_a_change_can_change() {
    for index in 0..change().bytes.len() {
        let mut damaged = envelope();
        damaged.change[index] ^= 1;
        let refused = damaged.verify(&project()).unwrap_err();
        assert_eq!((refused.hash, refused.rejection.code), (None, RejectCode::Malformed), "byte {index}");
    }
}

#[test]
fn a_key_that_lets_anybody_sign_is_refused() {
    for key in small_order_keys() {
        let device = DeviceId::from_bytes(key);
        let forged = Envelope { device, signature: signature_for_the_identity(), ..envelope() };
        assert_eq!(refusal(forged), RejectCode::BadSignature, "{device}");
    }
}

#[test]
fn the_forgery_that_strict_verification_is_for_passes_the_lax_one() {
    use ed25519_dalek::Verifier as _;
    let key = VerifyingKey::from_bytes(&small_order_keys()[0]).unwrap();
    assert!(key.verify(b"anything", &Signature::from_bytes(&signature_for_the_identity())).is_ok());
}

#[test]
fn the_signing_input_is_the_documented_one() {
    let project = ProjectId::from_bytes([8; 32]);
    let doc = DocId::Ticket(TicketId::from_bytes([9; 16]));
    let input = signing_input(&project, doc, 5, 6, &ChangeHash::from_bytes([7; 32]));
    let context = b"assist/envelope/v1\0";
    let expected: [&[u8]; 7] = [context, &[8; 32], &[1], &[9; 16], &[0, 0, 0, 5], &[0, 0, 0, 6], &[7; 32]];
    assert_eq!(input, expected.concat());
    assert_eq!(input.len(), 108);
}
