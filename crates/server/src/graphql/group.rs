//! Calendars that are asked for side by side, as aliases or as items of a list: what is asked of each of them is read for
//! all of them at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_graphql::parser::types::{ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet};
use async_graphql::{Name, Value, Variables};
use cache::Answer;
use events::{Calendar, Member};
use kernel::{CalendarId, Limit, Page, Result};
use koyomi::{Listed, Listing, Opened};
use tokio::sync::OnceCell;

use super::asked::Asked;

/// What was read for a group, until something is changed.
/// A failure is kept, too: those who wait for it must not try one after the other.
type Each<T> = Arc<OnceCell<Result<HashMap<CalendarId, T>>>>;

pub(super) struct Group {
    ids: Vec<CalendarId>,
    read: Mutex<Read>,
}

#[derive(Default)]
struct Read {
    opened: Each<Opened>,
    calendars: Each<Answer<Calendar>>,
    lists: HashMap<String, Each<Result<Answer<Listed>>>>,
    members: HashMap<usize, Each<Page<Member>>>,
}

impl Group {
    pub(super) fn new(mut ids: Vec<CalendarId>) -> Self {
        ids.sort_unstable();
        ids.dedup();
        Self { ids, read: Mutex::default() }
    }

    pub(super) fn ids(&self) -> &[CalendarId] {
        &self.ids
    }

    /// Something was changed: what was read says nothing of what stands below it.
    pub(super) fn forget(&self) {
        *self.read() = Read::default();
    }

    fn read(&self) -> MutexGuard<'_, Read> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One head check for all of them. Those that are not shared with the caller are absent.
    pub(super) async fn enter(&self, asked: &Asked) -> Result<HashMap<CalendarId, Opened>> {
        let cell = Arc::clone(&self.read().opened);
        let load = async || asked.enter_each(&self.ids).await;
        cell.get_or_init(load).await.clone()
    }

    pub(super) async fn calendar(&self, asked: &Asked, id: CalendarId) -> Result<Option<Answer<Calendar>>> {
        let cell = Arc::clone(&self.read().calendars);
        let load =
            async || {
                let first = self.enter(asked).await?;
                asked
                    .read_each(&self.ids, Some(first), |koyomi, opened| async move {
                        koyomi.find_calendars_each(&opened).await
                    })
                    .await
            };
        let all = cell.get_or_init(load).await.as_ref().map_err(Clone::clone)?;
        Ok(all.get(&id).cloned())
    }

    pub(super) async fn events(
        &self,
        asked: &Asked,
        id: CalendarId,
        listing: &Listing,
    ) -> Result<Option<Answer<Listed>>> {
        let cell = Arc::clone(self.read().lists.entry(format!("{listing:?}")).or_default());
        let load = async || {
            let first = self.enter(asked).await?;
            asked
                .read_each(&self.ids, Some(first), |koyomi, opened| async move {
                    koyomi.list_events_each(&opened, listing).await
                })
                .await
        };
        let all = cell.get_or_init(load).await.as_ref().map_err(Clone::clone)?;
        all.get(&id).cloned().transpose()
    }

    pub(super) async fn members(&self, asked: &Asked, id: CalendarId, limit: Limit) -> Result<Option<Page<Member>>> {
        let cell = Arc::clone(self.read().members.entry(limit.rows()).or_default());
        let load = async || {
            let opened: Vec<Opened> = self.enter(asked).await?.into_values().collect();
            asked.app().koyomi.list_members_each(&opened, limit).await
        };
        let all = cell.get_or_init(load).await.as_ref().map_err(Clone::clone)?;
        Ok(all.get(&id).cloned())
    }
}

/// The calendars that this operation asks the same list of, under different aliases.
pub(super) fn side_by_side(document: &ExecutableDocument, name: Option<&str>, variables: &Variables) -> Vec<Group> {
    let mut operations = document.operations.iter().filter(|(of, _)| name.is_none_or(|n| of.is_some_and(|of| of == n)));
    let Some((_, operation)) = operations.next() else { return Vec::new() };
    let operation = &operation.node;
    let mut by_shape: HashMap<String, Vec<CalendarId>> = HashMap::new();
    for field in fields(&operation.selection_set.node) {
        let value = |name: Name| variable(&name, operation, variables).ok_or(());
        let id = field.get_argument("id").and_then(|id| id.node.clone().into_const_with(value).ok());
        if let (true, Some(Value::String(text))) = (field.name.node == "calendar", id)
            && let Ok(id) = text.parse::<uuid::Uuid>()
        {
            by_shape.entry(lists_below(&field.selection_set.node)).or_default().push(id.into());
        }
    }
    by_shape.into_values().filter(|ids| ids.len() > 1).map(Group::new).collect()
}

/// The fields at the top, without those of named fragments: they are found one by one.
fn fields(set: &SelectionSet) -> Vec<&Field> {
    let mut found = Vec::new();
    for item in &set.items {
        match &item.node {
            Selection::Field(field) => found.push(&field.node),
            Selection::InlineFragment(fragment) => found.extend(fields(&fragment.node.selection_set.node)),
            Selection::FragmentSpread(_) => {}
        }
    }
    found
}

/// What tells two lists apart: their arguments, as they are written.
fn lists_below(set: &SelectionSet) -> String {
    let mut text = String::new();
    for field in fields(set).into_iter().filter(|field| field.name.node == "events") {
        let mut arguments: Vec<String> =
            field.arguments.iter().map(|(name, value)| format!("{}:{}", name.node, value.node)).collect();
        arguments.sort_unstable();
        text.push_str(&format!("({})", arguments.join(",")));
    }
    text
}

fn variable(name: &Name, operation: &OperationDefinition, variables: &Variables) -> Option<Value> {
    let mut defined = operation.variable_definitions.iter();
    let default = || defined.find(|d| d.node.name.node == *name)?.node.default_value().cloned();
    variables.get(name).cloned().or_else(default)
}
