//! What is described is answered. That nothing else is, is true by construction: routes are made from their descriptions
//! (`utoipa_axum::routes!`).

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};
use slipway_testkit::database::engines;

use crate::fixture::Fixture;

/// The methods of each address that this service answers. The gateway sends what is below `packages` and `uploads` to
/// the upload service, what is below `config` to the registry, and what is not below `/api/` to the download service.
fn described(document: &Value) -> BTreeMap<String, Vec<String>> {
    let paths = document["paths"].as_object().expect("paths");
    let ours = paths.iter().filter(|(path, _)| {
        path.starts_with("/api/")
            && !path.starts_with("/api/v1/config")
            && !path.starts_with("/api/v1/fleet")
            && !path.contains("/packages")
            && !path.contains("/uploads")
    });
    ours.map(|(path, operations)| {
        let known = ["get", "put", "post", "patch", "delete", "head", "options"];
        let operations = operations.as_object().expect("operations").keys();
        let methods = operations.filter(|name| known.contains(&name.as_str()));
        let mut methods: Vec<_> = methods.map(|name| name.to_uppercase()).collect();
        methods.sort_unstable();
        (path.clone(), methods)
    })
    .collect()
}

#[tokio::test]
async fn every_described_address_answers_exactly_the_described_methods() {
    for engine in engines() {
        let fixture = Fixture::new(engine).await;
        fixture.app("notes").await;
        fixture.published("notes", "1.0").await;
        let document = fixture.nobody().get("/api/v1/openapi.json").await.ok(200);
        assert!(
            document["openapi"]
                .as_str()
                .expect("a version")
                .starts_with("3.1")
        );
        for (path, methods) in described(&document) {
            let address = path
                .replace("{app}", "notes")
                .replace("{version}", "1.0")
                .replace("{channel}", "stable")
                .replace("{id}", "none");
            for method in &methods {
                let method: Method = method.parse().expect("a method");
                let answer = fixture
                    .admin()
                    .send(method.clone(), &address, Some(json!({})))
                    .await;
                let code = answer.body["code"].as_str().unwrap_or_default();
                assert!(
                    code != "not_found" && answer.status != 405,
                    "{method} {path}"
                );
            }
            let answer = fixture.admin().send(Method::TRACE, &address, None).await;
            let allowed = answer
                .header("allow")
                .expect("the methods that it knows")
                .split(',');
            let mut allowed: Vec<_> = allowed.filter(|method| *method != "HEAD").collect();
            allowed.sort_unstable();
            assert_eq!(allowed, methods, "{path}");
        }
    }
}
