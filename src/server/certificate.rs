//! Certificates and their private keys, as files hold them: until when they are valid, and whether the two belong together.
//!
//! No key leaves this room.

use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_cert::Certificate as Parsed;
use x509_cert::der::Decode;

use super::{Match, Validity};

/// When the first certificate of a PEM file is valid; `None` where there is none that can be read.
pub fn validity(pem: &[u8]) -> Option<Validity> {
    let first = CertificateDer::pem_slice_iter(pem).next()?.ok()?;
    let validity = Parsed::from_der(&first).ok()?.tbs_certificate.validity;
    let seconds =
        |time: x509_cert::time::Time| i64::try_from(time.to_unix_duration().as_secs()).ok();
    Some(Validity {
        not_before: seconds(validity.not_before)?,
        not_after: seconds(validity.not_after)?,
    })
}

/// The end of the certificate in a file of authorities that ends first.
pub fn first_end(pem: &[u8]) -> Option<i64> {
    let ends = CertificateDer::pem_slice_iter(pem).filter_map(|one| {
        let end = Parsed::from_der(&one.ok()?).ok()?.tbs_certificate.validity.not_after;
        i64::try_from(end.to_unix_duration().as_secs()).ok()
    });
    ends.min()
}

/// Whether a private key is that of the first certificate.
pub fn matches(certificate: &[u8], key: &[u8]) -> Match {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(certificate).flatten().collect();
    let key = PrivateKeyDer::from_pem_slice(key).ok();
    let Some(key) = key.and_then(|key| any_supported_type(&key).ok()) else {
        return Match::Unknown;
    };
    if chain.is_empty() {
        return Match::Unknown;
    }
    match CertifiedKey::new(chain, key).keys_match() {
        Ok(()) => Match::Yes,
        Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch)) => Match::No,
        Err(_) => Match::Unknown,
    }
}
