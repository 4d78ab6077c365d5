use kernel::EventId;
use resources::hot;

use crate::support::{World, uuids};

/// 1,000 rooms with 30 reservations each, of one series per room.
async fn seeded() -> (World, Vec<EventId>) {
    let world = World::new().await;
    let events = world.events(1_000).await;
    let tenant = world.tenant;
    world
        .run(&format!(
            "insert into resources (id, tenant_id, name, kind, capacity, created_at, updated_at)
             select gen_random_uuid(), '{tenant}', 'Room ' || lpad(n::text, 4, '0'), 'room', n % 30 + 1, now(), now()
             from generate_series(1, 1000) n;
             insert into reservations (id, resource_id, event_id, original_start, start_time, end_time, exclusive,
                 created_at)
             select gen_random_uuid(), r.id, e.id, t.at, t.at at time zone 'UTC',
                 (t.at at time zone 'UTC') + interval '1 hour', true, now()
             from (select id, row_number() over (order by name) as n from resources) r
             join (select id, row_number() over (order by id) as n from events) e using (n)
             cross join generate_series(timestamp '2027-01-01', '2027-01-30', '1 day') t (at)"
        ))
        .await;
    world.run("vacuum (analyze) resources").await;
    world.run("vacuum (analyze) reservations").await;
    (world, events)
}

#[tokio::test]
async fn hot_queries_keep_to_their_indexes() {
    let (world, events) = seeded().await;
    availability_comes_from_two_short_ranges_of_the_index_alone(&world).await;
    reservations_are_found_by_their_events(&world, &events).await;
    conflicts_are_found_by_two_short_ranges(&world).await;
}

async fn availability_comes_from_two_short_ranges_of_the_index_alone(world: &World) {
    let mut literals: Vec<String> =
        vec![format!("'{}'", world.tenant), "''".into(), format!("'{}'", uuid::Uuid::nil())];
    literals.extend(["null", "null", "null", "null", "51"].map(String::from));
    for plan in world.plans(hot::LIST, &literals).await {
        plan.assert_no_seq_scan();
    }
    literals.extend(["'2027-01-10 12:00Z'".into(), "'2027-01-17 12:00Z'".into()]);
    for only_free in ["false", "true"] {
        let mut literals = literals.clone();
        literals.push(only_free.into());
        for plan in world.plans(hot::AVAILABILITY, &literals).await {
            plan.assert_no_seq_scan();
            plan.assert_index_only("reservations", "reservations_resource_time");
            assert_eq!(plan.scans("reservations").len(), 2);
        }
    }
}

async fn reservations_are_found_by_their_events(world: &World, events: &[EventId]) {
    for plan in world.plans(hot::LIST_MANY, &[uuids(&events[..3])]).await {
        plan.assert_no_seq_scan();
    }
    for plan in world.plans(hot::BOOKED_MANY, &[uuids(&events[..3])]).await {
        plan.assert_index_only("reservations", "reservations_event");
    }
    let literals = [uuids(&events[..3]), "'{2027-01-05,2027-01-06,2027-01-07}'::timestamp[]".into()];
    for plan in world.plans(hot::LIST_FOR_OCCURRENCES, &literals).await {
        plan.assert_no_seq_scan();
    }
    let from = [format!("'{}'", events[0]), "'0001-01-01Z'".into(), format!("'{}'", uuid::Uuid::nil()), "51".into()];
    for plan in world.plans(hot::PAGE, &from).await {
        plan.assert_no_seq_scan();
    }
}

async fn conflicts_are_found_by_two_short_ranges(world: &World) {
    let room: kernel::ResourceId = sqlx::query_scalar("select id from resources order by name limit 1")
        .fetch_one(&mut world.conn().await)
        .await
        .unwrap();
    let literals = [
        format!("'{}'", world.tenant),
        uuids(&[room]),
        "'{2027-01-05 00:30Z}'::timestamptz[]".into(),
        "'{2027-01-05 01:30Z}'::timestamptz[]".into(),
        "null".into(),
        "100".into(),
        "'{}'::uuid[]".into(),
    ];
    for plan in world.plans(hot::CONFLICTS, &literals).await {
        plan.assert_no_seq_scan();
    }
}
