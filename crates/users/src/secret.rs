use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use kernel::{Failure, Result, SecretHash};

const SESSION: &str = "kys_";
const API_TOKEN: &str = "kyt_";
/// 256 bits in base64url.
const BODY: usize = 43;

/// What a caller shows to be let in: `kys_…` of a session, `kyt_…` of an API token. The prefix lets scanners for leaked
/// secrets recognise it. Printing one with `{:?}` shows only which kind it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub(crate) fn session() -> Result<Self> {
        Self::mint(SESSION)
    }

    pub(crate) fn api_token() -> Result<Self> {
        Self::mint(API_TOKEN)
    }

    fn mint(prefix: &str) -> Result<Self> {
        let mut bits = [0u8; 32];
        getrandom::fill(&mut bits).map_err(Failure::internal)?;
        Ok(Self(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bits))))
    }

    /// What has not even the form of a secret costs no query.
    pub fn parse(text: &str) -> Option<Self> {
        let body = text.strip_prefix(SESSION).or_else(|| text.strip_prefix(API_TOKEN))?;
        let shaped = body.len() == BODY && body.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        shaped.then(|| Self(text.to_owned()))
    }

    pub(crate) fn is_session(&self) -> bool {
        self.0.starts_with(SESSION)
    }

    /// The text itself: for the one answer that hands it out.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What the database keeps. 256 random bits cannot be guessed, so neither salt nor a slow hash is needed.
    pub fn hash(&self) -> SecretHash {
        *blake3::hash(self.0.as_bytes()).as_bytes()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({}…)", &self.0[..SESSION.len()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_reads_back_and_never_prints() {
        let secret = Secret::session().unwrap();
        assert_eq!(Secret::parse(secret.expose()).as_ref(), Some(&secret));
        assert!(secret.is_session());
        assert_eq!(format!("{secret:?}"), "Secret(kys_…)");
        assert_ne!(secret, Secret::session().unwrap());
    }

    #[test]
    fn what_is_not_shaped_like_a_secret_is_none() {
        let almost = format!("kyt_{}", "a".repeat(42));
        for text in ["", "kys_", "kyt_é", &almost, &format!("{almost}\0"), &format!("xxx_{}", "a".repeat(43))] {
            assert!(Secret::parse(text).is_none(), "{text}");
        }
    }
}
