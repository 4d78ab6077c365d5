use serde_json::json;

use crate::harness;
use crate::make::{self, id, items, pages, texts};

fn members_of(calendar: &str) -> String {
    format!("/api/calendars/{calendar}/members")
}

#[tokio::test]
async fn a_calendar_is_shared_by_id_or_by_address_and_its_members_are_listed_by_name() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    for (name, role) in [("ren", "writer"), ("ann", "reader"), ("zoe", "free_busy")] {
        let who = koyomi.user(name).await;
        let input = match name {
            "ren" => json!({ "email": "REN@Example.com", "role": role }),
            _ => json!({ "user_id": who.id, "role": role }),
        };
        let member = mio.post(&members_of(&calendar), input).await.is(201).ok();
        assert_eq!(
            member,
            json!({
                "calendar_id": calendar, "user_id": who.id, "email": who.email, "name": name, "avatar_url": null,
                "role": role, "created_at": "2026-03-02T09:00:00Z",
            })
        );
    }
    for limit in 1..=5 {
        let all = pages(&mio, &members_of(&calendar), limit).await;
        let seen: Vec<_> = all.iter().map(|m| (m["name"].as_str().unwrap(), m["role"].as_str().unwrap())).collect();
        assert_eq!(seen, [("ann", "reader"), ("mio", "owner"), ("ren", "writer"), ("zoe", "free_busy")]);
    }
}

#[tokio::test]
async fn a_role_holds_from_the_next_request_on_and_old_validators_do_not_hide_it() {
    let koyomi = harness::start().await;
    let (mio, ren) = (koyomi.user("mio").await, koyomi.user("ren").await);
    let calendar = make::calendar(&mio, "Work").await;
    make::event(&mio, &calendar, json!({ "title": "Secret plan" })).await;
    let (list, member) = (format!("/api/calendars/{calendar}/events"), format!("{}/{}", members_of(&calendar), ren.id));
    ren.get(&list).await.problem(404, "not_found");
    make::share(&mio, &calendar, &ren, "free_busy").await;
    let mut tag = "\"x\"".to_owned();
    for (role, title) in
        [("free_busy", "null"), ("reader", "Secret plan"), ("free_busy", "null"), ("writer", "Secret plan")]
    {
        let changed = mio.patch(&member, json!({ "role": role })).await.ok();
        assert_eq!((&changed["role"], &changed["user_id"]), (&json!(role), &json!(ren.id)));
        let page = ren.with("if-none-match", &tag).get(&list).await;
        tag = page.is(200).etag();
        assert_eq!(texts(&page.ok(), "title"), [title], "{role}");
        ren.with("if-none-match", &tag).get(&list).await.is(304);
    }
    mio.delete(&member).await.is(204);
    ren.with("if-none-match", &tag).get(&list).await.problem(404, "not_found");
    mio.delete(&member).await.problem(404, "not_found");
    mio.patch(&member, json!({ "role": "reader" })).await.problem(404, "not_found");
}

#[tokio::test]
async fn the_last_owner_stays_owner() {
    let koyomi = harness::start().await;
    let (mio, ren) = (koyomi.user("mio").await, koyomi.user("ren").await);
    let calendar = make::calendar(&mio, "Work").await;
    let (me, him) = (format!("{}/{}", members_of(&calendar), mio.id), format!("{}/{}", members_of(&calendar), ren.id));
    make::share(&mio, &calendar, &ren, "writer").await;
    mio.delete(&me).await.problem(409, "last_owner");
    for role in ["writer", "reader", "free_busy"] {
        mio.patch(&me, json!({ "role": role })).await.problem(409, "last_owner");
    }
    mio.patch(&me, json!({ "role": "owner" })).await.is(200);
    mio.patch(&him, json!({ "role": "owner" })).await.is(200);
    mio.patch(&me, json!({ "role": "reader" })).await.is(200);
    mio.patch(&him, json!({ "role": "reader" })).await.problem(403, "forbidden");
    ren.delete(&him).await.problem(409, "last_owner");
    ren.delete(&me).await.is(204);
    mio.get(&format!("/api/calendars/{calendar}")).await.problem(404, "not_found");
}

#[tokio::test]
async fn two_owners_who_leave_at_the_same_moment_leave_one_behind() {
    let koyomi = harness::start().await;
    let (mio, ren) = (koyomi.user("mio").await, koyomi.user("ren").await);
    for n in 0..5 {
        let calendar = make::calendar(&mio, &format!("{n}")).await;
        make::share(&mio, &calendar, &ren, "owner").await;
        let (me, him) =
            (format!("{}/{}", members_of(&calendar), mio.id), format!("{}/{}", members_of(&calendar), ren.id));
        let (one, two) = tokio::join!(mio.delete(&me), ren.delete(&him));
        let mut answers = [one.status, two.status];
        answers.sort_unstable();
        assert_eq!(answers, [204, 409], "{} {}", one.text(), two.text());
    }
}

#[tokio::test]
async fn everybody_may_leave_and_only_owners_take_others_out() {
    let koyomi = harness::start().await;
    let (mio, ren, ann) = (koyomi.user("mio").await, koyomi.user("ren").await, koyomi.user("ann").await);
    let calendar = make::calendar(&mio, "Work").await;
    for role in ["free_busy", "reader", "writer"] {
        make::share(&mio, &calendar, &ren, role).await;
        make::share(&mio, &calendar, &ann, "reader").await;
        ren.delete(&format!("{}/{}", members_of(&calendar), ann.id)).await.problem(403, "forbidden");
        ren.delete(&format!("{}/{}", members_of(&calendar), ren.id)).await.is(204);
        mio.delete(&format!("{}/{}", members_of(&calendar), ann.id)).await.is(204);
        ren.delete(&format!("{}/{}", members_of(&calendar), ren.id)).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn only_somebody_of_the_organisation_can_be_given_a_calendar_and_only_once() {
    let koyomi = harness::start().await;
    let (mio, ren) = (koyomi.user("mio").await, koyomi.user("ren").await);
    let foreign = koyomi.stranger("other", "zoe").await;
    let path = members_of(&make::calendar(&mio, "Work").await);
    for (input, pointer) in [
        (json!({ "user_id": foreign.id, "role": "reader" }), "/user_id"),
        (json!({ "email": foreign.email, "role": "reader" }), "/email"),
        (json!({ "email": "nobody", "role": "reader" }), "/email"),
        (json!({ "role": "reader" }), ""),
        (json!({ "user_id": ren.id, "email": ren.email, "role": "reader" }), ""),
        (json!({ "user_id": ren.id, "role": "boss" }), "/role"),
        (json!({ "user_id": ren.id }), "/role"),
    ] {
        let answer = mio.post(&path, input.clone()).await;
        answer.problem(422, "validation_failed");
        assert_eq!(answer.pointers(), [pointer], "{input}");
    }
    mio.post(&path, json!({ "user_id": ren.id, "role": "reader" })).await.is(201);
    mio.post(&path, json!({ "email": ren.email, "role": "writer" })).await.problem(409, "already_member");
    assert_eq!(items(&mio.get(&path).await.ok()).len(), 2);
}

#[tokio::test]
async fn a_members_new_name_is_seen_at_once() {
    let koyomi = harness::start().await;
    let (mio, ren) = (koyomi.user("mio").await, koyomi.user("ren").await);
    let calendar = make::calendar(&mio, "Work").await;
    make::share(&mio, &calendar, &ren, "reader").await;
    let tag = mio.get(&members_of(&calendar)).await.etag();
    mio.with("if-none-match", &tag).get(&members_of(&calendar)).await.is(304);
    ren.patch("/api/me", json!({ "name": "Ann" })).await.is(200);
    let page = mio.with("if-none-match", &tag).get(&members_of(&calendar)).await.is(200).ok();
    assert_eq!(texts(&page, "name"), ["Ann", "mio"]);
}

#[tokio::test]
async fn a_repeated_request_with_the_same_key_shares_once() {
    let koyomi = harness::start().await;
    let (mio, ren) = (koyomi.user("mio").await, koyomi.user("ren").await);
    let path = members_of(&make::calendar(&mio, "Work").await);
    let keyed = mio.with("idempotency-key", "k-1");
    let input = json!({ "user_id": ren.id, "role": "reader" });
    let first = keyed.post(&path, input.clone()).await.is(201).ok();
    assert_eq!(keyed.post(&path, input).await.is(201).ok(), first);
    let other = json!({ "user_id": ren.id, "role": "writer" });
    keyed.post(&path, other).await.problem(422, "idempotency_key_reused");
    // Another user's keys are his own.
    let hers = make::calendar(&ren, "Hers").await;
    let input = json!({ "user_id": mio.id, "role": "reader" });
    ren.with("idempotency-key", "k-1").post(&members_of(&hers), input).await.is(201);
    assert_eq!(id(&ren.get(&format!("/api/calendars/{hers}")).await.ok()), hers);
}
