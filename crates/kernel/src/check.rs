use crate::{Failure, Result, Violation};

/// Collects everything wrong with a request, so that one answer names all of it.
#[derive(Debug, Default)]
pub struct Checks(Vec<Violation>);

impl Checks {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn reject(&mut self, pointer: impl Into<String>, reason: impl Into<String>) {
        self.0.push(Violation { pointer: pointer.into(), reason: reason.into() });
    }

    pub fn require(&mut self, ok: bool, pointer: &str, reason: &str) {
        if !ok {
            self.reject(pointer, reason);
        }
    }

    /// Text that PostgreSQL can hold and a screen can show: no NUL, at most `max` characters.
    pub fn text(&mut self, pointer: &str, value: &str, max: usize) {
        if value.contains('\0') {
            self.reject(pointer, "must not contain the NUL character");
        }
        // Bytes first: counting the characters of a very long text is work for nothing.
        if value.len() > max * 4 || value.chars().count() > max {
            self.reject(pointer, format!("must have at most {max} characters"));
        }
    }

    /// As [`Checks::text`], and not blank.
    pub fn name(&mut self, pointer: &str, value: &str, max: usize) {
        if value.trim().is_empty() {
            self.reject(pointer, "must not be empty");
        }
        self.text(pointer, value, max);
    }

    /// `local@domain`, at most 254 octets (RFC 5321 §4.5.3.1): a shape check, not a promise that mail arrives.
    pub fn email(&mut self, pointer: &str, value: &str) {
        let shaped = value.rsplit_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
        let clean =
            value.len() <= 254 && !value.chars().any(|c| c.is_whitespace() || c.is_control() || "<>,;\"".contains(c));
        self.require(shaped && clean, pointer, "must be an email address of at most 254 bytes, like mio@example.com");
    }

    /// `#rrggbb`
    pub fn color(&mut self, pointer: &str, value: &str) {
        let hex = value.strip_prefix('#').is_some_and(|h| h.len() == 6 && h.chars().all(|c| c.is_ascii_hexdigit()));
        self.require(hex, pointer, "must be a color like #1e90ff");
    }

    pub fn done(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Failure::violations(self.0)) }
    }
}
