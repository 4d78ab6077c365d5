//! What stands before the routes: how long a request may take, how many are under way at once, how many one caller may
//! send. What is refused here has cost nothing and changed nothing.

mod class;
mod deadline;
mod gate;
mod gcra;
mod limit;
mod principal;
mod rates;
mod table;

use std::time::Instant;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};

pub(crate) use self::class::Class;
pub use self::deadline::Deadlines;
pub(crate) use self::deadline::Patience;
use self::gate::Gate;
pub use self::gate::Shedding;
pub use self::gcra::Quota;
use self::rates::{Account, Charged, Rates};
pub use self::rates::{RateLimits, Settings as RateSettings};
use crate::error::ApiError;

/// How requests are let in.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    pub deadlines: Deadlines,
    /// None: as many as come are under way at once.
    pub shedding: Option<Shedding>,
    pub rates: RateSettings,
}

#[derive(Debug)]
pub(crate) struct Guard {
    deadlines: Deadlines,
    gate: Option<Gate>,
    pub(crate) rates: Rates,
}

/// What a request is held to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    class: Class,
    account: Option<Account>,
    pub patience: Patience,
}

impl Guard {
    /// `scope`: the database whose callers these are.
    ///
    /// # Errors
    /// `validation_failed` for an address of Redis that is none.
    pub(crate) fn new(settings: Settings, scope: &str) -> kernel::Result<Self> {
        let rates = Rates::new(settings.rates, scope)?;
        Ok(Self { deadlines: settings.deadlines, gate: settings.shedding.map(Gate::new), rates })
    }

    /// What a request is held to that arrived `now`.
    ///
    /// # Errors
    /// With a header that says how long and is no time.
    pub(crate) fn entry(&self, request: &Request, now: Instant) -> Result<Entry, ApiError> {
        let class = Class::of(request.method(), request.uri().path());
        let patience = self.deadlines.of(class, request.method(), request.headers(), now)?;
        Ok(Entry { class, account: self.rates.account(class, request), patience })
    }

    /// Takes a request from its sender's quota, where there is one.
    pub(crate) async fn charge(&self, entry: &Entry) -> Option<Charged<'_>> {
        self.rates.charge(entry.account?).await
    }

    /// Lets `work` begin when there is room for it, and learns from how long it took. What is over its quota does not begin.
    pub(crate) async fn admit(
        &self,
        entry: &Entry,
        charged: Option<&Charged<'_>>,
        work: impl Future<Output = Response>,
    ) -> Response {
        if let Some(refused) = charged.and_then(Charged::refusal) {
            return ApiError::from(refused).into_response();
        }
        let Some(gate) = &self.gate else { return work.await };
        match gate.enter(entry.class, entry.patience.until).await {
            Ok(permit) => {
                let answer = work.await;
                permit.leave();
                answer
            }
            Err(refused) => ApiError::from(refused).into_response(),
        }
    }
}
