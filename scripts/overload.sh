# shellcheck shell=bash
# ./dev overload: the uncached list, asked by ever more clients until no more answers come of it (the peak), then three times as
# often by many clients, so that most have to be turned away, then by nobody. A few others ask all the while and note how long it takes them.
# It prints and does not judge.

cmd_overload() {
  local usage="usage: ./dev overload [--seconds S] [--clients C]"
  local seconds=20 clients=512 port home c rate p99 best=0 peak=16 sampler calm=5 ended pace
  while (($#)); do
    [[ ${2:-} =~ ^[1-9][0-9]{0,3}$ ]] || die "$usage"
    case $1 in
      --seconds) seconds=$2 ;;
      --clients) clients=$2 ;;
      *) die "$usage" ;;
    esac
    shift 2
  done
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
  step "Starting the server, without a cache"
  port=$(free_port)
  KOYOMI_CACHE=off KOYOMI_LOG=error serve_koyomi "$PG_HOME" "$port"
  overload_wrk "$home" "$port" 16 1 >/dev/null # warm
  step "The peak: medians of 3 rounds"
  for _ in 1 2 3; do
    for c in 8 16 32 64; do overload_wrk "$home" "$port" "$c" 3 >>"$home/peak-$c"; done
  done
  for c in 8 16 32 64; do
    rate=$(sort -n "$home/peak-$c" | awk 'NR == 2 { print $1 }')
    p99=$(sort -n -k 2 "$home/peak-$c" | awk 'NR == 2 { print $2 }')
    say "$(printf 'wrk -c%-4d %6.0f /s  p99 %8.2f ms' "$c" "$rate" "$p99")"
    if awk -v a="$rate" -v b="$best" 'BEGIN { exit !(a > b) }'; then best=$rate peak=$c; fi
  done
  step "Beside the peak, beside $clients clients that ask three times as often for $seconds s, beside nobody"
  start_group python3 scripts/overload/sample.py "$port" "$BENCH_LIST" "$TOKEN" 4 >"$home/at-peak"
  sampler=$GROUP
  overload_wrk "$home" "$port" "$peak" 4 >/dev/null
  wait_group "$sampler"
  start_group python3 scripts/overload/sample.py "$port" "$BENCH_LIST" "$TOKEN" $((seconds + calm)) >"$home/samples"
  sampler=$GROUP
  ended=$SECONDS
  pace=$(awk -v c="$clients" -v peak="$best" 'BEGIN { printf "%d", c / (3 * peak) * 1000 }')
  read -r rate _ < <(overload_wrk "$home" "$port" "$clients" "$seconds" -s scripts/overload/pace.lua -- "$pace")
  ended=$((SECONDS - ended))
  wait_group "$sampler"
  {
    printf 'goodput at the peak (wrk -c%d): %.0f /s; beside %d clients: %.0f /s, ' "$peak" "$best" "$clients" "$rate"
    awk -v a="$rate" -v b="$best" 'BEGIN { printf "%.0f %% of it\n", a / b * 100 }'
    overload_seen "at the peak" 0 "$home/at-peak"
    overload_seen "overloaded" 1 "$home/samples" "$ended"
    awk -v end="$ended" '$1 > end && $3 != 200 { last = $1 } END {
      printf "after the flood: the last refusal came %.1f s later\n", last ? last - end : 0 }' "$home/samples"
  }
}

# Good answers per second, and p99 of all answers (ms). wrk counts refusals among its requests.
overload_wrk() {
  local home=$1 url=http://127.0.0.1:$2$BENCH_LIST clients=$3 seconds=$4 script=()
  shift 4
  if [[ ${1:-} == -s ]]; then script=(-s "$2") && shift 2; fi
  in_group wrk -t1 "-c$clients" "-d${seconds}s" --latency -H "Authorization: Bearer $TOKEN" "${script[@]}" "$url" "$@" >"$home/wrk" ||
    die "wrk failed: $(<"$home/wrk")"
  awk '
    function ms(text) { return text ~ /us$/ ? text / 1000 : text ~ /ms$/ ? text + 0 : text * 1000 }
    $1 == "99%" { p99 = ms($2) }
    $2 == "requests" { requests = $1 }
    /Non-2xx/ { bad = $NF }
    $1 == "Requests/sec:" { rate = $2 }
    END { if (!requests) exit 1; print rate * (requests - bad) / requests, p99 }' "$home/wrk"
}

# What those saw who asked beside: of the answers between second $2 and second $4.
overload_seen() {
  awk -v from="$2" -v to="${4:-1e9}" '$1 >= from && $1 <= to && $3 == 200 { print $2 }' "$3" | sort -n >"$3.took"
  awk -v from="$2" -v to="${4:-1e9}" -v what="$1" '
    FNR == NR { took[++n] = $1; next }
    $1 >= from && $1 <= to { all++; if ($3 == 503) shed++; if ($3 != 200 && $3 != 503) bad++ }
    END {
      printf "%s: of %d who asked beside, %d were turned away, %d had another answer; ", what, all, shed, bad
      printf "those let in: p50 %.1f ms, p99 %.1f ms\n", took[int((n + 1) / 2)], took[int(n * 0.99 + 0.5)]
    }' "$3.took" "$3"
}
