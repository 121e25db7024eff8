//! What is unwise about a certificate that can be used.

use std::time::Duration;

use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, RootCertStore};

use crate::clock::Timestamp;

/// From here to its end a certificate should have been renewed; those that renew by themselves do so weeks before.
const SHORTLY: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// What clients will not like, in words.
pub(super) fn concerns(chain: &[CertificateDer<'_>], host: &str, now: Timestamp) -> Vec<String> {
    // That it can be read was seen to before.
    let Some(Ok(certificate)) = chain.first().map(ParsedCertificate::try_from) else {
        return Vec::new();
    };
    let mut concerns = Vec::new();
    match validity(&certificate, now) {
        Some(CertificateError::ExpiredContext { not_after, .. }) => {
            concerns.push(format!("the certificate has expired at {}", instant(not_after)));
        }
        Some(CertificateError::NotValidYetContext { not_before, .. }) => {
            concerns.push(format!(
                "the certificate is not valid before {}",
                instant(not_before)
            ));
        }
        _ => {
            if let Some(CertificateError::ExpiredContext { not_after, .. }) =
                validity(&certificate, now.after(SHORTLY))
            {
                concerns.push(format!("the certificate expires at {}", instant(not_after)));
            }
        }
    }
    let is_for_host =
        ServerName::try_from(host).is_ok_and(|name| verify_server_name(&certificate, &name).is_ok());
    if !is_for_host {
        concerns.push(format!(
            "the certificate is not for `{host}`, the host of the issuer: clients will refuse it"
        ));
    }
    concerns
}

/// What is wrong with the certificate's time at `now`. The verification of rustls looks at that first; that it then
/// finds no authority among none is no matter here.
fn validity(certificate: &ParsedCertificate<'_>, now: Timestamp) -> Option<CertificateError> {
    let now = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(now.as_seconds()).ok()?));
    let verified =
        verify_server_cert_signed_by_trust_anchor(certificate, &RootCertStore::empty(), &[], now, &[]);
    match verified {
        Err(rustls::Error::InvalidCertificate(error)) => Some(error),
        _ => None,
    }
}

fn instant(time: UnixTime) -> Timestamp {
    Timestamp::from_millis(
        i64::try_from(time.as_secs()).map_or(i64::MAX, |seconds| seconds.saturating_mul(1000)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A certificate for `names`, valid in the year 2030.
    fn certificate(names: &[&str], is_authority: bool) -> CertificateDer<'static> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut parameters = rcgen::CertificateParams::new(names).unwrap();
        parameters.not_before = rcgen::date_time_ymd(2030, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(2030, 12, 31);
        if is_authority {
            parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        }
        let key = rcgen::KeyPair::generate().unwrap();
        parameters.self_signed(&key).unwrap().der().clone()
    }

    fn at(instant: &str) -> Timestamp {
        instant.parse().unwrap()
    }

    #[test]
    fn time_and_names_are_looked_at() {
        for (host, now, expected) in [
            ("id.example", "2030-06-01T00:00:00Z", ""),
            ("a.wild.example", "2030-06-01T00:00:00Z", ""),
            ("192.0.2.1", "2030-06-01T00:00:00Z", ""),
            ("::1", "2030-06-01T00:00:00Z", ""),
            (
                "id.example",
                "2031-01-01T00:00:00Z",
                "the certificate has expired at 2030-12-31T00:00:00Z",
            ),
            (
                "id.example",
                "2029-12-31T00:00:00Z",
                "the certificate is not valid before 2030-01-01T00:00:00Z",
            ),
            (
                "id.example",
                "2030-12-25T00:00:00Z",
                "the certificate expires at 2030-12-31T00:00:00Z",
            ),
            (
                "other.example",
                "2030-06-01T00:00:00Z",
                "the certificate is not for `other.example`, the host of the issuer: clients will refuse it",
            ),
            (
                "192.0.2.2",
                "2031-01-01T00:00:00Z",
                "the certificate has expired at 2030-12-31T00:00:00Z; \
                 the certificate is not for `192.0.2.2`, the host of the issuer: clients will refuse it",
            ),
        ] {
            // What `openssl req -x509` makes calls itself an authority.
            for is_authority in [false, true] {
                let names = ["id.example", "*.wild.example", "192.0.2.1", "::1"];
                let chain = [certificate(&names, is_authority)];
                assert_eq!(concerns(&chain, host, at(now)).join("; "), expected);
            }
        }
    }
}
