# shellcheck shell=bash
# ./dev bench growth: what a request costs without a cache while the database grows, as it asks for more calendars, and as it
# goes deeper into a list. One koyomi, one PostgreSQL, a database of each size after the other; only reads.

# What an event takes on disk with all that belongs to it, indexes included, rounded up; and what is needed beside it.
BENCH_EVENT_BYTES=7000
BENCH_SPARE_BYTES=3000000000

bench_growth() {
  local usage="usage: ./dev bench growth [--up-to EVENTS] [--rounds N] [--seconds S] [--connections C] [--markdown] [--write]"
  local rounds=1 seconds=2 connections=4 format=text write=0 up_to=1000000 options=() home events
  while (($#)); do
    case $1 in
      --write) write=1 format=markdown ;;
      --up-to)
        [[ ${2:-} =~ ^10{4,8}$ ]] || die "--up-to takes 10000, 100000, 1000000 or 10000000"
        up_to=$2
        shift
        ;;
      *) options+=("$1") ;;
    esac
    shift
  done
  bench_options "$usage" "${options[@]}"
  ((!write)) || bench_writable "bench growth"
  ensure_rust
  ensure_packages postgresql redis wrk cc curl certificates node
  fresh_home bench
  home=$FRESH_HOME
  build_koyomi
  cp "$KOYOMI" "$home/"
  KOYOMI=$home/koyomi
  step "Starting a private PostgreSQL and a private Redis"
  bench_growth_postgres
  redis_fresh # nobody asks it anything: the rounds look at its time
  bench_watch redis "$GROUP"
  cut -d' ' -f1-3 /proc/loadavg >"$home/load"
  : >"$home/all"
  : >"$home/sizes"
  for ((events = 10000; events <= up_to; events *= 10)); do bench_growth_size "$home" "$events"; done
  bench_growth_end "$home"
}

# A PostgreSQL that is loaded fast (an index that is built with its table needs no log) and left alone while it is measured.
bench_growth_postgres() {
  pg_fresh
  pg_psql "$PG_HOME" postgres postgres -q -c "alter system set wal_level = minimal" -c "alter system set max_wal_senders = 0" \
    -c "alter system set max_wal_size = '512MB'" -c "alter system set checkpoint_timeout = '30min'" -c "alter system set autovacuum = off"
  pg_ctl "$PG_HOME" restart -t 120 -l data/server.log || die "PostgreSQL did not start again; its log: $PG_HOME/data/server.log"
  bench_watch postgres "$(head -n 1 "$PG_HOME/data/postmaster.pid")"
}

bench_growth_size() {
  local home=$1 events=$2 question
  step "$events events"
  bench_growth_load "$home" "$events"
  step "Starting koyomi"
  bench_koyomi off KOYOMI_CACHE=off KOYOMI_READS=strict
  bench_growth_questions "$home" "$events"
  bench_growth_settle
  BENCH_VARIANTS=()
  for question in "${BENCH_QUESTIONS[@]}"; do BENCH_VARIANTS+=("$question: $events|off|200|Accept: */*|/|paths.lua"); done
  step "Warming up: a second of each"
  bench_growth_rounds "$home" 1 1
  step "$rounds rounds of $seconds s of each, wrk -t1 -c$connections"
  bench_growth_rounds "$home" "$rounds" "$seconds"
  cat "$home/rounds" >>"$home/all"
  kill -TERM -- "-${BENCH_PID[off]}"
  wait_group "${BENCH_PID[off]}" || true
}

# Waits until what koyomi does once it has started (it looks for series to write on) is done, or it would be counted with
# the first question.
bench_growth_settle() {
  local blocks='' before busy
  for _ in {1..120}; do
    before=$blocks
    blocks=$(bench_counts)
    blocks=${blocks#* }
    busy=$(bench_growth_sql "select count(*) from pg_stat_activity where usename = 'koyomi' and state = 'active' and pid <> pg_backend_pid()")
    if [[ -n $before ]] && ((busy == 0 && blocks - before < 500)); then return; fi
    in_group sleep 0.5
  done
  say "koyomi is still at work by itself: its blocks are counted, too"
}

# Each question has its own paths, and its own token.
bench_growth_rounds() {
  local home=$1 rounds=$2 seconds=$3 round n
  : >"$home/rounds"
  for ((round = 1; round <= rounds; round++)); do
    for n in "${!BENCH_VARIANTS[@]}"; do
      TOKEN=$(<"$home/questions/$n.token") BENCH_PATHS=$home/questions/$n bench_round "${BENCH_VARIANTS[n]}" || die "${BENCH_VARIANTS[n]}, round $round:
$(<"$home/wrk")"
      tail -n 1 "$home/rounds" | awk -F '\t' '{ printf "%-44s%8.0f us of PostgreSQL, %.0f of koyomi, %.0f blocks\n", $1, $6, $5, $11 }' >&2
    done
  done
}

# A database of that size in the place of the one before. As many calendars and people for each event, whatever the size:
# what grows is the database, and the largest calendar with it.
bench_growth_load() {
  local home=$1 events=$2 url free needed
  free=$(df --output=avail -B1 "$PG_HOME" | tail -n 1)
  needed=$((events * BENCH_EVENT_BYTES + BENCH_SPARE_BYTES))
  ((free > needed)) || die "$events events need about $((needed / 1000000000)) GB of disk in $PG_HOME, and $((free / 1000000000)) GB are free"
  pg_psql "$PG_HOME" postgres postgres -q -c "drop database koyomi with (force)" -c "create database koyomi owner koyomi"
  pg_psql "$PG_HOME" postgres koyomi -q -c "create extension pg_stat_statements"
  url=$(pg_url "$PG_HOME" koyomi koyomi)
  DATABASE_URL=$url in_group "$KOYOMI" migrate >&2 || die "koyomi migrate failed"
  DATABASE_URL="$url?options=-c%20maintenance_work_mem%3D512MB" in_group "$KOYOMI" seed --profile load --date 2026-11-15 \
    --users $((events / 100)) --calendars $((events / 100)) --events-per-calendar 100 --rooms $((events / 500)) >&2 2>"$home/seed" ||
    die "koyomi seed failed: $(<"$home/seed")"
  tail -n 2 "$home/seed" >&2
  pg_psql "$PG_HOME" postgres koyomi -q -c checkpoint
}

# What is asked: BENCH_QUESTIONS names it, questions/N has the paths of the Nth, and N.token whose they are. The one who asks
# is a member of the largest calendars, and the one who is invited most: of all users the worst case. Of an agenda there is
# also that of somebody in the middle.
BENCH_QUESTIONS=()
bench_growth_questions() {
  local home=$1 events=$2 list middle cursor
  rm -rf "$home/questions"
  mkdir "$home/questions"
  # where most has happened
  bench_growth_sql "select h.calendar_id from calendar_members m join users u on u.id = m.user_id join heads h on h.calendar_id = m.calendar_id
    where u.email = 'user00000@example.com' order by h.seq desc, h.calendar_id limit 100" >"$home/calendars"
  middle=$(bench_growth_sql "select u.email from users u join attendees a on a.user_id = u.id group by u.id
    order by count(*), u.id offset (select count(*) / 2 from users) limit 1")
  bench_growth_token user00000@example.com >"$home/widest.token"
  bench_growth_token "$middle" >"$home/middle.token"
  bench_growth_facts "$home" "$events" "$middle" >>"$home/sizes"

  BENCH_QUESTIONS=()
  bench_growth_question widest 1 "one event" < <(bench_growth_events "$home")
  bench_growth_question widest 50 "a month of the largest calendar" < <(bench_growth_months "$(bench_growth_list 1)")
  bench_growth_question widest 50 "a month of 10 calendars" < <(bench_growth_months "$(bench_growth_list 10)")
  bench_growth_question widest 50 "a month of 100 calendars" < <(bench_growth_months "$(bench_growth_list 100)")
  # What was seeded is written down until November 2028; behind that series are expanded as they are asked for.
  list="$(bench_growth_list 100)to=2028-11-01T00:00:00Z&limit=50"
  bench_growth_question widest 50 "100 calendars, page 1" <<<"$list"
  cursor=$(bench_growth_deep "$list")
  bench_growth_question widest 50 "100 calendars, page 1,000" <<<"$list&cursor=$cursor"
  bench_growth_question middle 50 "agenda, few invitations" < <(bench_growth_months '/api/me/events?')
  bench_growth_question widest 50 "agenda, most invitations" < <(bench_growth_months '/api/me/events?')
}
bench_growth_sql() { pg_psql "$PG_HOME" koyomi koyomi -At -c "$1"; }
bench_growth_token() { DATABASE_URL=$(pg_url "$PG_HOME" koyomi koyomi) "$KOYOMI" token create --user "$1" --name 'dev bench'; }


# Takes the paths that it reads for a question, asked by whom, and sees that the first and the last of them are answered in
# full: with so many items.
bench_growth_question() { # whose token, items, name
  local n=${#BENCH_QUESTIONS[@]} path found
  BENCH_QUESTIONS+=("$3")
  cp "$home/$1.token" "$home/questions/$n.token"
  cat >"$home/questions/$n"
  for path in "$(head -n 1 "$home/questions/$n")" "$(tail -n 1 "$home/questions/$n")"; do
    found=$(bench_growth_ask "$1" "$path" | grep -o '"etag":' | wc -l)
    [[ $found == "$2" ]] || die "$3: $found items instead of $2 in the answer to $path"
  done
}
bench_growth_ask() { # whose token, path
  local BENCH_LIST=$2 TOKEN
  TOKEN=$(<"$home/$1.token")
  bench_get off 200 -o "$home/answer"
  cat "$home/answer"
}

# The list of the first so many calendars, but for its window.
bench_growth_list() {
  printf '/api/events?'
  head -n "$1" "$home/calendars" | sed 's/.*/calendar_id=&\&/' | tr -d '\n'
}

# That list month by month, a year of it.
bench_growth_months() {
  local months=(2026-0{5..9} 2026-1{0..2} 2027-0{1..5}) i
  for ((i = 0; i < 12; i++)); do
    printf '%sfrom=%s-01T00:00:00Z&to=%s-01T00:00:00Z&limit=50\n' "$1" "${months[i]}" "${months[i + 1]}"
  done
}

# What happens first in each month of each of these calendars: about a thousand events, with all that belongs to them.
bench_growth_events() {
  bench_growth_sql "select format('/api/events/%s?expand=attendees,resources,organizer', o.event_id)
    from unnest('{$(paste -sd, "$home/calendars")}'::uuid[]) c (id)
    cross join generate_series('2026-05-01Z'::timestamptz, '2027-04-01Z', '1 month') m
    cross join lateral (
      select o.event_id from occurrences o where o.calendar_id = c.id and o.start_time >= m order by o.start_time limit 1
    ) o
    order by md5(o.event_id::text || m)"
}

# The cursor of page 1,000 of a list, which begins behind 999 pages of 50 occurrences: 99 steps of 500 and 9 of 50.
bench_growth_deep() {
  local path=${1%limit=50} cursor='' step
  for step in $(printf '500 %.0s' {1..99}) $(printf '50 %.0s' {1..9}); do
    cursor=$(bench_growth_ask widest "${path}fields=id&limit=$step${cursor:+&cursor=$cursor}" | sed -n 's/.*"next_cursor":"\([^"]*\)".*/\1/p')
    [[ -n $cursor ]] || die "the list ends before its page 1,000"
  done
  printf '%s\n' "$cursor"
}

# A line about a database.
bench_growth_facts() { # home, events, who is in the middle
  local largest
  largest=$(head -n 1 "$1/calendars")
  bench_growth_sql "select format('%s events: %s occurrences, %s invitations in %s calendars, %s; the largest calendar has %s events; most invitations: %s, few: %s; seeded in %s',
    (select count(*) from events), (select count(*) from occurrences), (select count(*) from attendees), (select count(*) from calendars),
    pg_size_pretty(pg_database_size(current_database())), (select count(*) from events where calendar_id = '$largest'),
    (select count(*) from attendees a join users u on u.id = a.user_id where u.email = 'user00000@example.com'),
    (select count(*) from attendees a join users u on u.id = a.user_id where u.email = '$3'),
    '$(sed -n 's/.* in \([0-9.]* s\) .*/\1/p' "$1/seed")')"
}

bench_growth_end() {
  local home=$1 plot=$STATE/growth.svg
  if ((write)); then plot=docs/growth.svg; fi
  bench_growth_table data | node "$BENCH_SCRIPTS/growth-plot.mjs" >"$home/growth.svg" || die "there is nothing to plot"
  cp "$home/growth.svg" "$plot"
  say "the curves are in $plot"
  if ((write)); then bench_growth_report | bench_write "bench growth"; else bench_growth_report; fi
}
bench_growth_table() { awk -F '\t' -v "format=$1" -f "$BENCH_SCRIPTS/table.awk" -f "$BENCH_SCRIPTS/growth.awk" "$home/all"; }

bench_growth_report() {
  {
    bench_now
    printf './dev bench growth --up-to %s --rounds %s --seconds %s --connections %s (wrk -t1 -c%s, no cache, all pages full)\n' "$up_to" "$rounds" "$seconds" "$connections" "$connections"
    cat "$home/sizes"
    bench_machine "$home"
  } | bench_list "$format"
  printf '\n'
  bench_growth_table "$format"
  printf '\n'
  bench_list "$format" <<'TXT'
SQL is statements per request, BEGIN and ROLLBACK included; the smallest of all sizes, for what koyomi asks at rest comes on top
blocks are those of tables and indexes (8 KB each) that a request looks at, in memory or not: shared_blks_hit + shared_blks_read of pg_stat_statements
CPU in microseconds per request, user and system; what PostgreSQL and koyomi do at rest is in it
"growth" is the last size divided by the first: of the blocks, and of the CPU of both
TXT
}
