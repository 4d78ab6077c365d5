# shellcheck shell=bash
# ./dev bench profile: where the server's time goes while it answers one question, the nested one without a cache unless
# another is named: perf's samples by function, and the shares of a few kinds of work.

bench_profile() {
  local usage="usage: ./dev bench profile [--of nested|uncached|bounded|strict] [--seconds S] [--connections C]"
  local of=nested rest=()
  while (($#)); do
    case $1 in
      --of) of=${2:-} && shift "$(($# < 2 ? 1 : 2))" ;;
      *) rest+=("$1") && shift ;;
    esac
  done
  [[ $of =~ ^(nested|uncached|bounded|strict)$ ]] || die "$usage"
  local rounds=1 seconds=5 connections=16 format=text loader
  bench_options "$usage" "${rest[@]}"
  : "$rounds" "$format" # of the other benches
  ensure_rust
  ensure_packages postgresql redis wrk perf cc curl certificates
  fresh_home bench
  local home=$FRESH_HOME
  build_koyomi
  cp "$KOYOMI" "$home/"
  KOYOMI=$home/koyomi
  bench_databases
  [[ $of != nested ]] || bench_nested_list
  if [[ $of == strict || $of == bounded ]]; then bench_mode "$of" "$of"; else bench_mode "$of" off; fi
  bench_get "$of" 200 -o /dev/null
  step "$seconds s of it ($of), wrk -t1 -c$connections"
  start_group wrk -t1 "-c$connections" "-d$((seconds + 2))s" -H "Authorization: Bearer $TOKEN" \
    "http://127.0.0.1:${BENCH_PORT[$of]}$BENCH_LIST"
  loader=$GROUP
  in_group sleep 1
  in_group perf record -q -F 499 -o "$home/perf" -p "${BENCH_PID[$of]}" -- sleep "$seconds" >/dev/null 2>&1 || die "perf record failed"
  wait_group "$loader" || die "wrk failed"
  perf report -i "$home/perf" --stdio --no-children -s sym 2>/dev/null | grep -E '^ +[0-9.]+%' >"$home/profile"
  head -n 40 "$home/profile"
  bench_profile_shares <"$home/profile"
}

bench_profile_shares() {
  awk '
    { share = $1 + 0; $1 = ""; name = $0 }
    name ~ /_rjem_|rust_alloc|rust_dealloc|malloc|realloc/ { sum["memory taken and given back"] += share; next }
    name ~ /memmove|memcpy/ { sum["bytes moved"] += share; next }
    name ~ /async_graphql|indexmap|try_join|try_maybe_done|FuturesUnordered|resolve_field/ { sum["the executor: futures of fields, the ordered map of the answer"] += share; next }
    name ~ /sqlx|from_row/ { sum["rows read: protocol, columns by name, types"] += share; next }
    name ~ /serde_json|format_escaped|value_serde/ { sum["JSON"] += share; next }
    name ~ /\[k\]/ { sum["the kernel"] += share; next }
    { sum["everything else"] += share }
    END { print ""; for (kind in sum) printf "%6.1f %%  %s\n", sum[kind], kind | "sort -rn" }'
}
