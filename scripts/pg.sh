# shellcheck shell=bash
# Private PostgreSQL servers: TCP on 127.0.0.1 only (a socket path may not exceed 107 bytes, a checkout's path may),
# scram with a random password, durable (fsync on), never as root. A server's directory ("home") holds
#   data/      the cluster, with server.log and koyomi.conf in it
#   password   of the roles koyomi and postgres; mode 0600
#   port       the last one used, taken again when it is free
#   lock       held while the server is being created, started or stopped
#   users      a shared lock held by each ./dev run; the last one out stops the server
#   keep       present after ./dev pg start: nobody but ./dev pg stop stops it

PG_BIN=

# Finds the newest PostgreSQL >= 15, or the one of the given major version.
find_pg() {
  local wanted=${1:-} dir major
  for dir in $(printf '%s\n' /usr/lib/postgresql/*/bin /usr/pgsql-*/bin | sort -Vr) "$(dirname "$(command -v postgres || echo /nowhere/x)")"; do
    [[ -x $dir/postgres && -x $dir/initdb && -x $dir/pg_ctl && -x $dir/psql ]] || continue
    major=$("$dir/postgres" --version | sed -E 's/[^0-9]*([0-9]+).*/\1/')
    if [[ -n $wanted && $major == "$wanted" || -z $wanted && $major -ge 15 ]]; then
      PG_BIN=$dir
      return 0
    fi
  done
  return 1
}

# Runs a command as the user PostgreSQL runs as: initdb and postgres refuse root.
as_pg() {
  if ((EUID == 0)); then runuser -u postgres -- "$@"; else "$@"; fi
}

# Where the home of server $1 lies: under .dev/, unless root's checkout is out of reach for the user postgres.
PG_HOME=
pg_home() {
  make_state_dir
  local base=$STATE
  if ((EUID == 0)); then
    id postgres >/dev/null 2>&1 || die "there is no user postgres to run PostgreSQL as (it refuses root)"
    if ! (cd / && as_pg test -x "$STATE"); then
      base=/var/lib/koyomi-dev-$(printf '%s' "$ROOT" | sha256sum | cut -c1-12)
      [[ -d $base ]] || say "the user postgres cannot reach $STATE: PostgreSQL's data go to $base"
      mkdir -p -m 755 "$base"
      printf '%s\n' "$ROOT" >"$base/checkout"
    fi
  fi
  PG_HOME=$base/$1
}

# The processes of the server in home $1: PostgreSQL's all have the data directory as their working directory.
pg_pids() {
  local dir
  for dir in /proc/[0-9]*; do
    if [[ $dir/cwd -ef $1/data && $(cat "$dir/comm" 2>/dev/null) == postgres* ]]; then printf '%s\n' "${dir#/proc/}"; fi
  done
}

# The postmaster's process id, if it lives.
pg_pid() {
  local pid=
  { read -r pid <"$1/data/postmaster.pid"; } 2>/dev/null || true
  if [[ $pid =~ ^[0-9]+$ && /proc/$pid/cwd -ef $1/data ]]; then printf '%s\n' "$pid"; else return 1; fi
}

pg_url() { printf 'postgres://%s:%s@127.0.0.1:%s/%s\n' "$2" "$(<"$1/password")" "$(<"$1/port")" "$3"; }

pg_psql() {
  local home=$1 role=$2 database=$3
  shift 3
  PGPASSWORD=$(<"$home/password") "$PG_BIN/psql" -X -h 127.0.0.1 -p "$(<"$home/port")" -U "$role" -d "$database" "$@"
}

pg_create() {
  local home=$1 secret
  say "creating a PostgreSQL data directory in $home"
  (umask 077 && random_hex 24 >"$home/password")
  as_pg rm -rf "$home/data.new" 2>/dev/null || rm -rf "$home/data.new"
  mkdir -m 700 "$home/data.new"
  secret=$(mktemp "$home/secret.XXXXXX")
  cp "$home/password" "$secret"
  if ((EUID == 0)); then chown postgres: "$home/data.new" "$secret"; fi
  if ! (cd / && as_pg "$PG_BIN/initdb" -D "$home/data.new" -U postgres --pwfile="$secret" --encoding=UTF8 --locale=C.UTF-8 \
    --auth=scram-sha-256 --no-instructions) >"$home/initdb.log" 2>&1; then
    rm -f "$secret"
    cat "$home/initdb.log" >&2
    die "initdb failed"
  fi
  rm -f "$secret" "$home/initdb.log"
  printf "include = 'koyomi.conf'\n" | as_pg tee -a "$home/data.new/postgresql.conf" >/dev/null
  mv "$home/data.new" "$home/data" # last, so that an interrupted creation starts over
}

pg_write_conf() {
  as_pg tee "$1/data/koyomi.conf" >/dev/null <<CONF
# Written by ./dev at each start.
listen_addresses = '127.0.0.1'
port = $(<"$1/port")
unix_socket_directories = ''
max_connections = 200
shared_buffers = 256MB
shared_preload_libraries = 'pg_stat_statements'
# koyomi promises that nothing acknowledged is lost, and refuses a server that cannot keep it
fsync = on
full_page_writes = on
synchronous_commit = on
logging_collector = off
log_destination = 'stderr'
log_timezone = 'UTC'
timezone = 'UTC'
CONF
}

# Starts the server whose lock the caller holds. A remembered port comes first.
pg_launch() {
  local home=$1 lock=$2 port
  port=$(cat "$home/port" 2>/dev/null || true)
  for _ in {1..5}; do
    if [[ -z $port ]] || port_taken "$port"; then port=$(free_port); fi
    printf '%s\n' "$port" >"$home/port"
    pg_write_conf "$home"
    if (cd "$home" && PGDATA=$home/data as_pg "$PG_BIN/pg_ctl" start -w -t 120 -s -l data/server.log) {lock}>&- </dev/null >/dev/null 2>&1; then
      return
    fi
    port_taken "$port" || break # not a matter of the port
  done
  tail -n 20 "$home/data/server.log" >&2 || true
  die "PostgreSQL did not start; its log: $home/data/server.log"
}

# What a killed postmaster left behind: children that have not noticed yet, a pid file whose number may belong to
# somebody else by now.
pg_clear_remains() {
  local home=$1 pids
  for _ in {1..50}; do
    pids=$(pg_pids "$home")
    [[ -n $pids ]] || break
    sleep 0.1
  done
  # shellcheck disable=SC2086 # a list of numbers
  [[ -z $pids ]] || kill -KILL $pids
  rm -f "$home/data/postmaster.pid"
}

# Brings the server in home $1 up, creating it if need be. Returns 0 also when it was up. PG_STARTED says which.
PG_STARTED=
pg_up() {
  local home=$1 lock
  mkdir -p "$home"
  exec {lock}>"$home/lock"
  flock "$lock"
  PG_STARTED=no
  if [[ -e $home/data/PG_VERSION || -d $home/data ]]; then
    local owner version
    owner=$(stat -c %U "$home/data")
    if ((EUID == 0)); then [[ $owner == postgres ]]; else [[ $owner == "$(id -un)" ]]; fi ||
      die "$home/data belongs to $owner: call ./dev as the user who created it, or remove $home"
    version=$(as_pg cat "$home/data/PG_VERSION")
    find_pg "$version" || die "$home/data was made by PostgreSQL $version, which is not installed: install postgresql-$version, or remove $home (./dev pg reset)"
  else
    find_pg || die "PostgreSQL 15 or newer is not installed"
    pg_create "$home"
  fi
  if ! pg_pid "$home" >/dev/null; then
    pg_clear_remains "$home"
    pg_launch "$home" "$lock"
    PG_STARTED=yes
  fi
  # the server's own role owns its database and is no superuser, as in production
  if [[ ! -e $home/prepared ]]; then
    pg_psql "$home" postgres postgres -q -v ON_ERROR_STOP=1 -v password="$(<"$home/password")" <<'SQL'
select not exists (select from pg_roles where rolname = 'koyomi') as role_missing,
       not exists (select from pg_database where datname = 'koyomi') as database_missing \gset
\if :role_missing
create role koyomi login createdb password :'password';
\endif
\if :database_missing
create database koyomi owner koyomi;
\endif
\connect koyomi
create extension if not exists pg_stat_statements;
SQL
    touch "$home/prepared"
  fi
  exec {lock}>&-
}

pg_down() {
  local home=$1 lock
  [[ -d $home/data ]] || return 0
  exec {lock}>"$home/lock"
  flock "$lock"
  if pg_pid "$home" >/dev/null; then
    (cd "$home" && PGDATA=$home/data as_pg "$PG_BIN/pg_ctl" stop -w -t 60 -s -m fast) >/dev/null 2>&1 ||
      (cd "$home" && PGDATA=$home/data as_pg "$PG_BIN/pg_ctl" stop -w -t 30 -s -m immediate) >/dev/null 2>&1 ||
      say "PostgreSQL in $home did not stop"
  fi
  exec {lock}>&-
}

cmd_pg() {
  local action=${1:-}
  case $action in
    start) ensure_packages postgresql ;;
    stop | url | psql | reset) ;;
    *) die "usage: ./dev pg start | stop | url [postgres] | psql [psql arguments] | reset" ;;
  esac
  shift
  find_pg || die "PostgreSQL 15 or newer is not installed: ./dev pg start"
  pg_home pg
  case $action in
    start)
      pg_up "$PG_HOME"
      touch "$PG_HOME/keep"
      say "$("$PG_BIN/postgres" --version) is up on 127.0.0.1:$(<"$PG_HOME/port"); ./dev pg url, ./dev pg psql, ./dev pg stop"
      ;;
    stop)
      rm -f "$PG_HOME/keep"
      pg_down "$PG_HOME"
      ;;
    reset) # everything in it is lost
      pg_down "$PG_HOME"
      rm -rf "$PG_HOME"
      ;;
    url | psql)
      pg_pid "$PG_HOME" >/dev/null || die "the private PostgreSQL is not up: ./dev pg start"
      if [[ $action == url ]]; then
        case ${1:-} in
          '') pg_url "$PG_HOME" koyomi koyomi ;;
          postgres) pg_url "$PG_HOME" postgres postgres ;;
          *) die "usage: ./dev pg url [postgres]" ;;
        esac
      else
        pg_psql "$PG_HOME" koyomi koyomi "$@"
      fi
      ;;
  esac
}
