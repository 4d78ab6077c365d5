# shellcheck shell=bash
# ./dev connections: ten thousand connections that rest, and what those who ask meanwhile notice.
# ./dev hangups: a hundred thousand clients that go away in the middle of it; nothing may be left behind, nothing lost.

cmd_connections() { endure connections "$@"; }
cmd_hangups() { endure hangups "$@"; }

endure() {
  local port calendar files
  ensure_rust
  ensure_packages postgresql cc curl certificates
  files=$(ulimit -Hn)
  ulimit -Sn "$files"
  fresh_home bench
  step "Building koyomi and what it has to endure"
  in_group cargo build --release -p bench --bin endure || die "the build failed"
  build_koyomi
  cp "$KOYOMI" "${KOYOMI%/*}/endure" "$FRESH_HOME/"
  KOYOMI=$FRESH_HOME/koyomi
  pg_fresh
  bench_load
  calendar=${BENCH_LIST#/api/calendars/}
  port=$(free_port)
  KOYOMI_LOG=error serve_koyomi "$PG_HOME" "$port"
  step "$1"
  ENDURE_TOKEN=$TOKEN ENDURE_DATABASE_URL=$(pg_url "$PG_HOME" postgres koyomi) \
    in_group "$FRESH_HOME/endure" --address "127.0.0.1:$port" --pid "$GROUP" --calendar "${calendar%%/*}" "$@"
}
