use serde_json::json;

use crate::harness;

#[tokio::test]
async fn load_balancers_are_answered_without_a_token() {
    let koyomi = harness::start().await;
    let anyone = koyomi.anonymous();
    assert_eq!(anyone.get("/healthz").await.is(204).statements(), 0);
    let ready = anyone.get("/readyz").await;
    assert_eq!(ready.ok(), json!({ "ready": true, "epoch": 1 }));
    assert_eq!(ready.statements(), 1);
}
