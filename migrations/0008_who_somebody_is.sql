-- Who somebody is, and what his credentials open, is kept by every instance under `users.seq`. So the number has to grow
-- whoever changes the rows, a person at a psql prompt included: triggers, instead of statements that remember to.

create function users_changed() returns trigger language plpgsql as $$
begin
    new.seq := old.seq + 1;
    return new;
end $$;
create trigger users_changed before update on users
    for each row when (old.* is distinct from new.* and new.seq = old.seq) execute function users_changed();

-- "after update of seq" would not see what the trigger above has changed.
drop trigger users_announced on users;
create trigger users_announced after update on users
    for each row when (old.seq is distinct from new.seq) execute function announce_user();

create function credential_changed() returns trigger language plpgsql as $$
begin
    update users set seq = seq + 1 where id = old.user_id;
    return null;
end $$;
create trigger session_deleted after delete on sessions
    for each row execute function credential_changed();
create trigger session_changed after update on sessions
    for each row when (old.* is distinct from new.*) execute function credential_changed();
create trigger token_deleted after delete on api_tokens
    for each row execute function credential_changed();
create trigger token_changed after update on api_tokens
    for each row when (old.* is distinct from new.*) execute function credential_changed();
