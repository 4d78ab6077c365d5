use serde_json::Value;

use crate::harness;

#[tokio::test]
async fn the_page_and_its_assets_come_from_here() {
    let koyomi = harness::start().await;
    let anyone = koyomi.anonymous();
    assert_eq!(anyone.get("/docs").await.is(303).header("location"), "/docs/");
    let page = anyone.get("/docs/").await;
    let html = page.is(200).text();
    assert!(page.header("content-security-policy").starts_with("default-src 'self'"));
    let assets: Vec<&str> = html
        .split('"')
        .filter(|part| part.ends_with(".js") || part.ends_with(".css") || part.ends_with(".png"))
        .collect();
    assert!(assets.len() >= 4, "{assets:?}");
    for asset in assets {
        let name = asset.strip_prefix("./").unwrap_or(asset);
        assert!(!name.contains("//"), "{asset} is somebody else's");
        let answer = anyone.get(&format!("/docs/{name}")).await;
        assert!(answer.is(200).body.len() > 100, "{asset}");
    }
    assert!(anyone.get("/docs/swagger-initializer.js").await.text().contains("/api/openapi.json"));
}

#[tokio::test]
async fn the_description_is_served_with_a_tag() {
    let koyomi = harness::start().await;
    let first = koyomi.anonymous().get("/api/openapi.json").await;
    assert_eq!(first.ok()["openapi"], "3.1.0");
    koyomi.anonymous().with("if-none-match", &first.etag()).get("/api/openapi.json").await.is(304);
}

#[tokio::test]
async fn every_operation_is_described_in_full() {
    let document: Value = serde_json::to_value(server::document()).unwrap();
    let tags: Vec<_> = document["tags"].as_array().unwrap().iter().map(|t| &t["name"]).collect();
    let mut ids = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            let told = format!("{method} {path}");
            ids.push(id);
            assert!(operation["summary"].is_string(), "{told} has no summary");
            assert!(tags.contains(&&operation["tags"][0]), "{told} has a tag that is not described");
            for (status, response) in operation["responses"].as_object().unwrap() {
                let response = resolved(&document, response);
                assert!(response["description"].is_string(), "{told} {status}");
                assert!(response["headers"]["X-Request-Id"].is_object(), "{told} {status}");
                if status.starts_with(['4', '5']) {
                    let schema = &response["content"]["application/problem+json"]["schema"]["$ref"];
                    assert_eq!(schema, "#/components/schemas/Problem", "{told} {status}");
                }
            }
            if method != "get" && path.starts_with("/api/") {
                assert!(operation["responses"]["403"].is_object() || operation["security"].is_array(), "{told}");
            }
        }
    }
    let unique: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!(unique.len(), ids.len(), "{ids:?}");
}

fn resolved<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    match value["$ref"].as_str() {
        Some(reference) => document.pointer(&reference[1..]).unwrap_or_else(|| panic!("{reference} leads nowhere")),
        None => value,
    }
}
