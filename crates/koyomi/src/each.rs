//! The same question about several calendars at once, answered for each of them as if it had been asked alone: one head
//! check, one fill, and each answer kept under the name that whoever asks for it alone will look for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use cache::{Answer, Family, Reading, is_access_moved};
use events::calendars::MAX_CALENDARS;
use events::{Calendar, Grant, Happening, Member, Role, calendars};
use futures::FutureExt;
use futures::future::{BoxFuture, Shared, try_join_all};
use kernel::{CalendarId, Caller, Failure, Limit, Moved, Page, Result, Subject};
use store::Epoch;

use crate::events_read::{Question, expanded, filters, granted, shown};
use crate::opened::moved_on;
use crate::{Asker, Koyomi, Listed, Listing, Opened, access};

/// One fill for several values: whoever needs one first starts it, and each takes his own.
struct Together<T> {
    all: Shared<BoxFuture<'static, Result<()>>>,
    found: Arc<Mutex<HashMap<CalendarId, Reading<T>>>>,
}

impl<T> Clone for Together<T> {
    fn clone(&self) -> Self {
        Self { all: self.all.clone(), found: Arc::clone(&self.found) }
    }
}

impl<T: Send + 'static> Together<T> {
    fn new(fill: impl Future<Output = Result<HashMap<CalendarId, Reading<T>>>> + Send + 'static) -> Self {
        let found = Arc::<Mutex<HashMap<_, _>>>::default();
        let into = Arc::clone(&found);
        let all = async move {
            let all = fill.await?;
            *into.lock().unwrap_or_else(PoisonError::into_inner) = all;
            Ok(())
        };
        Self { all: all.boxed().shared(), found }
    }

    /// None: it is for whoever asks to read it alone. It was taken already, and he wants it as it is now; or one of the
    /// others could not be read, which must not be his trouble.
    async fn take(&self, id: CalendarId) -> Result<Option<Reading<T>>> {
        match self.all.clone().await {
            Ok(()) => {}
            Err(failure) if is_access_moved(&failure) => return Err(failure),
            Err(_) => return Ok(None),
        }
        Ok(self.found.lock().unwrap_or_else(PoisonError::into_inner).remove(&id))
    }
}

impl Koyomi {
    /// The head check for several calendars, each opened for itself. What is not shared with the caller is absent.
    pub async fn enter_each(&self, asker: &Asker, ids: &[CalendarId]) -> Result<HashMap<CalendarId, Opened>> {
        let mut sorted = ids.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        let checks = sorted.chunks(MAX_CALENDARS).map(|ids| self.check(asker, ids, None, false, true));
        Ok(try_join_all(checks).await?.iter().flat_map(Opened::each).collect())
    }

    /// The first pages of their occurrences, under the name that a list of one calendar has.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn list_events_each(
        &self,
        opened: &[Opened],
        listing: &Listing,
    ) -> Result<HashMap<CalendarId, Result<Answer<Listed>>>> {
        let now = self.store.clock().now();
        let mut answers = HashMap::with_capacity(opened.len());
        for opened in opened.chunks(MAX_CALENDARS) {
            let Some(first) = opened.first() else { continue };
            let ids: Vec<CalendarId> = opened.iter().flat_map(Opened::calendars).collect();
            let (koyomi, caller, asked) = (self.clone(), Arc::clone(&first.caller), listing.clone());
            let question = Question::of(listing, 0, now)?;
            let fill = async move { koyomi.fill_pages(&caller, &ids, &question, &asked).await };
            let together = Together::new(fill);
            let reads = opened.iter().flat_map(|opened| opened.calendars().into_iter().map(move |id| (id, opened)));
            let reads = reads.map(async |(id, opened)| {
                let question = Question::of(listing, filters(&[id], listing), now)?;
                let answer = self.read(Family::Page, opened, &question, |koyomi, caller| {
                    let (together, question) = (together.clone(), question.clone());
                    Box::pin(async move {
                        match together.take(id).await? {
                            Some(reading) => Ok(reading),
                            None => koyomi.fill_page(&caller, &[id], &question).await,
                        }
                    })
                });
                match answer.await {
                    // The whole read begins again.
                    Err(failure) if is_access_moved(&failure) => Err(failure),
                    answer => Ok((id, answer)),
                }
            });
            answers.extend(try_join_all(reads).await?);
        }
        Ok(answers)
    }

    /// As many statements as for one calendar.
    async fn fill_pages(
        &self,
        caller: &Caller,
        ids: &[CalendarId],
        question: &Question,
        listing: &Listing,
    ) -> Result<HashMap<CalendarId, Reading<Listed>>> {
        let mut conn = self.store.snapshot().await?;
        let grants = granted(&mut conn, caller, ids).await?;
        let cut = |id| filters(&[id], listing);
        let mut pages = events::pages(&mut conn, &grants, &question.window()?, cut).await?;
        let mut cursors = HashMap::with_capacity(pages.len());
        let mut all: Vec<Happening> = Vec::new();
        for grant in &grants {
            let Some(page) = pages.remove(&grant.calendar_id) else { continue };
            cursors.insert(grant.calendar_id, page.next_cursor.clone());
            all.extend(shown(page, |_| Some(grant.role)).items);
        }
        let everything = expanded(&mut conn, Page { items: all, next_cursor: None }, question.expand).await?;
        let mut each = divided(everything);
        let read = |grant: Grant| {
            let id = grant.calendar_id;
            let mut value = each.remove(&id).unwrap_or_else(|| Listed::empty(question.expand));
            value.page.next_cursor = cursors.remove(&id).flatten();
            let head = Moved { subject: Subject::Calendar(id), seq: grant.seq, acl: grant.acl };
            let names = Moved { subject: Subject::Tenant(caller.tenant_id), seq: grant.directory_seq, acl: 0 };
            (id, Reading { epoch: Epoch(grant.epoch), versions: vec![head, names], value })
        };
        Ok(grants.into_iter().map(read).collect())
    }

    /// The calendars themselves, each with the role that was checked.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn find_calendars_each(&self, opened: &[Opened]) -> Result<HashMap<CalendarId, Answer<Calendar>>> {
        let Some(first) = opened.first() else { return Ok(HashMap::new()) };
        let ids: Vec<CalendarId> = opened.iter().flat_map(Opened::calendars).collect();
        let (koyomi, caller) = (self.clone(), Arc::clone(&first.caller));
        let fill = async move { koyomi.fill_calendars(&caller, &ids).await };
        let together = Together::new(fill);
        let reads = opened.iter().flat_map(|opened| opened.calendars().into_iter().map(move |id| (id, opened)));
        let reads = reads.map(async |(id, opened)| {
            let together = together.clone();
            let answer = self.find_calendar_by(opened, id, move |koyomi, caller| {
                let together = together.clone();
                Box::pin(async move {
                    if let Some(reading) = together.take(id).await? {
                        return Ok(reading);
                    }
                    koyomi.fill_calendars(&caller, &[id]).await?.remove(&id).ok_or_else(moved_on)
                })
            });
            Ok::<_, Failure>((id, answer.await?))
        });
        Ok(try_join_all(reads).await?.into_iter().collect())
    }

    pub(crate) async fn fill_calendars(
        &self,
        caller: &Caller,
        ids: &[CalendarId],
    ) -> Result<HashMap<CalendarId, Reading<Calendar>>> {
        let mut conn = self.store.snapshot().await?;
        let versions = cache::tenant_versions(&mut conn, caller.tenant_id, false).await?;
        let found = calendars::find_many(&mut conn, caller, ids).await?;
        let read = |mut value: Calendar| {
            let head = Moved { subject: Subject::Calendar(value.id), seq: value.seq, acl: value.acl };
            // Everybody it is shared with sees the same, but for what he may do with it.
            value.role = Role::FreeBusy;
            let moved = std::iter::once(head).chain(versions.moved(caller.tenant_id)).collect();
            (value.id, Reading { epoch: versions.epoch(), versions: moved, value })
        };
        Ok(found.into_iter().map(read).collect())
    }

    /// The first pages of who they are shared with. Absent: the caller may not see that; [`Koyomi::list_members`] says so.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn list_members_each(
        &self,
        opened: &[Opened],
        limit: Limit,
    ) -> Result<HashMap<CalendarId, Page<Member>>> {
        let Some(first) = opened.first() else { return Ok(HashMap::new()) };
        let ids: Vec<CalendarId> = opened.iter().flat_map(Opened::calendars).collect();
        // Rights and people as of one moment.
        let mut conn = self.store.snapshot().await?;
        let grants = events::grants(&mut conn, &first.caller, Some(&ids)).await?;
        let seen = grants.iter().filter(|grant| access::may_see_members(grant.role).is_ok());
        let ids: Vec<CalendarId> = seen.map(|grant| grant.calendar_id).collect();
        events::first_members(&mut conn, &ids, limit).await
    }
}

/// By calendar, each with what belongs to it.
fn divided(everything: Listed) -> HashMap<CalendarId, Listed> {
    let Listed { page, mut attendees, mut reservations } = everything;
    let mut each: HashMap<CalendarId, Listed> = HashMap::new();
    for happening in page.items {
        let (id, at) = (happening.event.id, happening.original_start);
        let listed = each.entry(happening.event.calendar_id).or_insert_with(|| Listed {
            page: Page { items: Vec::new(), next_cursor: None },
            attendees: attendees.as_ref().map(|_| HashMap::new()),
            reservations: reservations.as_ref().map(|_| HashMap::new()),
        });
        if let (Some(all), Some(own)) = (&mut attendees, &mut listed.attendees)
            && let Some(guests) = all.remove(&id)
        {
            own.insert(id, guests);
        }
        if let (Some(all), Some(own)) = (&mut reservations, &mut listed.reservations)
            && let Some(booked) = all.remove(&(id, at))
        {
            own.insert((id, at), booked);
        }
        listed.page.items.push(happening);
    }
    each
}
