# shellcheck shell=bash
# ./dev connections: ten thousand connections that rest, and what those who ask meanwhile notice.
# ./dev hangups: a hundred thousand clients that go away in the middle of it; nothing may be left behind, nothing lost.

# ./dev rolling: two instances behind a proxy, restarted in turn under load; nobody failed, nothing missed.

cmd_connections() {
  endure_ground
  endure_serve
  endure --address "127.0.0.1:$ENDURE_PORT" connections --pid "$ENDURE_PID" "$@"
}
cmd_hangups() {
  endure_ground
  endure_serve
  endure --address "127.0.0.1:$ENDURE_PORT" hangups "$@"
}
cmd_rolling() {
  local one two
  endure_ground
  one=$(free_port)
  two=$(free_port)
  DATABASE_URL=$(pg_url "$PG_HOME" koyomi koyomi) endure --address "127.0.0.1:$one" rolling --koyomi "$KOYOMI" \
    --instances "127.0.0.1:$one" "127.0.0.1:$two" "$@"
}

# Builds, and fills a database of its own.
endure_ground() {
  ensure_rust
  ensure_packages postgresql cc curl certificates
  ulimit -Sn "$(ulimit -Hn)"
  fresh_home bench
  step "Building koyomi and what it has to endure"
  in_group cargo build --release -p bench --bin endure || die "the build failed"
  build_koyomi
  cp "$KOYOMI" "${KOYOMI%/*}/endure" "$FRESH_HOME/"
  KOYOMI=$FRESH_HOME/koyomi
  pg_fresh
  bench_load
}

ENDURE_PORT= ENDURE_PID=
endure_serve() {
  ENDURE_PORT=$(free_port)
  KOYOMI_LOG=error serve_koyomi "$PG_HOME" "$ENDURE_PORT"
  ENDURE_PID=$GROUP
}

endure() {
  local calendar=${BENCH_LIST#/api/calendars/}
  step "endure ${*:3:1}"
  ENDURE_TOKEN=$TOKEN ENDURE_DATABASE_URL=$(pg_url "$PG_HOME" postgres koyomi) \
    in_group "$FRESH_HOME/endure" --calendar "${calendar%%/*}" "$@"
}
