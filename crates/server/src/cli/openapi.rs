use std::io::{Write, stdout};

/// Needs no database.
pub(super) fn run() -> anyhow::Result<()> {
    let mut out = stdout().lock();
    out.write_all(crate::document().to_pretty_json()?.as_bytes())?;
    Ok(out.write_all(b"\n")?)
}
