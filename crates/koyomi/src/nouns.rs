//! What an id is the id of: for whoever has nothing but an id.

use chrono::{NaiveDateTime, TimeDelta};
use events::Happening;
use kernel::{Caller, EventId, Limit, Result};
use uuid::Uuid;

use crate::{Expand, Koyomi, Listed, Listing, Opened};

/// What can be found by its id alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Noun {
    Calendar,
    Event,
    User,
    Resource,
}

/// Ids are of one kind each. Whether the caller may see it, is asked where it is read.
const NOUN: &str = "select 'calendar' from calendars where id = $1 and tenant_id = $2
     union all
     select 'event' from events where id = $1
     union all
     select 'user' from users where id = $1 and tenant_id = $2
     union all
     select 'resource' from resources where id = $1 and tenant_id = $2
     limit 1";

/// Farther than any zone moves a clock.
const A_DAY_AND_A_HALF: TimeDelta = TimeDelta::hours(36);

impl Koyomi {
    /// What this is; None: nothing of the caller's organisation.
    pub async fn noun_of(&self, caller: &Caller, id: Uuid) -> Result<Option<Noun>> {
        let mut conn = self.store.conn().await?;
        Ok(sqlx::query_scalar(NOUN).bind(id).bind(caller.tenant_id).fetch_optional(&mut conn).await?)
    }

    /// One occurrence of an event, by its wall time in the series. None: it has none there.
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
