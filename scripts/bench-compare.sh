# shellcheck shell=bash
# ./dev bench compare OTHER: this build against another binary of koyomi (another commit, another allocator), in one run:
# whatever the machine does meanwhile meets both.

bench_compare() {
  local usage="usage: ./dev bench compare OTHER [--rounds N] [--seconds S] [--connections C]"
  local rounds=5 seconds=2 connections=32 format=text other=${1:-} of
  [[ -x $other && ! -d $other ]] || die "$usage (OTHER is the path of a koyomi)"
  bench_options "$usage" "${@:2}"
  ensure_rust
  ensure_packages postgresql redis wrk cc curl certificates
  fresh_home bench
  local home=$FRESH_HOME list name server path
  bench_build "$home"
  cp "$other" "$home/other"
  bench_databases
  step "Starting the servers"
  BENCH_VARIANTS=()
  for of in this other; do
    if [[ $of == other ]]; then KOYOMI=$home/other; fi
    bench_mode "$of bounded" bounded
    bench_mode "$of off" off
  done
  list=$BENCH_LIST
  bench_nested_list
  for of in "cached list|bounded|$list" "uncached list|off|$list" "uncached nested|off|$BENCH_LIST"; do
    IFS='|' read -r name server path <<<"$of"
    BENCH_VARIANTS+=("$name, this|this $server|200|Accept: */*|$path" "$name, other|other $server|200|Accept: */*|$path")
  done
  BENCH_LIST=$list
  step "Warming up: a second of each"
  bench_rounds "$home" 1 1 "$connections"
  step "$rounds rounds of $seconds s of each, wrk -t1 -c$connections"
  bench_rounds "$home" "$rounds" "$seconds" "$connections"
  bench_now
  awk -F '\t' -v memory="$(bench_memory "this off") $(bench_memory "other off")" -v format="$format" \
    -f "$BENCH_SCRIPTS/table.awk" -f "$BENCH_SCRIPTS/compare.awk" "$home/rounds"
}
bench_memory() { awk '/^VmRSS/ { print $2 / 1024 }' "/proc/${BENCH_PID[$1]}/status"; }
