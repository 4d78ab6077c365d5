# shellcheck shell=bash
# ./dev run, and what it shares with others that need a koyomi that serves.

# Builds koyomi in release mode and sets KOYOMI to its path.
KOYOMI=
build_koyomi() {
  local target
  step "Building koyomi (the first time compiles every dependency)"
  in_group cargo build --release --bin koyomi || die "the build failed"
  target=$(cargo metadata --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
  KOYOMI=$target/release/koyomi
}

# Migrates and fills the database of home $1.
prepare_koyomi() {
  local url
  url=$(pg_url "$1" koyomi koyomi)
  step "Migrating and loading demo data"
  DATABASE_URL=$url in_group "$KOYOMI" migrate >&2 ||
    die "koyomi migrate failed (a database of an older state of the code can be given up with ./dev pg reset)"
  DATABASE_URL=$url in_group "$KOYOMI" seed --profile demo >&2 || die "koyomi seed failed"
}

# Serves the database of home $1 on port $2 in the background (GROUP); returns when it is ready.
# Should ./dev itself be killed, the kernel ends the server. Whoever measures or storms is one caller: rate limits are off
# unless it says otherwise.
serve_koyomi() {
  local home=$1 port=$2
  DATABASE_URL=$(pg_url "$home" koyomi koyomi) KOYOMI_LISTEN=127.0.0.1:$port KOYOMI_RATE_LIMITS=${KOYOMI_RATE_LIMITS:-off} start_group setpriv --pdeathsig TERM "$KOYOMI" serve
  for _ in {1..300}; do
    kill -0 "$GROUP" 2>/dev/null || die "koyomi serve ended before it was ready"
    if curl -fs -o /dev/null --max-time 2 "http://127.0.0.1:$port/readyz"; then return; fi
    sleep 0.2
  done
  die "koyomi serve is not ready after a minute (http://127.0.0.1:$port/readyz)"
}

new_token() { # home, name
  DATABASE_URL=$(pg_url "$1" koyomi koyomi) "$KOYOMI" token create --user mio@example.com --name "$2"
}

# The demo user's token, made once and kept: TOKEN.
TOKEN=
demo_token() {
  local home=$1 base=$2 file=$STATE/token status
  TOKEN=$(cat "$file" 2>/dev/null || true)
  if [[ -n $TOKEN ]]; then
    status=$(curl -s -o /dev/null --max-time 10 -w '%{http_code}' -H @<(printf 'Authorization: Bearer %s\n' "$TOKEN") "$base/api/calendars" || true)
    [[ $status == 401 ]] || return 0
  fi
  TOKEN=$(new_token "$home" 'dev run')
  (umask 077 && printf '%s\n' "$TOKEN" >"$file")
}

cmd_run() {
  local port=8080 base status=0
  while (($#)); do
    case $1 in
      --port=*) port=${1#*=} ;;
      --port)
        port=${2:-}
        (($# > 1)) && shift
        ;;
      *) die "usage: ./dev run [--port PORT]" ;;
    esac
    shift
  done
  if [[ ! $port =~ ^[1-9][0-9]{0,4}$ ]] || ((port > 65535)); then die "--port takes a number from 1 to 65535"; fi
  if port_taken "$port"; then die "something already listens on 127.0.0.1:$port: end it, or choose another with ./dev run --port PORT"; fi

  ensure_rust
  ensure_packages postgresql redis cc curl certificates
  find_pg_base
  step "Starting a private PostgreSQL"
  pg_use "$PG_BASE/pg"
  say "PostgreSQL is up on 127.0.0.1:$(<"$PG_BASE/pg/port")"
  step "Starting a private Redis"
  redis_fresh
  say "Redis is up on $REDIS_URL"
  export KOYOMI_REDIS=$REDIS_URL
  build_koyomi
  prepare_koyomi "$PG_BASE/pg"
  step "Starting koyomi"
  KOYOMI_RATE_LIMITS=${KOYOMI_RATE_LIMITS:-on} serve_koyomi "$PG_BASE/pg" "$port"
  base=http://127.0.0.1:$port
  demo_token "$PG_BASE/pg" "$base"
  cat <<BANNER

koyomi is up. Ctrl-C stops it, its PostgreSQL and its Redis; the data stay.

  API       $base/api
  GraphQL   $base/graphql
  docs      $base/docs
  OpenAPI   $base/api/openapi.json
  metrics   $base/metrics
  curves    $base/ops
  user      mio@example.com
  password  koyomi-demo
  token     $TOKEN

  curl -s -H 'Authorization: Bearer $TOKEN' $base/api/calendars

BANNER
  wait_group "$GROUP" || status=$?
  die "koyomi serve ended with status $status"
}
