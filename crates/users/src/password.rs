use std::sync::Arc;
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::{Error, PasswordHasher, PasswordVerifier, phc::PasswordHash};
use kernel::{Checks, Failure, Kind, Result};
use tokio::sync::Semaphore;

pub(crate) const MIN_CHARS: usize = 8;
/// Enough for any passphrase.
pub(crate) const MAX_BYTES: usize = 1024;

/// How long a sign-in waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// Argon2id with the parameters of its crate (19 MiB, two passes: OWASP's first choice), as many at a time as there are
/// processors: a flood of sign-ins must neither eat the memory nor starve the rest.
#[derive(Debug, Clone)]
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
}

impl Passwords {
    pub(crate) fn new() -> Self {
        let processors = std::thread::available_parallelism().map_or(2, usize::from);
        Self { turns: Arc::new(Semaphore::new(processors)) }
    }

    /// In PHC format, with a salt of its own.
    pub(crate) async fn hash(&self, password: String) -> Result<String> {
        self.in_turn(move || {
            let hash = Argon2::default().hash_password(password.as_bytes()).map_err(Failure::internal)?;
            Ok(hash.to_string())
        })
        .await
    }

    /// Whether the password is the one stored. Where none is stored (nobody has that address, or no password) the same
    /// work is done for nothing, so that the time of an answer does not tell which addresses exist.
    pub(crate) async fn verify(&self, password: String, stored: Option<String>) -> Result<bool> {
        self.in_turn(move || {
            let Some(stored) = stored else {
                let _same_work = Argon2::default().hash_password(password.as_bytes());
                return Ok(false);
            };
            let stored = PasswordHash::new(&stored).map_err(Failure::internal)?;
            match Argon2::default().verify_password(password.as_bytes(), &stored) {
                Ok(()) => Ok(true),
                Err(Error::PasswordInvalid) => Ok(false),
                Err(error) => Err(Failure::internal(error)),
            }
        })
        .await
    }

    async fn in_turn<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned())
            .await
            .map_err(|_| {
                Failure::new(Kind::Unavailable, "unavailable", "too many people are signing in right now; try again")
            })?
            .map_err(Failure::internal)?;
        tokio::task::spawn_blocking(move || {
            let result = work();
            drop(turn);
            result
        })
        .await
        .map_err(Failure::internal)?
    }
}

pub(crate) fn check(checks: &mut Checks, pointer: &str, password: &str) {
    checks.require(
        password.len() <= MAX_BYTES && password.chars().count() >= MIN_CHARS,
        pointer,
        "must have at least 8 characters and at most 1024 bytes",
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_opens() {
        let passwords = Passwords::new();
        let stored = passwords.hash("correct horse".into()).await.unwrap();
        assert!(stored.starts_with("$argon2id$"));
        assert!(passwords.verify("correct horse".into(), Some(stored.clone())).await.unwrap());
        assert!(!passwords.verify("wrong horse".into(), Some(stored)).await.unwrap());
        assert!(!passwords.verify("correct horse".into(), None).await.unwrap());
    }
}
