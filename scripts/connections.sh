# shellcheck shell=bash
# ./dev connections: what open connections on which nothing happens cost a server, and those who ask something beside them.
# It prints and does not judge, but fails where a connection was lost or answered wrongly.

cmd_connections() {
  local usage="usage: ./dev connections [--idle N] [--seconds S] [--active C]"
  local idle=10000 seconds=5 active=16 port home before with
  while (($#)); do
    [[ ${2:-} =~ ^[1-9][0-9]{0,4}$ ]] || die "$usage"
    case $1 in
      --idle) idle=$2 ;;
      --seconds) seconds=$2 ;;
      --active) active=$2 ;;
      *) die "$usage" ;;
    esac
    shift 2
  done
  # both ends of each are files, of this shell's children
  ulimit -n "$(ulimit -Hn)"
  (($(ulimit -n) > idle + 1000)) || die "at most $(ulimit -n) files can be open here: ask for fewer connections, or raise ulimit -Hn"
  ensure_rust
  ensure_packages postgresql wrk cc curl certificates venv
  fresh_home bench
  home=$FRESH_HOME
  build_koyomi
  cp "$KOYOMI" "$home/koyomi"
  KOYOMI=$home/koyomi
  step "Starting a private PostgreSQL"
  pg_fresh
  bench_load
  step "Starting the server"
  port=$(free_port)
  serve_koyomi "$PG_HOME" "$port"
  bench_watch strict "$GROUP" "$port"
  connections_load "$home" 1 "$active" >/dev/null # warm
  step "Alone: $seconds s, wrk -c$active"
  before="$(connections_load "$home" "$seconds" "$active") $(connections_rss)"
  step "Opening $idle connections"
  mkfifo "$home/tell"
  exec 4<>"$home/tell"
  start_group python3 scripts/connections/idle.py "$port" "$idle" "$home/tell" >"$home/idle"
  connections_await "$home/idle" "open $idle"
  step "Beside them: $seconds s, wrk -c$active"
  with="$(connections_load "$home" "$seconds" "$active") $(connections_rss)"
  printf '\n' >&4
  connections_await "$home/idle" "asked $idle errors 0"
  printf '%s\n%s\n' "$before" "$with" | awk -v idle="$idle" '
    NR == 1 { rate = $1; p99 = $2; rss = $3 }
    NR == 2 {
      printf "%-24s%12s%12s%12s\n", "", "requests/s", "p99 ms", "RSS MB"
      printf "%-24s%12.0f%12.2f%12.1f\n", "alone", rate, p99, rss
      printf "%-24s%12.0f%12.2f%12.1f\n", "beside " idle " idle", $1, $2, $3
      printf "p99 %.2f times that of alone; %.1f KB for each idle connection; 0 errors\n", $2 / p99, ($3 - rss) * 1024 / idle
    }'
}

# Rate and p99 (ms) of the cached list.
connections_load() {
  in_group wrk -t1 "-c$3" "-d${2}s" --latency -H "Authorization: Bearer $TOKEN" \
    "http://127.0.0.1:${BENCH_PORT[strict]}$BENCH_LIST" >"$1/wrk" || die "wrk failed: $(<"$1/wrk")"
  bench_round load "0 0 0 0 0" "0 0 0 0 0" <"$1/wrk" | awk -F '\t' '{ print $2, $4 }'
}

connections_rss() { awk '/^VmRSS/ { print $2 / 1024 }' "/proc/${BENCH_PID[strict]}/status"; }

connections_await() {
  for _ in {1..1200}; do
    if grep -q "^$2\$" "$1"; then return; fi
    kill -0 "$GROUP" 2>/dev/null || break
    sleep 0.1
  done
  grep -q "^$2\$" "$1" || die "wanted: $2; got: $(tail -n 1 "$1")"
}
