use bus::{Bus, Settings};
use kernel::{CalendarId, Change, ChangeKind, Clock, Ids};
use store::Store;

use crate::ears::Ears;

const CALENDARS: i32 = 1000;

/// A migrated database with calendars of nobody in particular.
pub(crate) struct Ground {
    pub(crate) store: Store,
    pub(crate) calendars: Vec<CalendarId>,
    settings: Settings,
}

impl Ground {
    pub(crate) async fn prepare(settings: Settings, writers: usize) -> anyhow::Result<Self> {
        let mut pool = store::Settings::new(&settings.database_url);
        pool.max_connections = u32::try_from(writers)? + 8;
        Store::migrate(&pool).await?;
        let clock = Clock::System;
        let store = Store::open(&pool, clock.clone(), Ids::random(clock)).await?;
        // Anew each time: the log of a calendar is read from its beginning.
        let calendars = sqlx::query_scalar(
            "with tenant as (
                 insert into tenants (id, slug, name, created_at)
                 select gen_random_uuid(), 'bench-' || count(*), 'Bench', now() from tenants
                 returning id
             ), owner as (
                 insert into users (id, tenant_id, email, name, created_at, updated_at)
                 select gen_random_uuid(), id, 'bench@example.com', 'Bench', now(), now() from tenant
                 returning id, tenant_id
             ), made as (
                 insert into calendars (id, tenant_id, owner_id, name, color, time_zone, created_at, updated_at)
                 select gen_random_uuid(), tenant_id, id, 'Bench', '#1e90ff', 'UTC', now(), now()
                 from owner, generate_series(1, $1)
                 returning id
             )
             insert into heads (calendar_id) select id from made returning calendar_id",
        )
        .bind(CALENDARS)
        .fetch_all(&mut store.conn().await?)
        .await?;
        Ok(Self { store, calendars, settings })
    }

    /// One instance: a relay and a consumer.
    pub(crate) async fn start_bus(&self, ears: &Ears) -> anyhow::Result<Bus> {
        let hear = ears.clone();
        let bus = Bus::start(self.store.clone(), self.settings.clone(), move |heard| hear.hear(heard)).await?;
        ears.complete().await;
        Ok(bus)
    }

    pub(crate) async fn switch_outbox(&self, on: bool) -> anyhow::Result<()> {
        sqlx::query("update deploy set outbox = $1").bind(on).execute(&mut self.store.conn().await?).await?;
        Ok(())
    }

    /// The smallest write that there is: BEGIN, the bump of one head, COMMIT. Answers the calendar's new seq.
    pub(crate) async fn write(&self, calendar: CalendarId) -> anyhow::Result<i64> {
        let mut tx = self.store.begin().await?;
        tx.touch(Change { calendar_id: calendar, kind: ChangeKind::CalendarUpdated, object_id: calendar.0 });
        Ok(tx.commit(|versions| versions.first().map_or(0, |version| version.seq)).await?)
    }
}
