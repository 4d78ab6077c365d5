use attendees::{Answers, Attendee, AttendeeChange, NewAttendee, Removed, ResponseStatus};
use kernel::{EventId, Kind, UserId};
use store::Batch;

use crate::support::{World, statements};

pub(crate) fn guest(world: &World, email: &str) -> NewAttendee {
    NewAttendee {
        id: world.ids.mint(),
        email: email.to_owned(),
        name: None,
        is_optional: false,
        response_status: ResponseStatus::NeedsAction,
    }
}

pub(crate) fn guests(world: &World, emails: &[&str]) -> Vec<NewAttendee> {
    emails.iter().map(|email| guest(world, email)).collect()
}

pub(crate) async fn invite(world: &World, event: EventId, list: &[NewAttendee]) -> Result<Vec<Attendee>, sqlx::Error> {
    let mut batch = Batch::new();
    attendees::insert_part(&mut batch, world.tenant, event, world.now(), list);
    let mut rows = batch.run(&mut world.conn().await).await?;
    Ok(rows.take().unwrap())
}

pub(crate) async fn emails(world: &World, event: EventId) -> Vec<String> {
    attendees::list_many(&mut world.conn().await, &[event])
        .await
        .unwrap()
        .remove(&event)
        .unwrap_or_default()
        .into_iter()
        .map(|guest| guest.email)
        .collect()
}

#[tokio::test]
async fn guests_come_back_in_the_order_of_the_list() {
    let world = World::new().await;
    let event = world.event().await;
    let asked = ["zoe@x.org", "ann@x.org", "mio@x.org", "bob@x.org", "kai@x.org"];
    let invited = invite(&world, event, &guests(&world, &asked)).await.unwrap();
    assert_eq!(emails(&world, event).await, asked);
    let listed: Vec<_> = attendees::list_many(&mut world.conn().await, &[event]).await.unwrap().remove(&event).unwrap();
    let mut answered: Vec<_> = invited.into_iter().map(|a| a.guest).collect();
    answered.sort_by_key(|g| (g.created_at, g.id));
    assert_eq!(answered, listed, "a write answers what a read shows");
}

#[tokio::test]
async fn an_address_finds_its_user_within_the_tenant_only() {
    let world = World::new().await;
    let event = world.event().await;
    let ann = world.user(world.tenant, "ann@example.com", "Ann").await;
    let elsewhere = world.tenant("other").await;
    world.user(elsewhere, "bob@example.com", "Bob").await;
    let mut list = guests(&world, &["ann@example.com", "bob@example.com", "owner@example.com"]);
    list[2].name = Some("The boss".into());
    let mut invited = invite(&world, event, &list).await.unwrap();
    invited.sort_by_key(|a| a.guest.created_at);
    let seen: Vec<(Option<UserId>, Option<&str>, bool)> =
        invited.iter().map(|a| (a.guest.user_id, a.guest.name.as_deref(), a.guest.avatar_url.is_some())).collect();
    assert_eq!(
        seen,
        [(Some(ann), Some("Ann"), true), (None, None, false), (Some(world.owner), Some("The boss"), true),]
    );
}

#[tokio::test]
async fn an_import_invites_to_many_events_in_one_statement() {
    let world = World::new().await;
    let events = world.events(3).await;
    let mut lists = Vec::new();
    for n in ["c", "a", "b"] {
        for event in &events {
            lists.push((*event, guest(&world, &format!("{n}@x.org"))));
        }
    }
    let mut batch = Batch::new();
    attendees::insert_many_part(&mut batch, world.tenant, world.now(), &lists);
    let mut conn = world.conn().await;
    let (rows, cost) = statements(batch.run(&mut conn)).await;
    assert_eq!(rows.unwrap().take::<Attendee>().unwrap().len(), 9);
    assert_eq!(cost, 1);
    for event in events {
        assert_eq!(emails(&world, event).await, ["c@x.org", "a@x.org", "b@x.org"]);
    }
}

#[tokio::test]
async fn one_more_comes_last_even_at_the_same_moment() {
    let world = World::new().await;
    let event = world.event().await;
    invite(&world, event, &guests(&world, &["b@x.org", "c@x.org"])).await.unwrap();
    let mut conn = world.conn().await;
    for email in ["d@x.org", "a@x.org"] {
        let added =
            attendees::add_in(&mut conn, world.tenant, event, world.now(), &guest(&world, email)).await.unwrap();
        assert_eq!(added.guest.email, email);
    }
    assert_eq!(emails(&world, event).await, ["b@x.org", "c@x.org", "d@x.org", "a@x.org"]);
}

#[tokio::test]
async fn an_address_is_invited_once() {
    let world = World::new().await;
    let event = world.event().await;
    invite(&world, event, &guests(&world, &["a@x.org"])).await.unwrap();
    let again = guest(&world, "a@x.org");
    let refused =
        attendees::add_in(&mut world.conn().await, world.tenant, event, world.now(), &again).await.unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (Kind::Conflict, "already_invited"));
    let error = invite(&world, event, &[again]).await.unwrap_err();
    assert_eq!(attendees::refusal(&error).unwrap().code(), "already_invited");
}

#[tokio::test]
async fn the_five_hundred_and_first_guest_is_refused() {
    let world = World::new().await;
    let event = world.event().await;
    let list: Vec<NewAttendee> = (0..499).map(|n| guest(&world, &format!("{n}@x.org"))).collect();
    invite(&world, event, &list).await.unwrap();
    let mut conn = world.conn().await;
    for (email, fits) in [("one@x.org", true), ("two@x.org", false)] {
        let added = attendees::add_in(&mut conn, world.tenant, event, world.now(), &guest(&world, email)).await;
        match added {
            Ok(_) => assert!(fits),
            Err(refused) => {
                assert!(!fits);
                assert_eq!((refused.kind(), refused.code()), (Kind::LimitExceeded, "too_many_attendees"));
            }
        }
    }
    assert_eq!(emails(&world, event).await.len(), 500);
}

#[tokio::test]
async fn the_widest_guest_fits_the_index() {
    let world = World::new().await;
    let event = world.event().await;
    let noise = |n: usize, alphabet: &[char]| -> String {
        let mut state = 7u64;
        (0..n)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                alphabet[(state >> 33) as usize % alphabet.len()]
            })
            .collect()
    };
    let wide: Vec<char> = ('\u{20000}'..'\u{2a6d0}').collect();
    let narrow: Vec<char> = ('a'..='z').collect();
    let mut list = guests(&world, &[&format!("{}@x.org", noise(248, &narrow))]);
    list[0].name = Some(noise(attendees::MAX_NAME, &wide));
    let mut checks = kernel::Checks::new();
    NewAttendee::check_all(&mut list, &mut checks, "/attendees");
    checks.done().unwrap();
    assert_eq!(invite(&world, event, &list).await.unwrap().len(), 1);
}

#[tokio::test]
async fn replacing_a_list_keeps_who_stays_with_their_answer() {
    let world = World::new().await;
    let event = world.event().await;
    let untouched = world.event().await;
    let mio = world.user(world.tenant, "mio@x.org", "Mio").await;
    for event in [event, untouched] {
        invite(&world, event, &guests(&world, &["old@x.org", "mio@x.org", "kai@x.org"])).await.unwrap();
    }
    let mut conn = world.conn().await;
    let answered =
        attendees::respond_in(&mut conn, event, mio, ResponseStatus::Accepted, Some("with pleasure"), world.later(1))
            .await
            .unwrap();

    let mut list = guests(&world, &["new@x.org", "mio@x.org", "kai@x.org"]);
    list[1].is_optional = true;
    list[1].name = Some("Mio M.".into());
    let mut batch = Batch::new();
    attendees::replace_parts(&mut batch, world.tenant, event, world.later(1), &list, Answers::Keep);
    let (rows, cost) = statements(batch.run(&mut conn)).await;
    assert_eq!(cost, 1);
    let mut rows = rows.unwrap();
    let gone: Vec<String> = rows.take::<Removed>().unwrap().into_iter().map(|r| r.email).collect();
    assert_eq!(gone, ["old@x.org"]);
    assert_eq!(rows.take::<Attendee>().unwrap().len(), 3);

    assert_eq!(emails(&world, event).await, ["mio@x.org", "kai@x.org", "new@x.org"]);
    assert_eq!(emails(&world, untouched).await.len(), 3);
    let mut expected = answered.clone();
    expected.guest.is_optional = true;
    expected.guest.name = Some("Mio M.".into());
    assert_eq!(attendees::find_in(&mut conn, event, answered.guest.id).await.unwrap(), expected);
}

#[tokio::test]
async fn a_reimport_overwrites_answers_and_empties_lists() {
    let world = World::new().await;
    let events = world.events(2).await;
    for event in &events {
        invite(&world, *event, &guests(&world, &["a@x.org", "b@x.org"])).await.unwrap();
    }
    let mut declined = guest(&world, "a@x.org");
    declined.response_status = ResponseStatus::Declined;
    let mut batch = Batch::new();
    attendees::replace_many_parts(
        &mut batch,
        world.tenant,
        &events,
        world.now(),
        &[(events[0], declined)],
        Answers::Overwrite,
    );
    let mut conn = world.conn().await;
    batch.run(&mut conn).await.unwrap();
    let lists = attendees::list_many(&mut conn, &events).await.unwrap();
    assert_eq!(lists.len(), 1);
    let only = &lists[&events[0]];
    assert_eq!(only.len(), 1);
    assert_eq!(only[0].response_status, ResponseStatus::Declined);
}

#[tokio::test]
async fn all_invitations_of_an_event_can_be_taken_back() {
    let world = World::new().await;
    let events = world.events(2).await;
    for event in &events {
        invite(&world, *event, &guests(&world, &["a@x.org", "b@x.org"])).await.unwrap();
    }
    let mut batch = Batch::new();
    attendees::delete_part(&mut batch, &events[..1]);
    let mut rows = batch.run(&mut world.conn().await).await.unwrap();
    assert_eq!(rows.take::<Removed>().unwrap().len(), 2);
    assert!(emails(&world, events[0]).await.is_empty());
    assert_eq!(emails(&world, events[1]).await.len(), 2);
}

#[tokio::test]
async fn an_override_begins_with_the_guests_of_its_series() {
    let world = World::new().await;
    let events = world.events(3).await;
    let mio = world.user(world.tenant, "mio@x.org", "Mio").await;
    let asked = ["zoe@x.org", "mio@x.org", "ann@x.org"];
    invite(&world, events[0], &guests(&world, &asked)).await.unwrap();
    let mut conn = world.conn().await;
    attendees::respond_in(&mut conn, events[0], mio, ResponseStatus::Tentative, Some("maybe"), world.later(1))
        .await
        .unwrap();
    let mut batch = Batch::new();
    attendees::copy_part(&mut batch, &world.ids, events[0], events[1], Answers::Keep);
    attendees::copy_part(&mut batch, &world.ids, events[0], events[2], Answers::Overwrite);
    let mut rows = batch.run(&mut conn).await.unwrap();
    let answers = |rows: Vec<Attendee>| -> Vec<(String, ResponseStatus, Option<String>)> {
        let mut rows = rows;
        rows.sort_by_key(|a| a.guest.created_at);
        rows.into_iter().map(|a| (a.guest.email, a.guest.response_status, a.comment)).collect()
    };
    let kept = answers(rows.take().unwrap());
    let asked_again = answers(rows.take().unwrap());
    assert_eq!(kept[1], ("mio@x.org".into(), ResponseStatus::Tentative, Some("maybe".into())));
    assert_eq!(asked_again[1], ("mio@x.org".into(), ResponseStatus::NeedsAction, None));
    for event in events {
        assert_eq!(emails(&world, event).await, asked);
    }
}

#[tokio::test]
async fn one_invitation_is_changed_or_taken_back_by_its_own_event_only() {
    let world = World::new().await;
    let events = world.events(2).await;
    world.user(world.tenant, "mio@x.org", "Mio").await;
    let id = invite(&world, events[0], &guests(&world, &["mio@x.org"])).await.unwrap()[0].guest.id;
    let mut conn = world.conn().await;
    let change = AttendeeChange { name: Some(Some("M.".into())), is_optional: Some(true) };
    let missing = attendees::update_in(&mut conn, events[1], id, &change).await.unwrap_err();
    assert_eq!(missing.kind(), Kind::NotFound);
    let changed = attendees::update_in(&mut conn, events[0], id, &change).await.unwrap();
    assert_eq!((changed.guest.name.as_deref(), changed.guest.is_optional), (Some("M."), true));
    let nameless = AttendeeChange { name: Some(None), is_optional: None };
    let changed = attendees::update_in(&mut conn, events[0], id, &nameless).await.unwrap();
    assert_eq!(
        (changed.guest.name.as_deref(), changed.guest.is_optional),
        (Some("Mio"), true),
        "without an own name the user's is shown; what is not named stays"
    );
    let missing = attendees::remove_in(&mut conn, events[1], id).await.unwrap_err();
    assert_eq!(missing.kind(), Kind::NotFound);
    let removed = attendees::remove_in(&mut conn, events[0], id).await.unwrap();
    assert_eq!(removed.email, "mio@x.org");
    let missing = attendees::find_in(&mut conn, events[0], id).await.unwrap_err();
    assert_eq!(missing.kind(), Kind::NotFound);
}
