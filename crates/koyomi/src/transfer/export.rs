//! A whole calendar, series by series.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use chrono::{Datelike, SubsecRound};
use events::{Grant, Record, Role, View};
use futures::stream::{BoxStream, StreamExt, try_unfold};
use ical::{WriteOptions, Writer};
use kernel::{CalendarId, Caller, EventId, Failure, Result};
use store::{Batch, Store};
use tokio::task::spawn_blocking;

use super::TransferFormat;
use super::json::write_line;
use super::to_ical::{busy, to_ical};
use crate::{Koyomi, access};

/// About how many records one statement brings, and one chunk holds.
const BATCH: i64 = 500;

impl Koyomi {
    /// The events of a calendar as the caller may see them, as a stream of chunks: private ones are busy blocks for a
    /// reader, and all of them for somebody who sees only free/busy.
    ///
    /// Each chunk is read by one statement, which holds whole series, in a snapshot of its own. One snapshot for all
    /// would have to stay open for as long as the client takes to read, and with it a connection of the pool and every
    /// dead row since; so a change made meanwhile shows or not, but never half, and whoever loses access loses it at
    /// the next chunk.
    ///
    /// # Errors
    /// `not_found` for the calendar; what goes wrong later ends the stream.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn export_events(
        &self,
        caller: &Caller,
        calendar_id: CalendarId,
        format: TransferFormat,
    ) -> Result<BoxStream<'static, Result<Bytes>>> {
        let found = events::calendars::find_many(&mut self.store.conn().await?, caller, &[calendar_id]).await?;
        let calendar = found.into_iter().next().ok_or_else(|| Failure::not_found("calendar"))?;
        let now = self.store.clock().now();
        let page = match format {
            TransferFormat::Ndjson => Page::Ndjson(Vec::new()),
            TransferFormat::Ics => {
                let first = events::first_start(&mut self.store.conn().await?, calendar_id).await?;
                // a zone that is defined from the year before on covers the first event on every clock
                let zones_from =
                    first.map_or(i32::MAX, |first| first.year() - 1).min(WriteOptions::default().zones_from);
                let options = WriteOptions { stamp: Some(now.trunc_subsecs(0)), zones_from };
                let out = Shared::default();
                Page::Ics(Box::new(Writer::new(out.clone(), &head(calendar), options).map_err(Failure::internal)?), out)
            }
        };
        let export =
            Export { store: self.store.clone(), caller: caller.clone(), calendar_id, after: None, page: Some(page) };
        Ok(try_unfold(export, Export::next).boxed())
    }
}

fn head(calendar: events::Calendar) -> ical::Calendar {
    ical::Calendar {
        name: Some(calendar.name),
        description: calendar.description,
        time_zone: Some(calendar.time_zone),
        // COLOR (RFC 7986) takes the names of CSS only
        extra: vec![format!("X-APPLE-CALENDAR-COLOR:{}", calendar.color)],
        ..ical::Calendar::default()
    }
}

struct Export {
    store: Store,
    caller: Caller,
    calendar_id: CalendarId,
    /// The last series that was written.
    after: Option<EventId>,
    /// Nothing behind the last chunk.
    page: Option<Page>,
}

impl Export {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>> {
        let Some(mut page) = self.page.take() else { return Ok(None) };
        loop {
            let (role, records) = self.read().await?;
            let Some(last) = records.last() else {
                let rest = page.finish().map_err(Failure::internal)?;
                // `page` is gone: this was the last chunk
                return Ok((!rest.is_empty()).then_some((rest, self)));
            };
            self.after = Some(last.root());
            // zones and rules are work, too
            let (written, chunk) = spawn_blocking(move || {
                let written = page.write(&records, role);
                written.map(|()| page.take()).map(|chunk| (page, chunk))
            })
            .await
            .map_err(Failure::internal)??;
            page = written;
            if !chunk.is_empty() {
                self.page = Some(page);
                return Ok(Some((chunk, self)));
            }
        }
    }

    async fn read(&self) -> Result<(Role, Vec<Record>)> {
        let mut batch = Batch::new();
        events::grants_part(&mut batch, &self.caller, &[self.calendar_id]);
        events::walk_part(&mut batch, self.caller.user_id, self.calendar_id, self.after, BATCH);
        let mut rows = batch.run(&mut self.store.conn().await?).await?;
        let grants: Vec<Grant> = rows.take()?;
        let role = Some(grants.first().ok_or_else(|| Failure::not_found("calendar"))?.role);
        let role = role.ok_or_else(|| Failure::not_found("calendar"))?;
        Ok((role, events::read_walk(&mut rows)?))
    }
}

/// What has been written and not been sent yet.
enum Page {
    Ics(Box<Writer<Shared>>, Shared),
    Ndjson(Vec<u8>),
}

/// A series, for the overrides behind it.
struct Series {
    id: EventId,
    event: ical::Event,
}

impl Page {
    fn write(&mut self, records: &[Record], role: Role) -> Result<()> {
        let mut series: Option<Series> = None;
        for record in records {
            let of = series.as_ref().filter(|series| record.event.recurring_event_id == Some(series.id));
            let event = to_ical(record, of.map(|of| &of.event.start))?;
            let event = match access::view(Some(role), record.invited, record.event.visibility) {
                Some(View::Full) => event,
                Some(View::Busy) => busy(event, format!("{}@koyomi", record.root())),
                None => continue,
            };
            // an override belongs to its series by the name that the series has here
            let uid = of.map(|of| of.event.uid.clone());
            let event = ical::Event { uid: uid.unwrap_or(event.uid), ..event };
            self.event(of.map(|of| &of.event), &event).map_err(Failure::internal)?;
            if record.original_start.is_none() {
                series = Some(Series { id: record.event.id, event });
            }
        }
        Ok(())
    }

    fn event(&mut self, series: Option<&ical::Event>, event: &ical::Event) -> io::Result<()> {
        match (self, series) {
            (Self::Ics(writer, _), Some(series)) => writer.override_of(series, event),
            (Self::Ics(writer, _), None) => writer.event(event),
            (Self::Ndjson(out), _) => Ok(write_line(event, out)?),
        }
    }

    fn take(&mut self) -> Bytes {
        match self {
            Self::Ics(_, out) => out.take(),
            Self::Ndjson(out) => std::mem::take(out).into(),
        }
    }

    fn finish(self) -> io::Result<Bytes> {
        match self {
            Self::Ics(writer, out) => {
                writer.finish()?;
                Ok(out.take())
            }
            Self::Ndjson(out) => Ok(out.into()),
        }
    }
}

/// What the writer has written; it keeps hold of its output, and the stream takes it away chunk by chunk.
#[derive(Debug, Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    fn take(&self) -> Bytes {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
