# shellcheck shell=bash
# ./dev hostile [--queries N] [--seed N] [--seconds S]: hostile GraphQL questions to a koyomi of its own.

cmd_hostile() {
  local port calendar
  ensure_rust
  ensure_packages postgresql cc curl certificates
  fresh_home bench
  step "Building koyomi and its enemy"
  in_group cargo build --release -p bench --bin hostile || die "the build failed"
  build_koyomi
  cp "$KOYOMI" "${KOYOMI%/*}/hostile" "$FRESH_HOME/"
  KOYOMI=$FRESH_HOME/koyomi
  pg_fresh
  bench_load
  calendar=${BENCH_LIST#/api/calendars/}
  port=$(free_port)
  serve_koyomi "$PG_HOME" "$port"
  in_group "$FRESH_HOME/hostile" --url "http://127.0.0.1:$port" --token "$TOKEN" --pid "$GROUP" --calendar "${calendar%%/*}" "$@"
}
