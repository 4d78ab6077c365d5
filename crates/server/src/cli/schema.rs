use std::io::{Write, stdout};

/// Needs no database.
pub(super) fn run() -> anyhow::Result<()> {
    Ok(stdout().lock().write_all(crate::sdl().as_bytes())?)
}
