use crate::harness;

#[tokio::test]
async fn load_balancers_are_answered_without_a_token() {
    let koyomi = harness::start().await;
    let anyone = koyomi.anonymous();
    assert_eq!(anyone.get("/healthz").await.is(204).statements(), 0);
    assert_eq!(anyone.get("/readyz").await.is(204).statements(), 1);
}
