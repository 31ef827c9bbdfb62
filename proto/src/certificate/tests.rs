//! Certificates hold for what they were signed for and for nothing else.

use proptest::prelude::*;

use super::*;
use crate::samples::*;

#[test]
fn a_certificate_says_what_was_signed() {
    assert_eq!(NodeCertificate::verify(&signed_node(), &project()).unwrap(), node_certificate());
    let node = device_id(&node_key());
    let device = DeviceCertificate::verify(&signed_device(), &project(), &node).unwrap();
    assert_eq!(device, device_certificate());
}

#[test]
fn a_node_certificate_by_another_root_is_refused() {
    let signed = Signed::sign(&stranger_key(), &node_certificate());
    let refused = NodeCertificate::verify(&signed, &project()).unwrap_err();
    assert!(matches!(refused, CertificateError::BadSignature("node certificate")), "{refused}");
}

#[test]
fn a_node_certificate_of_another_project_is_refused_even_if_the_root_signed_it() {
    let other = NodeCertificate { project: ProjectId::from_bytes([9; 32]), ..node_certificate() };
    let refused = NodeCertificate::verify(&Signed::sign(&root_key(), &other), &project()).unwrap_err();
    assert!(matches!(refused, CertificateError::OtherProject("node certificate")), "{refused}");
}

#[test]
fn a_device_certificate_by_another_node_is_refused() {
    let another_node = device_id(&stranger_key());
    let refused = DeviceCertificate::verify(&signed_device(), &project(), &another_node).unwrap_err();
    assert!(matches!(refused, CertificateError::BadSignature("device certificate")), "{refused}");
}

#[test]
fn a_device_certificate_of_another_project_is_refused_even_if_the_node_signed_it() {
    let other = DeviceCertificate { project: ProjectId::from_bytes([9; 32]), ..device_certificate() };
    let signed = Signed::sign(&node_key(), &other);
    let refused = DeviceCertificate::verify(&signed, &project(), &device_id(&node_key())).unwrap_err();
    assert!(matches!(refused, CertificateError::OtherProject("device certificate")), "{refused}");
}

#[test]
fn a_signature_is_for_one_kind_of_statement() {
    let as_device = signed_node().verify::<DeviceCertificate>(project().as_bytes()).unwrap_err();
    assert!(matches!(as_device, CertificateError::BadSignature("device certificate")), "{as_device}");
}

#[test]
fn no_byte_of_a_certificate_can_change() {
    for index in 0..signed_device().payload.len() {
        let mut damaged = signed_device();
        damaged.payload[index] ^= 1;
        let refused = DeviceCertificate::verify(&damaged, &project(), &device_id(&node_key())).unwrap_err();
        assert!(matches!(refused, CertificateError::BadSignature(_)), "byte {index}: {refused}");
    }
}

#[test]
fn a_key_that_lets_anybody_sign_vouches_for_nothing() {
    for root in small_order_keys() {
        let forged = Signed { signature: signature_for_the_identity(), ..signed_node() };
        let refused = forged.verify::<NodeCertificate>(&root).unwrap_err();
        assert!(matches!(refused, CertificateError::BadSignature(_)), "{refused}");
    }
}

#[test]
fn a_key_that_is_no_point_of_the_curve_vouches_for_nothing() {
    let no_point = (0..=u8::MAX).map(|byte| [byte; 32]).find(|key| VerifyingKey::from_bytes(key).is_err());
    let refused = signed_node().verify::<NodeCertificate>(&no_point.unwrap()).unwrap_err();
    assert!(matches!(refused, CertificateError::BadKey("node certificate")), "{refused}");
}

#[test]
fn a_signed_payload_holds_one_statement_and_nothing_else() {
    let mut payload = codec::encode(&node_certificate());
    payload.push(0);
    let signature = root_key().sign(&signing_input::<NodeCertificate>(&payload)).to_bytes();
    let refused = NodeCertificate::verify(&Signed { payload, signature }, &project()).unwrap_err();
    assert!(matches!(refused, CertificateError::Decode { .. }), "{refused}");
}

#[test]
fn the_signing_input_is_the_documented_one() {
    let node = signing_input::<NodeCertificate>(b"payload");
    assert_eq!(node, b"assist/node-certificate/v1\0payload");
    let device = signing_input::<DeviceCertificate>(b"payload");
    assert_eq!(device, b"assist/device-certificate/v1\0payload");
}

proptest! {
    #[test]
    fn any_payload_by_the_right_key_is_a_certificate_or_an_error(
        payload in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let signature = root_key().sign(&signing_input::<NodeCertificate>(&payload)).to_bytes();
        NodeCertificate::verify(&Signed { payload, signature }, &project()).ok();
    }
}

#[test]
fn hosts_are_believed_of_the_node_and_project_that_they_are_of() {
    let (signed, node) = (signed_hosts(), device_id(&node_key()));
    let hosts = ServerHosts::verify(&signed, &project(), &node).unwrap();
    let said: Vec<Host> = server_hosts().hosts.iter().map(|host| host.parse().unwrap()).collect();
    assert_eq!(hosts, said);
    let stranger = device_id(&stranger_key());
    for forged in [
        Signed::sign(&stranger_key(), &server_hosts()),
        Signed::sign(&node_key(), &ServerHosts { node: stranger, ..server_hosts() }),
        Signed::sign(&node_key(), &ServerHosts { project: ProjectId::from_bytes([9; 32]), ..server_hosts() }),
        // A signature of another kind of statement.
        Signed { payload: signed.payload.clone(), ..signed_node() },
        Signed::sign(&node_key(), &ServerHosts { hosts: vec!["192.0.2.7".to_owned(); 9], ..server_hosts() }),
    ] {
        ServerHosts::verify(&forged, &project(), &node).unwrap_err();
    }
    let odd = ServerHosts { hosts: vec!["hero.example.org".into(), "192.0.2.7:1".into()], ..server_hosts() };
    let hosts = ServerHosts::verify(&Signed::sign(&node_key(), &odd), &project(), &node).unwrap();
    assert_eq!(hosts.len(), 1);
}
