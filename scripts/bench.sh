# shellcheck shell=bash
# ./dev bench: cached and uncached lists against an axum handler that answers with the very bytes koyomi answered with.
# Every server stays up for the whole run, one at a time is loaded, and the rounds go through all of them in turn, so that
# what the machine does meanwhile meets all alike. It prints and does not judge.

cmd_bench() {
  local usage="usage: ./dev bench [--rounds N] [--seconds S] [--connections C] [--markdown] | graphql [--rounds N] … | limit [--rounds N] … | compare OTHER … | profile [--of WHAT] … | rfc [--write] [--rounds N] … | growth [--up-to N] … | bus [--nats] [OPTIONS of bus-bench]"
  local rounds=5 seconds=5 connections=32 format=text name
  for name in "${!KOYOMI_@}"; do unset "$name"; done # settings of the caller's are none of the run's
  case ${1:-} in
    bus | graphql | limit | compare | profile | rfc | growth)
      "bench_$1" "${@:2}"
      return
      ;;
  esac
  bench_options "$usage" "$@"
  ensure_rust
  ensure_packages postgresql redis wrk cc curl certificates
  fresh_home bench
  local home=$FRESH_HOME
  bench_build "$home"
  bench_databases
  bench_serve "$home"
  bench_variants

  bench_measure "$home"
}

# Loads all variants of BENCH_VARIANTS and prints what came of it; as the caller's options have it. What bare does, in words.
bench_measure() {
  local home=$1
  step "Warming up: a second of each"
  bench_rounds "$home" 1 1 "$connections"
  mv "$home/rounds" "$home/warm-up"
  step "At rest: two seconds of nothing"
  bench_rest "$home"
  cut -d' ' -f1-3 /proc/loadavg >"$home/load"
  step "$rounds rounds of $seconds s of each, wrk -t1 -c$connections"
  bench_rounds "$home" "$rounds" "$seconds" "$connections"
  bench_facts "$home" "wrk -t1 -c$connections, $rounds rounds of $seconds s of each in turn" "${@:2}" | bench_list "$format"
  printf '\n'
  bench_table "$format" <"$home/rounds"
  printf '\n'
  bench_legend | bench_list "$format"
}

# Reads the options into the variables of the caller: rounds, seconds, connections, format.
bench_options() {
  local usage=$1
  shift
  while (($#)); do
    case $1 in
      --rounds | --seconds | --connections) [[ ${2:-} =~ ^[1-9][0-9]{0,4}$ ]] || die "$usage" ;;&
      --rounds) rounds=$2 && shift 2 ;;
      --seconds) seconds=$2 && shift 2 ;;
      --connections) connections=$2 && shift 2 ;;
      --markdown) format=markdown && shift ;;
      *) die "$usage" ;;
    esac
  done
}

# The programs as they are now, apart from where the next build puts others.
bench_build() {
  local home=$1
  step "Building the bare handler"
  in_group cargo build --release -p bench --bin bare || die "the build failed"
  build_koyomi
  cp "$KOYOMI" "${KOYOMI%/*}/bare" "$home/"
  KOYOMI=$home/koyomi
}

# A private PostgreSQL with that load, and a private Redis.
bench_databases() {
  step "Starting a private PostgreSQL and a private Redis"
  pg_fresh
  redis_fresh
  bench_watch postgres "$(head -n 1 "$PG_HOME/data/postmaster.pid")"
  bench_watch redis "$GROUP"
  bench_load
}

# A load that is small, and the same whenever it is made; its largest calendar, as its owner sees it. BENCH_LIST is the
# path of the list, with as many fields as make it about 20 KB.
BENCH_LIST=
bench_load() {
  local url calendar owner fields
  url=$(pg_url "$PG_HOME" koyomi koyomi)
  step "Migrating and loading data"
  DATABASE_URL=$url in_group "$KOYOMI" migrate >&2 || die "koyomi migrate failed"
  DATABASE_URL=$url in_group "$KOYOMI" seed --profile load --date 2026-11-15 --users 200 --calendars 200 --events-per-calendar 50 \
    --rooms 40 >&2 || die "koyomi seed failed"
  IFS='|' read -r calendar owner < <(
    pg_psql "$PG_HOME" koyomi koyomi -At -c "select c.id, u.email from calendars c join users u on u.id = c.owner_id
      order by (select count(*) from events e where e.calendar_id = c.id) desc limit 1"
  )
  fields=id,calendar_id,title,location,status,start,end,start_time,end_time,organizer_name,attendee_count,room_name
  BENCH_LIST="/api/calendars/$calendar/events?from=2026-11-01T00:00:00Z&to=2026-12-01T00:00:00Z&limit=50&fields=$fields"
  TOKEN=$(DATABASE_URL=$url "$KOYOMI" token create --user "$owner" --name 'dev bench')
}

# What is measured: the process of each name, the port of each that listens.
declare -A BENCH_PID=() BENCH_PORT=()
bench_watch() { BENCH_PID[$1]=$2 BENCH_PORT[$1]=${3:-}; }

# One koyomi in each mode.
bench_koyomis() {
  step "Starting the servers"
  bench_mode strict strict
  bench_mode bounded bounded
  bench_mode off off
}
bench_mode() { # name, mode
  case $2 in
    strict) bench_koyomi "$1" KOYOMI_CACHE=l1+l2 "KOYOMI_REDIS=$REDIS_URL" KOYOMI_READS=strict ;;
    bounded) bench_koyomi "$1" KOYOMI_CACHE=l1+l2 "KOYOMI_REDIS=$REDIS_URL" KOYOMI_READS=bounded:500ms ;;
    off) bench_koyomi "$1" KOYOMI_CACHE=off ;;
  esac
}
bench_koyomi() { # name, VARIABLE=value of its settings
  local name=$1 port
  shift
  local -x "$@"
  port=$(free_port)
  serve_koyomi "$PG_HOME" "$port"
  bench_watch "$name" "$GROUP" "$port"
}

# Waits until what was started last listens.
bench_await() {
  for _ in {1..100}; do
    kill -0 "$GROUP" 2>/dev/null || die "$1 ended before it listened"
    if port_taken "$2"; then return; fi
    sleep 0.1
  done
  die "$1 does not listen"
}

# Starts the servers, and records the answer that the bare one gives.
bench_serve() {
  local home=$1 server port
  bench_koyomis
  for server in strict bounded off; do
    bench_get "$server" 200 -D "$home/$server.headers" -o "$home/$server.body"
    cmp -s "$home/strict.body" "$home/$server.body" || die "$server does not answer as strict does: $BENCH_LIST"
  done
  port=$(free_port)
  start_group setpriv --pdeathsig TERM "$home/bare" --listen "127.0.0.1:$port" --headers "$home/strict.headers" --body "$home/strict.body"
  bench_watch bare "$GROUP" "$port"
  bench_await "the bare handler" "$port"
  bench_get bare 200 -D "$home/bare.headers" -o "$home/bare.body"
  cmp -s "$home/strict.body" "$home/bare.body" || die "the bare handler does not answer with the recorded bytes"
}

# Asks a server for BENCH_LIST once; it has to answer with the status. More arguments are curl's.
bench_get() {
  local server=$1 wanted=$2 status
  shift 2
  status=$(curl -s --max-time 10 -w '%{http_code}' -H @<(printf 'Authorization: Bearer %s\n' "$TOKEN") "$@" \
    "http://127.0.0.1:${BENCH_PORT[$server]}$BENCH_LIST") || true
  [[ $status == "$wanted" ]] || die "$server answered $status, not $wanted: $BENCH_LIST"
}

# The variants, in the order of the table: name, server, expected status, header to send; and where they differ in what is
# asked, the path, and the script of wrk that makes the requests (then nothing is asked by hand before or after).
BENCH_VARIANTS=()
bench_variants() {
  BENCH_VARIANTS=(
    "bare|bare|200|Accept: */*"
    "cached list, strict|strict|200|Accept: */*"
    "cached list, bounded|bounded|200|Accept: */*"
    "uncached list|off|200|Accept: */*"
    "304, strict|strict|304|If-None-Match: $(bench_etag strict)"
    "304, bounded|bounded|304|If-None-Match: $(bench_etag bounded)"
  )
}
bench_etag() { sed -n 's/\r$//; s/^etag: *//Ip' "$home/$1.headers"; }

# Loads each variant in turn, again and again: lines of `name rate p50 p99 server postgres redis wrk statements p95 blocks`,
# tab-separated (latencies in ms, CPU in microseconds per request, that of wrk in percent of a core, statements and blocks
# of tables and indexes per request), in rounds.
export BENCH_SCRIPTS=$ROOT/scripts/bench
BENCH_RUN=0
bench_rounds() {
  local home=$1 rounds=$2 seconds=$3 connections=$4 round variant
  : >"$home/rounds"
  for ((round = 1; round <= rounds; round++)); do
    for variant in "${BENCH_VARIANTS[@]}"; do
      bench_round "$variant" || die "$variant, round $round:
$(<"$home/wrk")"
      tail -n 1 "$home/rounds" | awk -F '\t' '{ printf "%-42s%9.0f /s  p99 %.2f ms\n", $1, $2, $4 }' >&2
    done
  done
}

# One variant, once, as the variables of bench_rounds have it.
bench_round() {
  local name server status header path script before after
  IFS='|' read -r name server status header path script <<<"$1"
  local BENCH_LIST=${path:-$BENCH_LIST}
  BENCH_RUN=$((BENCH_RUN + 1))
  [[ -n $script ]] || bench_get "$server" "$status" -o /dev/null -H "$header"
  before="$(bench_counts) $(bench_ticks "$server") $(bench_own_ticks)"
  BENCH_RUN=$BENCH_RUN in_group wrk -t1 "-c$connections" "-d${seconds}s" --latency --timeout 10s \
    -s "$BENCH_SCRIPTS/${script:-percentiles.lua}" -H "Authorization: Bearer $TOKEN" -H "$header" \
    "http://127.0.0.1:${BENCH_PORT[$server]}$BENCH_LIST" >"$home/wrk" || return
  # What was under way when wrk stopped is finished, and counted.
  in_group sleep "$(awk '$1 == "99%" { print $2 ~ /ms$/ ? $2 / 1000 : $2 ~ /us$/ ? 0.01 : $2 + 0 }' "$home/wrk")"
  after="$(bench_own_ticks) $(bench_ticks "$server") $(bench_counts)"
  bench_line "$name" "$connections" "$before" "$after" <"$home/wrk" >>"$home/rounds" || return
  [[ -n $script ]] || bench_get "$server" "$status" -o /dev/null -H "$header"
}

# One line of the rounds, from what wrk printed and the counts before and after; fails on any answer that is an error.
bench_line() {
  awk -v OFS='\t' -v name="$1" -v connections="$2" -v before="$3" -v after="$4" -v hertz="$(getconf CLK_TCK)" '
    function ms(text) {
      if (text ~ /us$/) return text / 1000
      if (text ~ /ms$/) return text + 0
      if (text ~ /s$/) return text * 1000
      return text * 60000
    }
    $1 == "50%" { p50 = ms($2) }
    $1 == "95%" { p95 = ms($2) }
    $1 == "99%" { p99 = ms($2) }
    $2 == "requests" { requests = $1 }
    $1 == "Requests/sec:" { rate = $2 }
    /Non-2xx|Socket errors/ { bad = 1 }
    END {
      if (bad || !requests || !rate || p95 == "" || p99 == "") exit 1
      split(before, b, " ") # statements, blocks, server, postgres, redis, wrk
      split(after, a, " ")  # wrk, server, postgres, redis, statements, blocks
      all = requests + connections
      each = 1e6 / hertz / all
      print name, rate, p50, p99, (a[2] - b[3]) * each, (a[3] - b[4]) * each, (a[4] - b[5]) * each,
        (a[1] - b[6]) / hertz / (requests / rate) * 100, (a[5] - b[1]) / all, p95, (a[6] - b[2]) / all
    }'
}

# CPU time so far, in clock ticks, of a server, of all of PostgreSQL, and of Redis.
bench_ticks() {
  local pid server postgres=0
  server=$(bench_stat "${BENCH_PID[$1]}" own)
  for pid in $(pg_pids "$PG_HOME"); do
    # whoever ended meanwhile is in the account of the postmaster
    if [[ $pid == "${BENCH_PID[postgres]}" ]]; then continue; fi
    postgres=$((postgres + $(bench_stat "$pid" own)))
  done
  postgres=$((postgres + $(bench_stat "${BENCH_PID[postgres]}" own) + $(bench_stat "${BENCH_PID[postgres]}" children)))
  printf '%s %s %s\n' "$server" "$postgres" "$(bench_stat "${BENCH_PID[redis]}" own)"
}
# Statements that PostgreSQL has run so far, BEGIN and COMMIT included, and blocks they have looked at, in memory or not.
bench_counts() {
  pg_psql "$PG_HOME" postgres koyomi -At -F ' ' -c "select sum(calls)::bigint, sum(shared_blks_hit + shared_blks_read)::bigint from pg_stat_statements"
}
# The statements alone.
bench_statements() {
  local counts
  counts=$(bench_counts)
  printf '%s\n' "${counts% *}"
}
# Of the commands this script has waited for: wrk, between one look and the next.
bench_own_ticks() { bench_stat $$ children; }
bench_stat() {
  local stat fields=()
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || stat=
  read -ra fields <<<"${stat##*) }" # proc(5): utime, stime, cutime, cstime are 14 to 17, and state is 3
  if [[ $2 == own ]]; then
    printf '%s\n' $((${fields[11]:-0} + ${fields[12]:-0}))
  else
    printf '%s\n' $((${fields[13]:-0} + ${fields[14]:-0}))
  fi
}

# What all of them take without being asked anything, in percent of a core.
bench_rest() {
  local home=$1 server before=() after=() ticks
  ticks=$(getconf CLK_TCK)
  for server in strict bounded off; do before+=("$(bench_ticks "$server")"); done
  in_group sleep 2
  for server in strict bounded off; do after+=("$(bench_ticks "$server")"); done
  printf '%s\n' "${before[@]}" "${after[@]}" | awk -v seconds=2 -v hertz="$ticks" '
    NR <= 3 { b[NR] = $1; p[NR] = $2; r[NR] = $3 }
    NR > 3 { each = 100 / hertz / seconds; n = NR - 3; s[n] = ($1 - b[n]) * each; postgres = ($2 - p[n]) * each; redis = ($3 - r[n]) * each }
    END { printf "strict %.1f, bounded %.1f, uncached %.1f, PostgreSQL %.1f, Redis %.1f", s[1], s[2], s[3], postgres, redis }' >"$home/rest"
}

# Lines about the run and the machine.
bench_facts() {
  local home=$1 run=$2 bare=${3:-bare answers with the same bytes and the same headers} items bytes
  bytes=$(stat -c %s "$home/strict.body")
  items=$(grep -Eo '"start(_t|T)ime"' "$home/strict.body" | wc -l)
  cat <<TXT
$(bench_now)
$run
the list: $items occurrences, $bytes bytes of body; $bare
$(bench_machine "$home")
at rest, in percent of a core: $(<"$home/rest")
TXT
}
bench_now() {
  printf '%s, commit %s\n' "$(date -u '+%Y-%m-%d %H:%M UTC')" \
    "$(git describe --always --dirty=' and changes' --abbrev=10 2>/dev/null || echo unknown)"
}
bench_machine() { # where the file `load` is, of before the first round
  cat <<TXT
machine: $(nproc) cores, $(sed -n 's/^model name[^:]*: *//p;T;q' /proc/cpuinfo), $(awk '/^MemTotal/ { printf "%.0f GB", $2 / 1048576 }' /proc/meminfo), Linux $(uname -r); wrk and all servers share it
load average before the first round: $(<"$1/load")
$("$PG_BIN/postgres" --version), Redis $(redis-server --version | sed -E 's/.*v=([0-9.]+).*/\1/'), $(rustc --version | cut -d' ' -f1,2), release profile
TXT
}

# Puts what it reads between the marks $1 of docs/BENCHMARKS.md.
bench_write() {
  local file=docs/BENCHMARKS.md
  bench_writable "$1"
  awk -v mark="$1" '
    part == "new" { text = text $0 "\n"; next }
    $0 == "<!-- end of " mark " -->" { printf "%s", text; inside = 0 }
    !inside
    $0 == "<!-- " mark " -->" { inside = 1 }' part=new - part=old "$file" >"$file.new"
  mv "$file.new" "$file"
  say "written into $file"
}
bench_writable() {
  local file=docs/BENCHMARKS.md
  [[ $(grep -cxF -e "<!-- $1 -->" -e "<!-- end of $1 -->" "$file") == 2 ]] ||
    die "$file has no lines <!-- $1 --> and <!-- end of $1 --> to write between"
}

bench_legend() {
  cat <<'TXT'
requests/s and p99 are medians over the rounds, with [min..max]; all others are medians
"of bare" is the median divided by that of bare, in this run
CPU in microseconds per request, user and system: of the server's process, of all processes of PostgreSQL, of Redis; what they do at rest is in it, and so are the requests under way when wrk stops
"SQL" is statements per request; what others ask meanwhile (the bus, at rest) is in it
"wrk" is how busy the load generator's thread was, in percent of a core: near 100 it is what holds the rate down
memory is VmRSS of the server's process after the last round, in MB
TXT
}

bench_list() {
  if [[ $1 == markdown ]]; then sed 's/^/- /'; else cat; fi
}

bench_table() {
  local format=$1 variant name server rss=
  for variant in "${BENCH_VARIANTS[@]}"; do
    IFS='|' read -r name server _ <<<"$variant"
    rss+="$name=$(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/${BENCH_PID[$server]}/status");"
  done
  awk -F '\t' -v format="$format" -v rss="$rss" -f "$BENCH_SCRIPTS/table.awk" -f "$BENCH_SCRIPTS/cached.awk"
}

# What the bus costs writers, how fast news travels, whether all of it arrives.
bench_bus() {
  local options=() nats=0 option
  for option; do
    if [[ $option == --nats ]]; then nats=1; else options+=("$option"); fi
  done
  ensure_rust
  ensure_packages postgresql cc certificates
  if ((nats)); then
    ensure_packages nats
    nats_fresh
    options+=(--nats "$NATS_URL")
  fi
  step "Building bus-bench (the first time compiles every dependency)"
  in_group cargo build --release -p bench --bin bus-bench || die "the build failed"
  fresh_home bench
  cp "$(cargo_target)/release/bus-bench" "$FRESH_HOME/"
  step "Starting a private PostgreSQL"
  pg_fresh
  step "The bus"
  BUS_BENCH_DATABASE_URL=$(pg_url "$PG_HOME" koyomi koyomi) in_group "$FRESH_HOME/bus-bench" "${options[@]}"
}
cargo_target() { cargo metadata --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/'; }
