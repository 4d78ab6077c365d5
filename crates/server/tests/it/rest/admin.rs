use sqlx::AssertSqlSafe;

use crate::harness;
use crate::make::items;

#[tokio::test]
async fn who_runs_the_deployment_sees_how_indexes_are_used() {
    let koyomi = harness::start_on_fresh_database().await;
    let admin = koyomi.admin("admin").await;
    let mut sql = koyomi.sql().await;
    let make = "create index planted on events (title, created_at)";
    sqlx::raw_sql(AssertSqlSafe(make)).execute(&mut sql).await.unwrap();
    let told = admin.get("/api/admin/indexes").await.ok();
    let find = |name: &str| items(&told).iter().find(|index| index["name"] == name).unwrap().clone();
    let planted = find("planted");
    assert_eq!((planted["table"].as_str(), planted["scans"].as_i64()), (Some("events"), Some(0)));
    assert_eq!(planted["unused"], true);
    assert!(planted["definition"].as_str().unwrap().starts_with("CREATE INDEX planted ON public.events"));
    assert_eq!(find("reservations_no_overlap")["unused"], false, "it keeps a promise");
    assert!(told["counted_since"].is_string());
}
