//! What ties operations together: where the id in an answer can be used, and how `fields` thins answers out.

use serde_json::json;
use utoipa::openapi::link::Link;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::schema::ArrayItems;
use utoipa::openapi::{OpenApi, PathItem, Ref, RefOr, Schema};

use super::rules::parameters;

/// The shape that `fields` thins out.
const TRIMMED: &str = "Event";

pub(super) fn complete(document: &mut OpenApi) {
    link_created(document);
    let_fields_trim(document);
}

/// The answer to `POST /things` links to every operation below `/things/{thing_id}`.
fn link_created(document: &mut OpenApi) {
    let below: Vec<(String, String)> = document
        .paths
        .paths
        .iter()
        .flat_map(|(path, item)| all(item).filter_map(|o| Some((path.clone(), o.operation_id.clone()?))))
        .collect();
    for (path, item) in &mut document.paths.paths {
        let Some(RefOr::T(created)) = item.post.as_mut().and_then(|post| post.responses.responses.get_mut("201"))
        else {
            continue;
        };
        for (target, operation_id) in &below {
            let Some(rest) = target.strip_prefix(&format!("{path}/{{")) else { continue };
            let Some((parameter, _)) = rest.split_once('}') else { continue };
            let link =
                Link::builder().operation_id(operation_id).parameter(parameter, json!("$response.body#/id")).build();
            created.links.insert(operation_id.clone(), link.into());
        }
    }
}

fn all(item: &PathItem) -> impl Iterator<Item = &Operation> {
    [&item.get, &item.post, &item.put, &item.patch, &item.delete].into_iter().flatten()
}

/// Every field is there unless `fields` asks for less: where it can, none is required.
fn let_fields_trim(document: &mut OpenApi) {
    let components = document.components.get_or_insert_default();
    if let Some(RefOr::T(Schema::Object(page))) = components.schemas.get_mut(&format!("Page_{TRIMMED}"))
        && let Some(RefOr::T(Schema::Array(items))) = page.properties.get_mut("items")
        && let ArrayItems::RefOrSchema(item) = &mut items.items
        && let RefOr::T(Schema::Object(event)) = item.as_mut()
    {
        event.required.clear();
    }
    let Some(RefOr::T(Schema::Object(event))) = components.schemas.get(TRIMMED) else { return };
    let mut trimmed = event.clone();
    trimmed.required.clear();
    let name = format!("Trimmed{TRIMMED}");
    components.schemas.insert(name.clone(), Schema::Object(trimmed).into());
    let whole = Ref::from_schema_name(TRIMMED).ref_location;
    for item in document.paths.paths.values_mut() {
        let Some(get) = item.get.as_mut().filter(|get| takes_fields(get)) else { continue };
        let Some(RefOr::T(found)) = get.responses.responses.get_mut("200") else { continue };
        for content in found.content.values_mut() {
            if let RefOr::T(content) = content
                && let Some(RefOr::Ref(shape)) = &mut content.schema
                && shape.ref_location == whole
            {
                *shape = Ref::from_schema_name(&name);
            }
        }
    }
}

fn takes_fields(operation: &Operation) -> bool {
    parameters(operation).any(|p| p.name == "fields" && p.parameter_in == ParameterIn::Query)
}
