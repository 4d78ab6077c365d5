use std::fmt::Display;

use serde::Serialize;

/// In the order in which they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// A promise is broken, or will be.
    Error,
    /// Something that should be seen to.
    Warning,
    Ok,
}

/// One thing that was looked at.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    pub level: Level,
    /// Stable, for machines.
    pub about: String,
    pub found: String,
    pub allowed: String,
    /// What to do; nothing where all is well.
    pub advice: Option<String>,
}

impl Finding {
    pub fn error(about: impl Into<String>, found: impl Display, allowed: impl Into<String>) -> Self {
        Self::of(Level::Error, about, found, allowed)
    }

    pub fn warning(about: impl Into<String>, found: impl Display, allowed: impl Into<String>) -> Self {
        Self::of(Level::Warning, about, found, allowed)
    }

    pub fn fine(about: impl Into<String>, found: impl Display, allowed: impl Into<String>) -> Self {
        Self::of(Level::Ok, about, found, allowed)
    }

    /// Of this level, or fine.
    pub fn judged(
        wrong: Option<Level>,
        about: impl Into<String>,
        found: impl Display,
        allowed: impl Into<String>,
    ) -> Self {
        Self::of(wrong.unwrap_or(Level::Ok), about, found, allowed)
    }

    fn of(level: Level, about: impl Into<String>, found: impl Display, allowed: impl Into<String>) -> Self {
        Self { level, about: about.into(), found: found.to_string(), allowed: allowed.into(), advice: None }
    }

    /// Says what to do, unless all is well.
    #[must_use]
    pub fn advice(mut self, words: impl Into<String>) -> Self {
        if self.level != Level::Ok {
            self.advice = Some(words.into());
        }
        self
    }
}
