//! Who may do what. Every rule of access stands here, once; queries only bring the facts (role, invitation).
//!
//! | role      | sees                                   | changes events | shares, renames, deletes the calendar |
//! |-----------|----------------------------------------|----------------|----------------------------------------|
//! | owner     | everything                             | yes            | yes                                    |
//! | writer    | everything                             | yes            | no                                     |
//! | reader    | everything; private/confidential busy  | no             | no                                     |
//! | free_busy | busy                                   | no             | no                                     |
//! | guest     | the event he is invited to             | his own reply  | no                                     |
//! | others    | nothing: 404                           | no             | no                                     |

use events::{Found, Grant, Happening, Role, View, Visibility};
use kernel::{CalendarId, Caller, Failure, Result, TenantId};

/// What somebody sees of one event; `None`: it does not exist for him.
pub fn view(role: Option<Role>, invited: bool, visibility: Visibility) -> Option<View> {
    if invited {
        return Some(View::Full);
    }
    match role? {
        Role::Owner | Role::Writer => Some(View::Full),
        Role::Reader => match visibility {
            Visibility::Default | Visibility::Public => Some(View::Full),
            Visibility::Private | Visibility::Confidential => Some(View::Busy),
        },
        Role::FreeBusy => Some(View::Busy),
    }
}

/// The event as the caller may see it.
pub(crate) fn seen(found: Found) -> Option<Happening> {
    let Found { happening, role, .. } = found;
    seen_by(role, happening)
}

pub(crate) fn seen_by(role: Option<Role>, happening: Happening) -> Option<Happening> {
    let view = view(role, happening.invited, happening.event.visibility)?;
    Some(happening.seen_as(view))
}

/// An event whose details (guests, rooms) the caller may see.
///
/// # Errors
/// `not_found` where it does not exist for the caller, `forbidden` where it is only a busy block.
pub(crate) fn see_details(found: Option<Found>) -> Result<Found> {
    let found = found.ok_or_else(|| Failure::not_found("event"))?;
    match view(found.role, found.happening.invited, found.happening.event.visibility) {
        Some(View::Full) => Ok(found),
        Some(View::Busy) => Err(Failure::forbidden(
            "you see only that this time is taken, not the details; ask the owner of the calendar for the role reader",
        )),
        None => Err(Failure::not_found("event")),
    }
}

/// An event that the caller may change.
pub(crate) fn change_event(found: Option<Found>) -> Result<Found> {
    let found = found.ok_or_else(|| Failure::not_found("event"))?;
    may_write(found.role)?;
    Ok(found)
}

/// Writers and owners change events.
pub(crate) fn may_write(role: Option<Role>) -> Result<()> {
    match role {
        Some(Role::Owner | Role::Writer) => Ok(()),
        _ => Err(Failure::forbidden("changing events needs the role writer or owner in this calendar")),
    }
}

/// Owners share, rename and delete calendars.
pub(crate) fn may_own(role: Role) -> Result<()> {
    match role {
        Role::Owner => Ok(()),
        _ => Err(Failure::forbidden("this needs the role owner in this calendar")),
    }
}

/// Members see each other; whoever sees only free/busy sees no people.
pub(crate) fn may_see_members(role: Role) -> Result<()> {
    if role >= Role::Reader {
        return Ok(());
    }
    Err(Failure::forbidden("seeing who a calendar is shared with needs the role reader"))
}

/// Tenant administrators keep the list of resources.
pub(crate) fn may_administer(caller: &Caller) -> Result<()> {
    if caller.is_admin {
        return Ok(());
    }
    Err(Failure::forbidden("changing resources needs an administrator of your organisation"))
}

/// Administrators of the tenant that runs the deployment, where there is one, see what all tenants share.
pub(crate) fn may_operate(caller: &Caller, operators: Option<TenantId>) -> Result<()> {
    if caller.is_admin && operators == Some(caller.tenant_id) {
        return Ok(());
    }
    Err(Failure::forbidden(
        "this is about all organisations of the deployment, and for administrators of the one that runs it",
    ))
}

/// The one calendar of a write that the caller may write to.
pub(crate) fn writable(grants: Vec<Grant>, id: CalendarId) -> Result<Grant> {
    let grant = grants.into_iter().find(|g| g.calendar_id == id).ok_or_else(|| Failure::not_found("calendar"))?;
    may_write(Some(grant.role))?;
    Ok(grant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_event_is_busy_for_readers_and_whole_for_guests() {
        assert_eq!(view(Some(Role::Reader), false, Visibility::Private), Some(View::Busy));
        assert_eq!(view(Some(Role::FreeBusy), true, Visibility::Private), Some(View::Full));
        assert_eq!(view(Some(Role::FreeBusy), false, Visibility::Public), Some(View::Busy));
        assert_eq!(view(None, false, Visibility::Public), None);
    }
}
