# shellcheck shell=bash
# ./dev bench limit: each kind of question against what it could be at best: an axum handler that answers with the very
# bytes, pgbench with the very statements, and, of two, tokio-postgres that runs the statements and writes the answer.

bench_limit() {
  local usage="usage: ./dev bench limit [--rounds N] [--seconds S] [--connections C] [--markdown]"
  local rounds=3 seconds=2 connections=32 format=text
  bench_options "$usage" "$@"
  ensure_rust
  ensure_packages postgresql redis wrk cc curl certificates node
  fresh_home bench
  local home=$FRESH_HOME row
  step "Building the bare handlers"
  in_group cargo build --release -p bench --bin bare --bin statements || die "the build failed"
  build_koyomi
  cp "$KOYOMI" "${KOYOMI%/*}/bare" "${KOYOMI%/*}/statements" "$home/"
  KOYOMI=$home/koyomi
  bench_databases
  bench_limit_rows
  bench_koyomis
  bench_limit_statements "$home"
  bench_rest "$home"
  cut -d' ' -f1-3 /proc/loadavg >"$home/load"
  : >"$home/tables"
  for row in "${BENCH_ROWS[@]}"; do
    bench_limit_row "$home" "${row%%|*}" "${row#*|}"
  done
  bench_limit_create "$home"
  bench_limit_facts "$home" | bench_list "$format"
  cat "$home/tables"
}

# What is asked: name|path.
BENCH_ROWS=()
bench_limit_rows() {
  local list=$BENCH_LIST event
  BENCH_CALENDAR=${BENCH_LIST#/api/calendars/}
  BENCH_CALENDAR=${BENCH_CALENDAR%%/*}
  event=$(pg_psql "$PG_HOME" koyomi koyomi -At -c "select id from events where calendar_id = '$BENCH_CALENDAR'
    and recurring_event_id is null and deleted_at is null order by id limit 1")
  bench_nested_list
  BENCH_ROWS=(
    "list|$list"
    "event|/api/events/$event"
    "agenda|/api/me/events?from=2026-11-01T00:00:00Z&to=2026-12-01T00:00:00Z"
    "nested GraphQL|$BENCH_LIST"
    "availability|/api/resources/availability?from=2026-11-16T00:00:00Z&to=2026-11-17T00:00:00Z"
  )
  BENCH_LIST=$list
}

bench_limit_statements() {
  local home=$1 port hash
  hash=$(pg_psql "$PG_HOME" koyomi koyomi -At -c "select encode(token_hash, 'hex') from api_tokens where name = 'dev bench'")
  port=$(free_port)
  DATABASE_URL=$(pg_url "$PG_HOME" koyomi koyomi) start_group setpriv --pdeathsig TERM "$home/statements" --listen "127.0.0.1:$port" \
    --token-hash "$hash" --calendar "$BENCH_CALENDAR" --from 2026-11-01T00:00:00Z --to 2026-12-01T00:00:00Z
  bench_watch statements "$GROUP" "$port"
  bench_await "the handler with the statements" "$port"
}

# One kind of question: its own bare handler, its own statements, and then the rounds.
bench_limit_row() {
  local home=$1 name=$2 round port rest=()
  BENCH_LIST=$3
  step "$name"
  bench_get off 200 -o /dev/null
  bench_get strict 200 -o /dev/null
  bench_get strict 200 -D "$home/strict.headers" -o "$home/strict.body"
  bench_recorded "$home" >"$home/script.sql"
  port=$(free_port)
  start_group setpriv --pdeathsig TERM "$home/bare" --listen "127.0.0.1:$port" --headers "$home/strict.headers" --body "$home/strict.body"
  bench_watch bare "$GROUP" "$port"
  bench_await "the bare handler" "$port"
  BENCH_VARIANTS=("bare|bare|200|Accept: */*" "$name, strict|strict|200|Accept: */*" "$name, bounded|bounded|200|Accept: */*")
  case $name in list | nested*) rest=("tokio-postgres|statements|200|Accept: */*") ;; esac
  BENCH_VARIANTS+=("${rest[@]}" "$name, uncached|off|200|Accept: */*")
  : >"$home/all"
  for ((round = 0; round <= rounds; round++)); do
    bench_rounds "$home" 1 "$((round ? seconds : 1))" "$connections"
    bench_pgbench "$home" "$connections" "$((round ? seconds : 1))" >>"$home/rounds"
    if ((round)); then cat "$home/rounds" >>"$home/all"; fi # the first one warms up
  done
  bench_limit_table "$home" "$name"
}

# The statements of one uncached request, as a script for pgbench. More arguments are ids that are new in it.
bench_recorded() {
  local home=$1 log=$PG_HOME/data/server.log from new
  pg_psql "$PG_HOME" postgres postgres -qc "alter system set log_statement = 'all'" -c "select pg_reload_conf()" >/dev/null
  sleep 0.5
  from=$(as_pg stat -c %s "$log")
  bench_asked "$home"
  new=$(bench_new_ids "$home")
  sleep 0.5
  pg_psql "$PG_HOME" postgres postgres -qc "alter system reset log_statement" -c "select pg_reload_conf()" >/dev/null
  as_pg tail -c "+$((from + 1))" "$log" | node scripts/bench-statements.mjs ${new:+"$new"}
}
# What bench_recorded records; a function, for create to put its own in its place.
bench_asked() { bench_get off 200 -o "$1/asked"; }
bench_new_ids() { :; }

# A line as bench_round writes it, of pgbench: no latencies of its own, PostgreSQL's CPU alone.
bench_pgbench() {
  local home=$1 connections=$2 seconds=$3 mode=${4:-prepared} before after
  before="0 $(bench_ticks statements) 0"
  in_group "$PG_BIN/pgbench" -n -M "$mode" -f "$home/script.sql" -c "$connections" -j 1 -T "$seconds" \
    "$(pg_url "$PG_HOME" koyomi koyomi)" >"$home/pgbench" 2>&1 || die "pgbench failed: $(<"$home/pgbench")"
  after="0 $(bench_ticks statements) 0"
  awk -v OFS='\t' -v before="$before" -v after="$after" -v hertz="$(getconf CLK_TCK)" -v statements="$(grep -c . "$home/script.sql")" '
    /^number of transactions actually processed/ { sub(/\/.*/, "", $6); requests = $6 }
    /^latency average/ { latency = $4 }
    /^tps/ { rate = $3 }
    END {
      split(before, b, " ")
      split(after, a, " ")
      print "pgbench", rate, latency, latency, 0, (a[3] - b[3]) * 1e6 / hertz / requests, 0, 0, statements, latency, 0
    }' "$home/pgbench"
}

bench_limit_table() {
  local home=$1 name=$2 bytes
  bytes=$(stat -c %s "$home/strict.body")
  {
    printf '\n'
    if [[ $format == markdown ]]; then printf '**%s** (%s bytes)\n\n' "$name" "$bytes"; else printf '%s (%s bytes)\n' "$name" "$bytes"; fi
    bench_table "$format" <"$home/all"
    bench_limit_ratios "$name" <"$home/all"
  } >>"$home/tables"
}

# How near each comes to its limit, of medians.
bench_limit_ratios() {
  awk -F '\t' -v name="$1" '
    { value[$1, ++count[$1]] = $2 + 0 }
    function median(of, n, i, j, x, v) {
      n = count[of]
      for (i = 1; i <= n; i++) {
        x = value[of, i]
        for (j = i - 1; j >= 1 && v[j] > x; j--) v[j + 1] = v[j]
        v[j + 1] = x
      }
      return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
    }
    function ratio(one, other) {
      if (count[one] && count[other]) printf "%s / %s: %.2f\n", one, other, median(one) / median(other)
    }
    END {
      print ""
      ratio(name ", strict", "bare")
      ratio(name ", bounded", "bare")
      ratio(name ", uncached", "pgbench")
      ratio(name ", uncached", "tokio-postgres")
      ratio(name, "pgbench")
    }' | if [[ $format == markdown ]]; then sed 's/^\(.\)/- \1/'; else cat; fi
}

# Creating an event: by a script of wrk, each with a key and a time of its own.
bench_limit_create() {
  local home=$1 round port name=create
  step "$name"
  export BENCH_CALENDAR
  bench_asked() {
    curl -s --max-time 10 -o "$1/strict.body" -D "$1/strict.headers" -H @<(printf 'Authorization: Bearer %s\n' "$TOKEN") -H 'Content-Type: application/json' \
      -H "Idempotency-Key: $(random_hex 8)" "http://127.0.0.1:${BENCH_PORT[off]}/api/events" \
      -d "{\"calendar_id\":\"$BENCH_CALENDAR\",\"title\":\"created\",\"start\":{\"date_time\":\"2027-01-01T09:00:00\",\"time_zone\":\"UTC\"}}"
  }
  bench_new_ids() { grep -o '"id":"[^"]*"' "$1/strict.body" | head -n 1 | cut -d'"' -f4; }
  bench_recorded "$home" >"$home/script.sql"
  sed -i '1s/201 Created/200 OK/' "$home/strict.headers" # the only status that the bare handler has
  BENCH_VARIANTS=("bare|bare|201||/api/events|create-plain.lua" "$name|strict|201||/api/events|create-plain.lua")
  port=$(free_port)
  start_group setpriv --pdeathsig TERM "$home/bare" --listen "127.0.0.1:$port" --headers "$home/strict.headers" --body "$home/strict.body"
  bench_watch bare "$GROUP" "$port"
  bench_await "the bare handler" "$port"
  : >"$home/all"
  for ((round = 0; round <= rounds; round++)); do
    bench_rounds "$home" 1 "$((round ? seconds : 1))" "$connections"
    bench_pgbench "$home" "$connections" "$((round ? seconds : 1))" simple >>"$home/rounds"
    if ((round)); then cat "$home/rounds" >>"$home/all"; fi
  done
  bench_limit_table "$home" "$name"
}

bench_limit_facts() {
  bench_facts "$1" "wrk -t1 -c$connections, $rounds rounds of $seconds s of each in turn" |
    grep -v -e '^the list:' -e '^at rest'
  cat <<'TXT'
bare answers with the same bytes and headers; pgbench runs the statements of one uncached request over as many connections, its head check alone where koyomi shares one; tokio-postgres runs them and writes the same shape
TXT
  bench_legend
}
