use attendees::hot;
use kernel::EventId;

use crate::support::{World, uuids};

/// 2,000 users, 3,000 events with 8 guests each.
async fn seeded() -> (World, Vec<EventId>) {
    let world = World::new().await;
    let events = world.events(3_000).await;
    let tenant = world.tenant;
    world
        .run(&format!(
            "insert into users (id, tenant_id, email, name, created_at, updated_at)
             select gen_random_uuid(), '{tenant}', n || '@x.org', 'User ' || n, now(), now()
             from generate_series(0, 1999) n;
             insert into attendees (id, event_id, user_id, email, created_at)
             select gen_random_uuid(), e.id, u.id, u.email, now() + k * interval '1 microsecond'
             from (select id, row_number() over (order by id) as n from events) e
             cross join generate_series(0, 7) k
             join users u on u.email = (e.n * 7 + k * 13) % 2000 || '@x.org'",
        ))
        .await;
    world.run("vacuum (analyze) attendees").await;
    world.run("vacuum (analyze) users").await;
    (world, events)
}

#[tokio::test]
async fn hot_queries_keep_to_their_indexes() {
    let (world, events) = seeded().await;
    guests_of_a_page_of_events_come_from_the_index_alone(&world, &events).await;
    a_page_of_guests_is_found_by_its_event(&world, &events).await;
    counts_and_invitations_come_from_an_index_alone(&world, &events).await;
}

async fn guests_of_a_page_of_events_come_from_the_index_alone(world: &World, events: &[EventId]) {
    let ids = uuids(&events[..50]);
    for limit in ["null", "11"] {
        for plan in world.plans(hot::LIST_MANY, &[ids.clone(), limit.into()]).await {
            plan.assert_index_only("attendees", "attendees_event");
            plan.assert_no_seq_scan();
        }
    }
}

async fn a_page_of_guests_is_found_by_its_event(world: &World, events: &[EventId]) {
    let literals =
        [format!("'{}'", events[0]), "'0001-01-01Z'".into(), format!("'{}'", uuid::Uuid::nil()), "51".into()];
    for plan in world.plans(hot::PAGE, &literals).await {
        plan.assert_no_seq_scan();
    }
}

async fn counts_and_invitations_come_from_an_index_alone(world: &World, events: &[EventId]) {
    for plan in world.plans(hot::COUNT_MANY, &[uuids(&events[..50])]).await {
        for (node, _, fetches) in plan.scans("attendees") {
            assert_eq!((node.as_str(), fetches), ("Index Only Scan", 0));
        }
    }
    let user: kernel::UserId = sqlx::query_scalar("select id from users where email = '7@x.org'")
        .fetch_one(&mut world.conn().await)
        .await
        .unwrap();
    let user = format!("'{user}'");
    let from = format!("'{}'", uuid::Uuid::nil());
    for plan in world.plans(hot::EVENT_IDS_OF_USER, &[user.clone(), from, "100".into()]).await {
        plan.assert_index_only("attendees", "attendees_user");
    }
    for plan in world.plans(hot::ANSWERS_OF, &[user, uuids(&events[..50])]).await {
        plan.assert_no_seq_scan();
    }
}
