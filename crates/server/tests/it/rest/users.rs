use serde_json::{Value, json};

use crate::harness;

fn names(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|u| u["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn colleagues_are_found_by_any_part_of_name_or_address() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    for name in ["Ren", "renata", "100%", "田中"] {
        koyomi.user(name).await.patch("/api/me", json!({ "name": name })).await.ok();
    }
    for (q, found) in [
        ("ren", vec!["Ren", "renata"]),
        ("REN", vec!["Ren", "renata"]),
        ("renata@ex", vec!["renata"]),
        ("%", vec!["100%"]),
        ("_", vec![]),
        ("田", vec!["田中"]),
        ("nobody", vec![]),
    ] {
        let page = mio.get(&format!("/api/users?q={}", q.replace('%', "%25"))).await;
        let page = page.ok();
        let mut seen = names(&page);
        seen.sort_unstable();
        assert_eq!(seen, found, "{q}");
    }
}

#[tokio::test]
async fn a_search_is_paged_in_the_order_of_names_and_its_cursor_is_bound_to_it() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    for name in ["b", "a", "d", "c"] {
        koyomi.user(name).await;
    }
    let first = mio.get("/api/users?q=example&limit=3").await;
    assert_eq!(first.statements(), 3);
    let first = first.ok();
    assert_eq!(names(&first), ["a", "b", "c"]);
    let cursor = first["next_cursor"].as_str().unwrap();
    let last = mio.get(&format!("/api/users?q=example&limit=3&cursor={cursor}")).await.ok();
    assert_eq!(names(&last), ["d", "mio"]);
    assert_eq!(last["next_cursor"], json!(null));
    let other = mio.get(&format!("/api/users?q=exam&cursor={cursor}")).await;
    other.problem(400, "malformed_request");
    assert_eq!(other.pointers(), ["?cursor"]);
}

#[tokio::test]
async fn users_are_found_by_id_and_unknown_ids_left_out() {
    let koyomi = harness::start().await;
    let (mio, ren) = (koyomi.user("mio").await, koyomi.user("ren").await);
    let stranger = koyomi.stranger("other", "zoe").await;
    let path = format!("/api/users?ids={}&ids={}&ids={}", ren.id, stranger.id, mio.id);
    let page = mio.get(&path).await;
    assert_eq!(names(&page.ok()), ["mio", "ren"]);
    assert_eq!(page.statements(), 3);
    let again = mio.with("if-none-match", &page.etag()).get(&path).await;
    again.is(304);
}

#[tokio::test]
async fn another_tenants_users_do_not_exist() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    koyomi.stranger("other", "mio").await;
    assert_eq!(mio.get("/api/users?q=").await.ok()["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_wrong_with_a_query_is_named() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let id = mio.id;
    let many = vec![format!("ids={id}"); 501].join("&");
    for (query, pointer) in [
        ("", "?ids"),
        ("q=a&limit=0", "?limit"),
        ("q=a&limit=501", "?limit"),
        ("q=a&limit=x", "?limit"),
        ("q=a&q=b", "?q"),
        ("q=%00", "?q"),
        ("q=a&cursor=junk", "?cursor"),
        ("ids=junk", "?ids"),
        (&format!("ids={id}&q=a"), "?q"),
        (&format!("ids={id}&limit=5"), "?limit"),
        (&many, "?ids"),
        ("name=a", "?name"),
    ] {
        let answer = mio.get(&format!("/api/users?{query}")).await;
        answer.problem(400, "malformed_request");
        assert_eq!(answer.pointers(), [pointer], "{query}");
    }
}
