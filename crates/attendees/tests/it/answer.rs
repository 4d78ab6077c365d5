use attendees::ResponseStatus::{Accepted, Declined, NeedsAction};
use kernel::Kind;

use crate::invite::{guests, invite};
use crate::support::World;

#[tokio::test]
async fn an_answer_replaces_the_one_before_with_its_comment() {
    let world = World::new().await;
    let event = world.event().await;
    let mio = world.user(world.tenant, "mio@x.org", "Mio").await;
    let invited = invite(&world, event, &guests(&world, &["mio@x.org", "kai@x.org"])).await.unwrap();
    assert!(invited.iter().all(|a| a.responded_at.is_none()));
    let mut conn = world.conn().await;
    let at = world.later(5);
    let first = attendees::respond_in(&mut conn, event, mio, Declined, Some("ill"), at).await.unwrap();
    assert_eq!(
        (first.guest.response_status, first.comment.as_deref(), first.responded_at),
        (Declined, Some("ill"), Some(at))
    );
    let at = world.later(5);
    let second = attendees::respond_in(&mut conn, event, mio, Accepted, None, at).await.unwrap();
    assert_eq!((second.guest.response_status, second.comment, second.responded_at), (Accepted, None, Some(at)));
    let taken_back = attendees::respond_in(&mut conn, event, mio, NeedsAction, None, at).await.unwrap();
    assert_eq!(taken_back.responded_at, None);
    let others = attendees::page(&mut conn, event, kernel::Limit::new(None).unwrap(), None).await.unwrap();
    assert_eq!(others.items[1].guest.response_status, NeedsAction);
}

#[tokio::test]
async fn who_is_not_invited_cannot_answer() {
    let world = World::new().await;
    let event = world.event().await;
    invite(&world, event, &guests(&world, &["kai@x.org"])).await.unwrap();
    let refused = attendees::respond_in(&mut world.conn().await, event, world.owner, Accepted, None, world.now())
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), Kind::NotFound);
}

#[tokio::test]
async fn somebody_invited_under_two_addresses_answers_for_both() {
    let world = World::new().await;
    let event = world.event().await;
    let mio = world.user(world.tenant, "mio@x.org", "Mio").await;
    let first = invite(&world, event, &guests(&world, &["mio@x.org"])).await.unwrap().remove(0);
    world.run("update users set email = 'mio@new.org' where email = 'mio@x.org'").await;
    invite(&world, event, &guests(&world, &["mio@new.org"])).await.unwrap();
    let mut conn = world.conn().await;
    let answered = attendees::respond_in(&mut conn, event, mio, Accepted, None, world.now()).await.unwrap();
    assert_eq!(answered.guest.id, first.guest.id);
    let list = &attendees::list_many(&mut conn, &[event]).await.unwrap()[&event];
    assert!(list.iter().all(|guest| guest.response_status == Accepted));
    let mine = attendees::answers_of(&mut conn, mio, &[event]).await.unwrap();
    assert_eq!(mine[&event], Accepted);
    let ids = attendees::event_ids_of_user(&mut conn, mio, None, 10).await.unwrap();
    assert_eq!(ids, [event]);
}
