//! The list of resources.

use kernel::{Expected, Failure, Kind, Limit, ResourceId, TenantId};
use resources::{Filter, NewResource, Resource, ResourceChange, ResourceKind};

use crate::book::{booking, hour, reserve};
use crate::support::World;

pub(crate) fn room(world: &World, name: &str) -> NewResource {
    NewResource {
        id: world.ids.mint(),
        name: name.to_owned(),
        kind: ResourceKind::Room,
        capacity: None,
        location: None,
        description: None,
        exclusive: true,
    }
}

pub(crate) async fn create(world: &World, tenant: TenantId, resource: &NewResource) -> Resource {
    let mut tx = world.store.begin().await.unwrap();
    let created = resources::create_in(&mut tx, tenant, resource).await.unwrap();
    tx.commit(|_| created).await.unwrap()
}

pub(crate) async fn a_room(world: &World, name: &str) -> ResourceId {
    create(world, world.tenant, &room(world, name)).await.id
}

pub(crate) async fn update(
    world: &World,
    id: ResourceId,
    expected: &Expected,
    change: &ResourceChange,
) -> Result<Resource, Failure> {
    let mut tx = world.store.begin().await.unwrap();
    let tag = |r: &Resource| format!("\"v{}\"", r.version);
    let updated = resources::update_in(&mut tx, world.tenant, id, expected, tag, change).await?;
    tx.commit(|_| updated).await
}

pub(crate) async fn delete(world: &World, id: ResourceId) -> Result<(), Failure> {
    let mut tx = world.store.begin().await.unwrap();
    let tag = |r: &Resource| r.version.to_string();
    resources::delete_in(&mut tx, world.tenant, id, &Expected::Any, tag).await?;
    tx.commit(|_| ()).await
}

async fn directory_seq(world: &World) -> i64 {
    sqlx::query_scalar("select directory_seq from tenants where id = $1")
        .bind(world.tenant)
        .fetch_one(&mut world.conn().await)
        .await
        .unwrap()
}

fn renamed(name: &str) -> ResourceChange {
    ResourceChange { name: Some(name.to_owned()), ..ResourceChange::default() }
}

#[tokio::test]
async fn a_resource_comes_back_as_it_was_written() {
    let world = World::new().await;
    let mut new = room(&world, "Fuji");
    new.kind = ResourceKind::Vehicle;
    new.capacity = Some(8);
    new.location = Some("Garage".into());
    new.description = Some("A van".into());
    new.exclusive = false;
    let created = create(&world, world.tenant, &new).await;
    assert_eq!((created.version, created.created_at), (1, world.now()));
    let mut conn = world.conn().await;
    let found = resources::find(&mut conn, world.tenant, new.id).await.unwrap();
    assert_eq!(found, created);
    assert_eq!(
        (found.kind, found.capacity, found.location, found.description, found.exclusive),
        (new.kind, new.capacity, new.location, new.description, new.exclusive)
    );
    let elsewhere = world.tenant("other").await;
    let hidden = resources::find(&mut conn, elsewhere, new.id).await.unwrap_err();
    assert_eq!(hidden.kind(), Kind::NotFound);
}

#[tokio::test]
async fn every_change_is_a_new_version_of_the_resource_and_of_the_directory() {
    let world = World::new().await;
    let before = directory_seq(&world).await;
    let id = a_room(&world, "Fuji").await;
    assert_eq!(directory_seq(&world).await, before + 1);
    world.later(1);
    let updated = update(&world, id, &Expected::OneOf(vec![1]), &renamed("Tate")).await.unwrap();
    assert_eq!((updated.version, updated.name.as_str(), updated.updated_at), (2, "Tate", world.now()));
    assert_eq!(directory_seq(&world).await, before + 2);
    let same = update(&world, id, &Expected::Any, &renamed("Tate")).await.unwrap();
    assert_eq!(same.version, 2, "what changes nothing is no version");
    assert_eq!(directory_seq(&world).await, before + 2);
    delete(&world, id).await.unwrap();
    assert_eq!(directory_seq(&world).await, before + 3);
}

#[tokio::test]
async fn a_change_of_an_older_version_is_refused_with_the_current_tag() {
    let world = World::new().await;
    let id = a_room(&world, "Fuji").await;
    update(&world, id, &Expected::Any, &renamed("Tate")).await.unwrap();
    let refused = update(&world, id, &Expected::OneOf(vec![1]), &renamed("Haku")).await.unwrap_err();
    assert_eq!((refused.kind(), refused.current_etag()), (Kind::PreconditionFailed, Some("\"v2\"")));
    let kept = resources::find(&mut world.conn().await, world.tenant, id).await.unwrap();
    assert_eq!(kept.name, "Tate");
}

#[tokio::test]
async fn another_tenants_resource_cannot_be_changed() {
    let world = World::new().await;
    let elsewhere = world.tenant("other").await;
    let id = create(&world, elsewhere, &room(&world, "Fuji")).await.id;
    let refused = update(&world, id, &Expected::Any, &renamed("Mine")).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::NotFound);
    assert_eq!(delete(&world, id).await.unwrap_err().kind(), Kind::NotFound);
}

#[tokio::test]
async fn a_resource_goes_when_nothing_of_it_is_still_to_come() {
    let world = World::new().await;
    let event = world.event().await;
    let id = a_room(&world, "Fuji").await;
    reserve(&world, event, &[booking(&world, id, hour(0)), booking(&world, id, hour(5))]).await.unwrap();
    world.later(90);
    let refused = delete(&world, id).await.unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (Kind::Conflict, "resource_in_use"));
    assert!(refused.message().starts_with("1 reservation"), "{}", refused.message());
    world.later(270);
    delete(&world, id).await.unwrap();
    let mut conn = world.conn().await;
    assert!(resources::find_many(&mut conn, world.tenant, &[id]).await.unwrap().is_empty());
    let kept = resources::list_many(&mut conn, &[event]).await.unwrap();
    assert_eq!(kept[&event][0].resource_name, "Fuji", "history keeps the name");
    assert_eq!(delete(&world, id).await.unwrap_err().kind(), Kind::NotFound);
}

#[tokio::test]
async fn a_list_is_filtered_and_walked_by_name() {
    let world = World::new().await;
    let elsewhere = world.tenant("other").await;
    create(&world, elsewhere, &room(&world, "Room 00")).await;
    let mut ids = Vec::new();
    for n in 0..12 {
        let mut new = room(&world, &format!("Room {:02}", n / 2));
        new.capacity = (n != 11).then_some(n + 1);
        if n == 4 {
            new.kind = ResourceKind::Equipment;
        }
        if n == 7 {
            new.location = Some("50% OFF building".into());
        }
        ids.push(create(&world, world.tenant, &new).await.id);
    }
    let mut conn = world.conn().await;
    let limit = Limit::new(Some(5)).unwrap();
    let mut walked = Vec::new();
    let mut cursor = None;
    loop {
        let page =
            resources::list(&mut conn, world.tenant, &Filter::default(), limit, cursor.as_deref()).await.unwrap();
        walked.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(walked.len(), 12);
    assert!(walked.is_sorted_by_key(|r| (r.name.clone(), r.id)), "namesakes too are each seen once");

    let all = Limit::new(None).unwrap();
    let cases = [
        (Filter { kind: Some(ResourceKind::Equipment), ..Filter::default() }, vec![ids[4]]),
        (Filter { min_capacity: Some(11), ..Filter::default() }, vec![ids[10]]),
        (Filter { q: Some("50% off".into()), ..Filter::default() }, vec![ids[7]]),
        (Filter { q: Some("m 00".into()), ..Filter::default() }, vec![ids[0], ids[1]]),
        (Filter { q: Some("%".into()), ..Filter::default() }, vec![ids[7]]),
        (Filter { ids: Some(vec![ids[3], ids[4]]), min_capacity: Some(5), ..Filter::default() }, vec![ids[4]]),
        (Filter { ids: Some(vec![]), ..Filter::default() }, vec![]),
    ];
    for (filter, mut expected) in cases {
        let page = resources::list(&mut conn, world.tenant, &filter, all, None).await.unwrap();
        let mut found: Vec<ResourceId> = page.items.iter().map(|r| r.id).collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{filter:?}");
    }
    let first = resources::list(&mut conn, world.tenant, &Filter::default(), limit, None).await.unwrap();
    let other = Filter { min_capacity: Some(1), ..Filter::default() };
    let refused =
        resources::list(&mut conn, world.tenant, &other, limit, first.next_cursor.as_deref()).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Malformed, "a cursor is of one filter");
}

#[tokio::test]
async fn a_shared_resource_becomes_exclusive_only_when_nothing_to_come_overlaps() {
    let world = World::new().await;
    let events = world.events(3).await;
    let mut new = room(&world, "Hall");
    new.exclusive = false;
    let id = create(&world, world.tenant, &new).await.id;
    for event in &events[..2] {
        reserve(&world, *event, &[booking(&world, id, hour(0)), booking(&world, id, hour(8))]).await.unwrap();
    }
    world.later(120);
    let exclusive = ResourceChange { exclusive: Some(true), ..ResourceChange::default() };
    let refused = update(&world, id, &Expected::Any, &exclusive).await.unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (Kind::Conflict, "resource_in_use"));

    let mut batch = store::Batch::new();
    resources::release_occurrences_part(&mut batch, events[1], &[hour(8).from.naive_utc()]);
    batch.run(&mut world.conn().await).await.unwrap();
    let updated = update(&world, id, &Expected::Any, &exclusive).await.unwrap();
    assert!(updated.exclusive, "what overlapped in the past does not matter");
    let taken = reserve(&world, events[2], &[booking(&world, id, hour(8))]).await.unwrap_err();
    assert_eq!(taken.code(), "resource_conflict", "reservations from before hold");

    let shared = ResourceChange { exclusive: Some(false), ..ResourceChange::default() };
    update(&world, id, &Expected::Any, &shared).await.unwrap();
    reserve(&world, events[2], &[booking(&world, id, hour(8))]).await.unwrap();
}

#[tokio::test]
async fn becoming_exclusive_looks_at_what_is_running_too() {
    let world = World::new().await;
    let events = world.events(2).await;
    let mut new = room(&world, "Hall");
    new.exclusive = false;
    let id = create(&world, world.tenant, &new).await.id;
    // Runs from hour 0 to 10; the other one, within it, is over when the resource shall become exclusive.
    let long = kernel::Span { from: hour(0).from, to: hour(10).from };
    reserve(&world, events[0], &[booking(&world, id, long)]).await.unwrap();
    reserve(&world, events[1], &[booking(&world, id, hour(1))]).await.unwrap();
    world.later(180);
    let exclusive = ResourceChange { exclusive: Some(true), ..ResourceChange::default() };
    let refused = update(&world, id, &Expected::Any, &exclusive).await.unwrap_err();
    assert_eq!(refused.code(), "resource_in_use");
}
