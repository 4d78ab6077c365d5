use chrono::{DateTime, Utc};
use kernel::{Checks, ResourceId, Result};
use resources::{NewResource, ResourceChange, ResourceKind};
use serde::{Deserialize, Serialize};
use store::Epoch;
use utoipa::ToSchema;

use crate::extract::Patch;

/// Something that can be booked.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Resource {
    #[schema(value_type = Uuid)]
    id: ResourceId,
    #[schema(example = "Kaede")]
    name: String,
    #[schema(value_type = KindOfResource)]
    kind: ResourceKind,
    /// How many people it takes; for choosing only, guests are not counted against it.
    capacity: Option<i32>,
    location: Option<String>,
    description: Option<String>,
    /// One booking at a time; otherwise any number at once.
    exclusive: bool,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    /// For `If-Match`.
    #[schema(example = "\"1.3\"")]
    etag: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(dead_code, reason = "documents resources::ResourceKind")]
pub(crate) enum KindOfResource {
    Room,
    Vehicle,
    Equipment,
    Other,
}

impl Resource {
    pub(crate) fn of(resource: resources::Resource, epoch: Epoch) -> Self {
        Self {
            etag: epoch.tag(resource.version),
            id: resource.id,
            name: resource.name,
            kind: resource.kind,
            capacity: resource.capacity,
            location: resource.location,
            description: resource.description,
            exclusive: resource.exclusive,
            created_at: resource.created_at,
            updated_at: resource.updated_at,
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateResource {
    #[schema(min_length = 1, max_length = 200, example = "Kaede")]
    name: String,
    #[schema(value_type = KindOfResource)]
    kind: ResourceKind,
    #[schema(minimum = 1, maximum = 2_147_483_647)]
    capacity: Option<i32>,
    #[schema(max_length = 200)]
    location: Option<String>,
    #[schema(max_length = 8000)]
    description: Option<String>,
    #[serde(default = "exclusive")]
    #[schema(default = true)]
    exclusive: bool,
}

fn exclusive() -> bool {
    true
}

impl CreateResource {
    pub(crate) fn with_id(self, id: ResourceId) -> NewResource {
        NewResource {
            id,
            name: self.name,
            kind: self.kind,
            capacity: self.capacity,
            location: self.location,
            description: self.description,
            exclusive: self.exclusive,
        }
    }
}

/// What to change; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateResource {
    #[serde(default)]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 200)]
    name: Patch<String>,
    #[serde(default)]
    #[schema(value_type = KindOfResource, required = false)]
    kind: Patch<ResourceKind>,
    #[serde(default)]
    #[schema(value_type = Option<i32>, required = false, minimum = 1, maximum = 2_147_483_647)]
    capacity: Patch<i32>,
    #[serde(default)]
    #[schema(value_type = Option<String>, required = false, max_length = 200)]
    location: Patch<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>, required = false, max_length = 8000)]
    description: Patch<String>,
    #[serde(default)]
    #[schema(value_type = bool, required = false)]
    exclusive: Patch<bool>,
}

impl UpdateResource {
    pub(crate) fn change(self) -> Result<ResourceChange> {
        let mut checks = Checks::new();
        let change = ResourceChange {
            name: self.name.not_null("/name", &mut checks),
            kind: self.kind.not_null("/kind", &mut checks),
            capacity: self.capacity.nullable(),
            location: self.location.nullable(),
            description: self.description.nullable(),
            exclusive: self.exclusive.not_null("/exclusive", &mut checks),
        };
        checks.done()?;
        Ok(change)
    }
}

/// A resource, and when it is taken within the span that was asked for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Availability {
    resource: Resource,
    /// Nothing is booked within the span. Always true when the resource is not exclusive.
    free: bool,
    /// Cut to the span, in order, neighbours merged.
    busy: Vec<Busy>,
}

/// A stretch of time that is taken.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Busy {
    start_time: DateTime<Utc>,
    /// Exclusive.
    end_time: DateTime<Utc>,
}

impl Availability {
    pub(crate) fn of(availability: resources::Availability, epoch: Epoch) -> Self {
        Self {
            resource: Resource::of(availability.resource, epoch),
            free: availability.free,
            busy: availability.busy.into_iter().map(|s| Busy { start_time: s.from, end_time: s.to }).collect(),
        }
    }
}
