# shellcheck shell=bash
# ./dev bench graphql: the nested question of 50 events, their guests and rooms, beside a bare handler that runs the same
# statements, and beside graphql-yoga with a DataLoader per relation. The rounds are those of ./dev bench.

YOGA=5.24.1
DATALOADER=2.2.3
NODE_PG=8.23.1

bench_graphql() {
  local usage="usage: ./dev bench graphql [--rounds N] [--seconds S] [--connections C] [--markdown]"
  local rounds=5 seconds=5 connections=32 format=text
  bench_options "$usage" "$@"
  ensure_rust
  ensure_packages postgresql redis wrk cc curl certificates node
  fresh_home bench
  local home=$FRESH_HOME
  step "Building the bare handler"
  in_group cargo build --release -p bench --bin statements || die "the build failed"
  build_koyomi
  cp "$KOYOMI" "${KOYOMI%/*}/statements" "$home/"
  KOYOMI=$home/koyomi
  bench_yoga
  bench_databases
  bench_nested_list
  bench_graphql_serve "$home"
  BENCH_VARIANTS=(
    "bare|bare|200|Accept: */*"
    "nested, uncached|off|200|Accept: */*"
    "nested, cached strict|strict|200|Accept: */*"
    "nested, cached bounded|bounded|200|Accept: */*"
    "graphql-yoga|yoga|200|Accept: */*"
  )
  bench_measure "$home" "bare runs the same statements with tokio-postgres and writes the same shape"
}

bench_yoga() {
  BENCH_YOGA="$STATE/yoga-$YOGA-$DATALOADER-$NODE_PG"
  if [[ ! -e $BENCH_YOGA/complete ]]; then
    step "Installing graphql-yoga $YOGA, dataloader $DATALOADER and pg $NODE_PG from npm into $BENCH_YOGA"
    rm -rf "$BENCH_YOGA"
    mkdir -p "$BENCH_YOGA"
    printf '{"private": true, "type": "module"}\n' >"$BENCH_YOGA/package.json"
    in_group npm install --prefix "$BENCH_YOGA" --no-audit --no-fund --silent graphql@16.15.0 "graphql-yoga@$YOGA" \
      "dataloader@$DATALOADER" "pg@$NODE_PG" || die "npm could not install them"
    touch "$BENCH_YOGA/complete"
  fi
  cp scripts/bench-yoga/server.mjs "$BENCH_YOGA/"
}

# The question, as a path for wrk: of the calendar that bench_load chose.
BENCH_CALENDAR=
bench_nested_list() {
  BENCH_CALENDAR=${BENCH_LIST#/api/calendars/}
  BENCH_CALENDAR=${BENCH_CALENDAR%%/*}
  local query="{calendar(id:\"$BENCH_CALENDAR\"){id events(from:\"2026-11-01T00:00:00Z\",to:\"2026-12-01T00:00:00Z\",first:50){nodes{id title startTime endTime organizer{name} attendees(first:10){nodes{email responseStatus user{id name}}} reservations{resource{id name}}} pageInfo{hasNextPage}}}}"
  BENCH_LIST="/graphql?query=$(uri_encode "$query")"
}
# Percent-encodes all but letters and digits.
uri_encode() {
  local text=$1 out='' char i
  for ((i = 0; i < ${#text}; i++)); do
    char=${text:i:1}
    case $char in
      [a-zA-Z0-9]) out+=$char ;;
      *) printf -v char '%%%02X' "'$char" && out+=$char ;;
    esac
  done
  printf '%s\n' "$out"
}

bench_graphql_serve() {
  local home=$1 port server hash
  bench_koyomis
  for server in strict bounded off; do
    bench_get "$server" 200 -o "$home/$server.body"
    cmp -s "$home/strict.body" "$home/$server.body" || die "$server does not answer as strict does"
  done
  grep -q '"nodes":\[{' "$home/strict.body" || die "the question finds nothing: $(head -c 500 "$home/strict.body")"
  hash=$(pg_psql "$PG_HOME" koyomi koyomi -At -c "select encode(token_hash, 'hex') from api_tokens where name = 'dev bench'")
  port=$(free_port)
  DATABASE_URL=$(pg_url "$PG_HOME" koyomi koyomi) start_group setpriv --pdeathsig TERM "$home/statements" --listen "127.0.0.1:$port" \
    --token-hash "$hash" --calendar "$BENCH_CALENDAR" --from 2026-11-01T00:00:00Z --to 2026-12-01T00:00:00Z
  bench_watch bare "$GROUP" "$port"
  bench_await "the bare handler" "$port"
  port=$(free_port)
  start_group setpriv --pdeathsig TERM node "$BENCH_YOGA/server.mjs" "$port" "$(pg_url "$PG_HOME" koyomi koyomi)"
  bench_watch yoga "$GROUP" "$port"
  bench_await graphql-yoga "$port"
  for server in bare yoga; do
    bench_get "$server" 200 -o "$home/$server.body"
    bench_same "$home/strict.body" "$home/$server.body" || die "$server answers something else: $(head -c 300 "$home/$server.body")"
  done
}

# The same titles, guests and rooms; forms of times and ids of occurrences may differ.
bench_same() {
  local file
  for file; do
    node -e '
      const { nodes } = JSON.parse(require("fs").readFileSync(process.argv[1])).data.calendar.events;
      const shown = ({ title, organizer, attendees, reservations }) =>
        [title, organizer?.name, attendees.nodes.map((a) => [a.email, a.user?.name]), reservations.map((r) => r.resource.name)];
      nodes.map(shown).forEach((one) => console.log(JSON.stringify(one)));' "$file" >"$file.shown"
  done
  diff "$1.shown" "$2.shown" >&2
}
