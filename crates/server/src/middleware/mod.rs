//! What every request passes through: [`Observed`] (ids, span, counting, time limit, panics, problem documents, headers,
//! compression).

mod compression;
pub(crate) mod cors;
mod headers;
mod observe;
mod timing;
mod trace;

pub(crate) use observe::Observed;
pub(crate) use timing::Timings;
pub(crate) use trace::{Names, RequestId};
