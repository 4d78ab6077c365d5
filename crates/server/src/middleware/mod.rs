//! What every request passes through, outermost first: [`observe`] (ids, span, counting, time limit, panics, problem
//! documents, headers), then compression.

mod compression;
mod headers;
mod observe;
mod timing;
mod trace;

pub(crate) use compression::compression;
pub(crate) use observe::observe;
pub(crate) use timing::Timings;
