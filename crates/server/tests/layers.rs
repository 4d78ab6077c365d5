//! Imports go down only. The table is the order of the house; a crate that is not in it fails here until somebody decides
//! where it belongs.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

const TIERS: [(&str, u8); 14] = [
    ("kernel", 0),
    ("link", 0),
    ("recurrence", 1),
    ("ical", 2),
    ("store", 2),
    ("cache", 3),
    ("bus", 3),
    ("users", 4),
    ("events", 4),
    ("attendees", 4),
    ("resources", 4),
    ("koyomi", 5),
    ("server", 6),
    ("bench", 7),
];

/// What only a dialect may know: below the server nobody speaks HTTP or GraphQL.
const DIALECTS: [&str; 7] = ["axum", "axum-extra", "async-graphql", "http", "tower-http", "utoipa", "utoipa-axum"];

fn metadata() -> Metadata {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    MetadataCommand::new().manifest_path(manifest).no_deps().other_options(vec!["--offline".to_owned()]).exec().unwrap()
}

/// Dependencies of the product; tests may reach further.
fn needs(package: &Package) -> impl Iterator<Item = &str> {
    package.dependencies.iter().filter(|d| d.kind != DependencyKind::Development).map(|d| d.name.as_str())
}

#[test]
fn every_crate_has_its_tier() {
    let tiers = BTreeMap::from(TIERS);
    let metadata = metadata();
    let unknown: Vec<_> = metadata.packages.iter().filter(|p| !tiers.contains_key(p.name.as_str())).collect();
    assert!(unknown.is_empty(), "not in the table: {:?}", unknown.iter().map(|p| &p.name).collect::<Vec<_>>());
}

#[test]
fn imports_go_down() {
    let tiers = BTreeMap::from(TIERS);
    let metadata = metadata();
    for package in &metadata.packages {
        let own = tiers.get(package.name.as_str()).copied().unwrap_or_default();
        for needed in needs(package) {
            if let Some(tier) = tiers.get(needed) {
                assert!(*tier < own, "{} (tier {own}) must not depend on {needed} (tier {tier})", package.name);
            }
        }
    }
}

#[test]
fn only_the_server_speaks_a_dialect() {
    let metadata = metadata();
    // Benches stand above the server, and measure with a handler of their own.
    for package in metadata.packages.iter().filter(|p| !["server", "bench"].contains(&p.name.as_str())) {
        for needed in needs(package) {
            assert!(!DIALECTS.contains(&needed), "{} must not depend on {needed}", package.name);
        }
    }
}
