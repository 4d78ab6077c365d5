# shellcheck shell=bash
# ./dev bench rfc: the five routes of the RFC on one data set, four times: the way the RFC complains about (`naive`, a program
# of crates/bench), koyomi without a cache, with memory, with memory and Redis. The rounds are those of ./dev bench.

bench_rfc() {
  local usage="usage: ./dev bench rfc [--rounds N] [--seconds S] [--connections C] [--markdown] [--write]"
  local rounds=3 seconds=2 connections=32 format=text write=0 options=() option home
  for option; do
    if [[ $option == --write ]]; then write=1 format=markdown; else options+=("$option"); fi
  done
  bench_options "$usage" "${options[@]}"
  ((!write)) || bench_writable "bench rfc"
  ensure_rust
  ensure_packages postgresql redis wrk cc curl certificates node
  fresh_home bench
  home=$FRESH_HOME
  step "Building the naive server"
  in_group cargo build --release -p bench --bin naive || die "the build failed"
  build_koyomi
  cp "$KOYOMI" "${KOYOMI%/*}/naive" "$home/"
  KOYOMI=$home/koyomi
  bench_databases
  bench_rfc_routes "$home"
  bench_rfc_serve "$home"
  bench_rfc_check "$home"
  bench_rfc_variants
  step "Warming up: a second of each"
  bench_rounds "$home" 1 1 "$connections"
  cut -d' ' -f1-3 /proc/loadavg >"$home/load"
  step "$rounds rounds of $seconds s of each, wrk -t1 -c$connections"
  bench_rounds "$home" "$rounds" "$seconds" "$connections"
  if ((write)); then bench_rfc_report "$home" | bench_write "bench rfc"; else bench_rfc_report "$home"; fi
}

# Paths of the four reads, and what new events are made of: the calendars that the owner of the token may write to.
BENCH_RFC_EVENTS='' BENCH_RFC_CALENDAR='' BENCH_RFC_EVENT='' BENCH_RFC_ROOMS=''
bench_rfc_routes() {
  local home=$1 calendar window event sql
  calendar=${BENCH_LIST#/api/calendars/}
  calendar=${calendar%%/*}
  window='from=2026-11-01T00:00:00Z&to=2026-12-01T00:00:00Z&limit=50'
  event=$(bench_rfc_sql "select e.id from events e where e.calendar_id = '$calendar' and e.recurrence = '{}'
    and exists (select from reservations v where v.event_id = e.id)
    and (select count(*) from attendees a where a.event_id = e.id) = 5 order by e.id limit 1")
  [[ -n $event ]] || die "there is no event with five guests and a room"
  BENCH_RFC_EVENTS="/api/events?calendar_id=$calendar&$window&expand=attendees,resources,organizer"
  BENCH_RFC_CALENDAR="/api/calendars/$calendar/events?$window"
  BENCH_RFC_EVENT="/api/events/$event?expand=attendees,resources,organizer"
  BENCH_RFC_ROOMS="/api/resources/availability?from=2026-11-16T00:00:00Z&to=2026-11-23T00:00:00Z&limit=50"
  mkdir "$home/lists"
  sql="select m.calendar_id from calendar_members m join api_tokens t using (user_id)
    where t.name = 'dev bench' and m.role in ('owner', 'writer') order by 1"
  bench_rfc_sql "$sql" >"$home/lists/calendars"
  bench_rfc_sql "select id from resources order by name" >"$home/lists/rooms"
  bench_rfc_sql "select email from users order by email" >"$home/lists/guests"
  export BENCH_LISTS=$home/lists
}
bench_rfc_sql() { pg_psql "$PG_HOME" koyomi koyomi -At -c "$1"; }

bench_rfc_serve() {
  local home=$1 port
  step "Starting the servers"
  port=$(free_port)
  DATABASE_URL=$(pg_url "$PG_HOME" koyomi koyomi) start_group setpriv --pdeathsig TERM "$home/naive" --listen "127.0.0.1:$port"
  bench_watch naive "$GROUP" "$port"
  bench_await "the naive server" "$port"
  bench_koyomi off KOYOMI_CACHE=off KOYOMI_READS=strict
  bench_koyomi l1 KOYOMI_CACHE=l1 KOYOMI_READS=strict
  bench_koyomi l1+l2 KOYOMI_CACHE=l1+l2 KOYOMI_READS=strict "KOYOMI_REDIS=$REDIS_URL"
}

# All of them say the same, field by field; and all create the same event but for its ids and moments.
bench_rfc_check() {
  local home=$1 server BENCH_LIST path n=0
  step "Do they all say the same?"
  for path in "$BENCH_RFC_EVENTS" "$BENCH_RFC_CALENDAR" "$BENCH_RFC_EVENT" "$BENCH_RFC_ROOMS"; do
    BENCH_LIST=$path
    n=$((n + 1))
    for server in off naive l1 l1+l2; do bench_get "$server" 200 -o "$home/$n.$server"; done
    node "$BENCH_SCRIPTS/same.mjs" "$home/$n".{off,naive,l1,l1+l2} || die "they do not say the same: $path"
  done
  BENCH_LIST=/api/events
  n=0
  for server in off naive l1 l1+l2; do
    n=$((n + 1))
    bench_get "$server" 201 -o "$home/new.$server" -H 'Content-Type: application/json' -H "Idempotency-Key: check-$n" -d "{
      \"calendar_id\": \"$(head -n 1 "$home/lists/calendars")\", \"title\": \"Same\", \"resources\": [\"$(sed -n "${n}p" "$home/lists/rooms")\"],
      \"start\": {\"date_time\": \"2039-03-01T09:00:00\", \"time_zone\": \"UTC\"}, \"end\": {\"date_time\": \"2039-03-01T10:00:00\", \"time_zone\": \"UTC\"},
      \"attendees\": [{\"email\": \"user00001@example.com\"}, {\"email\": \"nobody@elsewhere.example\"}]}"
  done
  node "$BENCH_SCRIPTS/same.mjs" --new "$home/new".{off,naive,l1,l1+l2} || die "they do not create the same event"
}

bench_rfc_variants() {
  local route name path status script server label
  BENCH_VARIANTS=()
  while IFS='|' read -r route path status script; do
    for server in naive off l1 l1+l2; do
      case $server in
        naive) label=naive ;;
        off) label='koyomi, no cache' ;;
        l1) label='koyomi, L1' ;;
        *) label='koyomi, L1 + Redis' ;;
      esac
      BENCH_VARIANTS+=("$route: $label|$server|$status|Accept: */*|$path|$script")
    done
  done <<TXT
GET /api/events?calendar_id=|$BENCH_RFC_EVENTS|200|
GET /api/calendars/{id}/events|$BENCH_RFC_CALENDAR|200|
GET /api/events/{id}|$BENCH_RFC_EVENT|200|
GET /api/resources/availability|$BENCH_RFC_ROOMS|200|
POST /api/events|/api/events|201|create.lua
TXT
}

bench_rfc_report() {
  local home=$1
  bench_rfc_facts "$home" | bench_list "$format"
  printf '\n'
  awk -F '\t' -v format="$format" -f "$BENCH_SCRIPTS/table.awk" -f "$BENCH_SCRIPTS/rfc.awk" "$home/rounds"
  printf '\n'
  bench_list "$format" <<'TXT'
requests/s are medians over the rounds, with [min..max]; all others are medians. A higher "of naive" is better
SQL is statements per request, BEGIN and COMMIT included, from pg_stat_statements
CPU in microseconds per request, user and system: of the server, of all processes of PostgreSQL, of Redis, and of the three together in percent of what naive takes
TXT
}

bench_rfc_facts() {
  local home=$1 data
  data=$(bench_rfc_sql "select format('%s events, %s occurrences, %s invitations, %s reservations in %s calendars of %s people, %s rooms; %s',
    (select count(*) from events), (select count(*) from occurrences), (select count(*) from attendees),
    (select count(*) from reservations), (select count(*) from calendars), (select count(*) from users),
    (select count(*) from resources), pg_size_pretty(pg_database_size(current_database())))")
  cat <<TXT
$(bench_now)
./dev bench rfc --rounds $rounds --seconds $seconds --connections $connections (wrk -t1 -c$connections, each variant in turn, all reads strict)
data, after the run: $data
a page is 50 occurrences: $(stat -c %s "$home/1.off") bytes with guests, rooms and organizers, $(stat -c %s "$home/2.off") without; one event $(stat -c %s "$home/3.off"); a week of $(wc -l <"$home/lists/rooms") rooms $(stat -c %s "$home/4.off"); a new event has three guests and a room
$(bench_machine "$home")
TXT
}
