# shellcheck shell=bash
# ./dev ops-page: the page /ops in a real browser, while there is something to see. The picture stays at .dev/ops-page.png.

cmd_ops_page() {
  local port work=$STATE/ops-page
  (($# == 0)) || die "usage: ./dev ops-page"
  ensure_rust
  ensure_packages postgresql redis cc curl certificates node chromium
  make_state_dir
  mkdir -p "$work"
  cp scripts/ops-page/look.mjs "$work/"
  step "Fetching playwright-core"
  (cd "$work" && npm install --silent --no-audit --no-fund --no-save playwright-core@1.65.1 >&2) || die "npm could not fetch playwright-core"
  step "Starting a private PostgreSQL and Redis"
  pg_fresh
  redis_fresh
  export KOYOMI_REDIS=$REDIS_URL
  build_koyomi
  prepare_koyomi "$PG_HOME"
  port=$(free_port)
  serve_koyomi "$PG_HOME" "$port"
  step "Looking at http://127.0.0.1:$port/ops"
  CHROMIUM=$(command -v chromium || command -v chromium-browser) \
    in_group node "$work/look.mjs" "http://127.0.0.1:$port" "$(new_token "$PG_HOME" ops-page)" "$STATE/ops-page.png" ||
    die "the page is not what it should be; its picture is at $STATE/ops-page.png"
  say "The page is live; its picture is at $STATE/ops-page.png"
}
