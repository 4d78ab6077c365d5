-- What somebody called: read with what he is invited to (attendees_user) as one list. Without it that list reads every event
-- of the calendars asked for. Events that nobody of the organisation called (imported ones) are not in it.
create index events_organizer on events (organizer_id, calendar_id)
    where organizer_id is not null and deleted_at is null;
