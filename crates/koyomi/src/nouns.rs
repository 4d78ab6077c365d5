//! What an id is the id of: for whoever has nothing but an id.

use chrono::{NaiveDateTime, TimeDelta};
use events::{Happening, Noun};
use kernel::{Caller, EventId, Limit, Result};
use uuid::Uuid;

use crate::{Expand, Koyomi, Listed, Listing, Opened};

/// Farther than any zone moves a clock.
const A_DAY_AND_A_HALF: TimeDelta = TimeDelta::hours(36);

impl Koyomi {
    /// What this is; None: nothing of the caller's organisation. Whether he may see it, is asked where it is read.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn noun_of(&self, caller: &Caller, id: Uuid) -> Result<Option<Noun>> {
        events::noun_of(&mut self.store.conn().await?, caller.tenant_id, id).await
    }

    /// One occurrence of an event, by its wall time in the series. None: it has none there.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn find_occurrence(
        &self,
        opened: &Opened,
        id: EventId,
        original_start: NaiveDateTime,
        expand: Expand,
    ) -> Result<Option<Listed>> {
        let is_it = |h: &Happening| h.event.id == id && h.original_start == original_start;
        let mut found = Listed::clone(&self.find_event(opened, id, expand).await?.value);
        if found.page.items.iter().any(is_it) {
            return Ok(Some(found));
        }
        let around = original_start.and_utc();
        let listing = Listing {
            from: around.checked_sub_signed(A_DAY_AND_A_HALF),
            to: around.checked_add_signed(A_DAY_AND_A_HALF),
            q: None,
            limit: Limit::new(Some(i64::from(Limit::MAX)))?,
            cursor: None,
            backward: false,
            expand,
        };
        found = Listed::clone(&self.list_occurrences(opened, id, &listing).await?.value);
        found.page.items.retain(is_it);
        Ok((!found.page.items.is_empty()).then_some(found))
    }
}
