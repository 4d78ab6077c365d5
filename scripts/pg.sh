# shellcheck shell=bash
# Private PostgreSQL servers: durable (fsync on), never as root, TCP on 127.0.0.1 only (a socket's path may not exceed
# 107 bytes, a checkout's path may), scram with a random password. A server's directory, its "home", holds
#   data/      the cluster, with server.log and koyomi.conf in it
#   password   of the roles koyomi (owns the database koyomi, no superuser) and postgres; mode 0600
#   port       the last one used, taken again when it is free
#   prepared   present once the role and the database exist
#   lock       held while the server is being created, started or stopped
#   users      a shared lock held by everyone who needs the server: the last one out stops it
#   keep       present after ./dev pg start: then only ./dev pg stop stops it

# Finds the newest PostgreSQL >= 15, or the newest of the given major version.
PG_BIN=
find_pg() {
  local wanted=${1:-} dir major
  while read -r dir; do
    [[ -x $dir/postgres && -x $dir/initdb && -x $dir/pg_ctl && -x $dir/psql ]] || continue
    major=$("$dir/postgres" --version | sed -E 's/[^0-9]*([0-9]+).*/\1/')
    if [[ -n $wanted && $major == "$wanted" ]] || [[ -z $wanted && $major -ge 15 ]]; then
      PG_BIN=$dir
      return 0
    fi
  done < <(
    printf '%s\n' /usr/lib/postgresql/*/bin /usr/pgsql-*/bin | sort -Vr
    if have postgres; then dirname -- "$(command -v postgres)"; fi
  )
  return 1
}

# Runs a command as the user PostgreSQL runs as: initdb and postgres refuse root.
as_pg() {
  if ((EUID == 0)); then runuser -u postgres -- "$@"; else "$@"; fi
}

# Where servers' homes lie: .dev/, unless root's checkout is out of reach for the user postgres.
PG_BASE=
find_pg_base() {
  make_state_dir
  PG_BASE=$STATE
  if ((EUID == 0)); then
    id postgres >/dev/null 2>&1 || die "there is no user postgres to run PostgreSQL as (it refuses root)"
    if ! (cd / && as_pg test -x "$STATE"); then
      PG_BASE=/var/lib/koyomi-dev-$(printf '%s' "$ROOT" | sha256sum | cut -c1-12)
      [[ -d $PG_BASE ]] || say "the user postgres cannot reach $STATE: PostgreSQL's data go to $PG_BASE"
      mkdir -p "$PG_BASE"
      chmod 755 "$PG_BASE"
      printf '%s\n' "$ROOT" >"$PG_BASE/checkout"
    fi
  fi
}

# The processes of the server in home $1: each has the data directory as its working directory.
pg_pids() {
  local dir comm
  for dir in /proc/[0-9]*; do
    if [[ $dir/cwd -ef $1/data ]] && read -r comm 2>/dev/null <"$dir/comm" && [[ $comm == postgres ]]; then
      printf '%s\n' "${dir#/proc/}"
    fi
  done
}

# Whether the postmaster of home $1 lives. The number in its file may belong to somebody else by now.
pg_is_up() {
  local pid=
  { read -r pid <"$1/data/postmaster.pid"; } 2>/dev/null || true
  [[ $pid =~ ^[0-9]+$ && /proc/$pid/cwd -ef $1/data ]]
}

pg_url() { printf 'postgres://%s:%s@127.0.0.1:%s/%s\n' "$2" "$(<"$1/password")" "$(<"$1/port")" "$3"; }

pg_psql() { # home, role, database, arguments of psql
  local home=$1 role=$2 database=$3
  shift 3
  PGPASSWORD=$(<"$home/password") "$PG_BIN/psql" -X -h 127.0.0.1 -p "$(<"$home/port")" -U "$role" -d "$database" "$@"
}

# pg_ctl on home $1. The paths go in by way of the environment and the working directory: pg_ctl hands its arguments
# to a shell. No descriptor of ours goes in: the server would hold our locks for as long as it lives.
pg_ctl() (
  home=$1
  shift
  for fd in /proc/self/fd/*; do
    fd=${fd##*/}
    if ((fd > 2 && fd < 255)); then exec {fd}>&-; fi
  done
  cd "$home"
  PGDATA=$home/data as_pg "$PG_BIN/pg_ctl" "$@" -w -s </dev/null >/dev/null 2>&1
)

pg_create() {
  local home=$1 secret
  say "creating a PostgreSQL data directory in $home"
  (umask 077 && random_hex 24 >"$home/password")
  rm -rf "$home/data.new" "$home/prepared"
  mkdir -m 700 "$home/data.new"
  secret=$(mktemp "$home/secret.XXXXXX")
  cat "$home/password" >"$secret"
  if ((EUID == 0)); then chown postgres: "$home/data.new" "$secret"; fi
  if ! (cd / && as_pg "$PG_BIN/initdb" -D "$home/data.new" -U postgres --pwfile="$secret" --encoding=UTF8 \
    --locale=C.UTF-8 --auth=scram-sha-256 --no-instructions) >"$home/initdb.log" 2>&1; then
    cat "$home/initdb.log" >&2
    rm -f "$secret"
    die "initdb failed"
  fi
  rm -f "$secret" "$home/initdb.log"
  printf "include = 'koyomi.conf'\n" | as_pg tee -a "$home/data.new/postgresql.conf" >/dev/null
  mv "$home/data.new" "$home/data" # last, so that an interrupted creation starts over
}

pg_configure() {
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

pg_launch() {
  local home=$1 port
  port=$(cat "$home/port" 2>/dev/null || true)
  for _ in {1..5}; do
    if [[ -z $port ]] || port_taken "$port"; then port=$(free_port); fi
    printf '%s\n' "$port" >"$home/port"
    pg_configure "$home"
    if pg_ctl "$home" start -t 120 -l data/server.log; then return; fi
    port_taken "$port" || break # it is not a matter of the port
  done
  as_pg tail -n 20 "$home/data/server.log" >&2 || true
  die "PostgreSQL did not start; its log: $home/data/server.log"
}

# What a killed postmaster left behind: children that have yet to notice, and its pid file.
pg_clear_remains() {
  local home=$1 pid pids
  for _ in {1..50}; do
    pids=$(pg_pids "$home")
    [[ -n $pids ]] || break
    sleep 0.1
  done
  for pid in $pids; do kill -KILL "$pid" 2>/dev/null || true; done
  rm -f "$home/data/postmaster.pid"
}

# Brings the server in home $1 up, creating it if need be.
pg_up() {
  local home=$1 lock owner version
  mkdir -p "$home"
  if ((EUID == 0)); then chmod go+x "$home"; fi
  exec {lock}>"$home/lock"
  flock "$lock"
  if [[ -d $home/data ]]; then
    owner=$(stat -c %U "$home/data")
    [[ $owner == "$( ((EUID == 0)) && echo postgres || id -un)" ]] ||
      die "$home/data belongs to $owner: call ./dev as that user (as root for postgres), or remove $home"
    version=$(as_pg cat "$home/data/PG_VERSION")
    find_pg "$version" ||
      die "$home was made by PostgreSQL $version, which is not installed: install postgresql-$version, or give its contents up with ./dev pg reset"
  else
    find_pg || die "PostgreSQL 15 or newer is not installed"
    pg_create "$home"
  fi
  if ! pg_is_up "$home"; then
    pg_clear_remains "$home"
    rm -f "$home/keep"
    pg_launch "$home"
  fi
  [[ -e $home/prepared ]] || pg_prepare "$home"
  exec {lock}>&-
}

# The server's own role owns its database and is no superuser: what koyomi needs must be had that way.
pg_prepare() {
  pg_psql "$1" postgres postgres -q -v ON_ERROR_STOP=1 -v password="$(<"$1/password")" <<'SQL'
select not exists (select from pg_roles where rolname = 'koyomi') as no_role,
       not exists (select from pg_database where datname = 'koyomi') as no_database \gset
\if :no_role
create role koyomi login createdb password :'password';
\endif
\if :no_database
create database koyomi owner koyomi;
\endif
\connect koyomi
create extension if not exists pg_stat_statements;
SQL
  touch "$1/prepared"
}

pg_down() {
  local home=$1 lock
  [[ -d $home/data ]] || return 0
  exec {lock}>"$home/lock"
  flock "$lock"
  if pg_is_up "$home"; then
    pg_ctl "$home" stop -t 60 -m fast || pg_ctl "$home" stop -t 30 -m immediate || say "PostgreSQL in $home did not stop"
  fi
  exec {lock}>&-
}

# Brings the server in home $1 up until this script ends, and stops it then unless somebody else needs it.
PG_USERS=
pg_use() {
  mkdir -p "$1"
  exec {PG_USERS}>"$1/users"
  flock -s "$PG_USERS"
  on_exit "pg_leave ${1@Q}"
  pg_up "$1"
}
pg_leave() {
  exec {PG_USERS}>&-
  exec {PG_USERS}>"$1/users"
  if [[ -e $1/keep ]]; then
    say "PostgreSQL stays up (./dev pg stop)"
  elif flock -n "$PG_USERS"; then
    pg_down "$1"
  else
    say "PostgreSQL stays up: another ./dev is using it"
  fi
  exec {PG_USERS}>&-
}

# A fresh server that lasts as long as this script; its home is PG_HOME. What a killed script left is swept up first:
# its home is the one whose lock nobody holds.
PG_HOME=
pg_fresh() {
  local sweep old
  find_pg_base
  exec {sweep}>"$PG_BASE/fresh.lock"
  flock "$sweep"
  for old in "$PG_BASE"/fresh-pg.*; do
    if [[ -d $old ]] && flock -n "$old/users" true; then pg_remove "$old"; fi
  done
  PG_HOME=$(mktemp -d "$PG_BASE/fresh-pg.XXXXXX")
  exec {PG_USERS}>"$PG_HOME/users"
  flock "$PG_USERS"
  on_exit "pg_remove ${PG_HOME@Q}"
  exec {sweep}>&-
  pg_up "$PG_HOME"
}
pg_remove() {
  pg_down "$1"
  pg_clear_remains "$1"
  rm -rf "$1"
}

cmd_pg() {
  local usage="usage: ./dev pg start | stop | url [postgres] | psql [arguments of psql] | reset"
  local action=${1:-}
  (($#)) && shift
  case $action in
    start) ensure_packages postgresql ;;
    stop | url | psql | reset) find_pg || die "PostgreSQL 15 or newer is not installed: ./dev pg start" ;;
    *) die "$usage" ;;
  esac
  find_pg_base
  PG_HOME=$PG_BASE/pg
  case $action in
    start)
      pg_up "$PG_HOME"
      touch "$PG_HOME/keep"
      say "$("$PG_BIN/postgres" --version) is up on 127.0.0.1:$(<"$PG_HOME/port") (./dev pg url, ./dev pg psql, ./dev pg stop)"
      ;;
    stop | reset)
      [[ -d $PG_HOME ]] || return 0
      rm -f "$PG_HOME/keep"
      flock -n "$PG_HOME/users" true || die "a ./dev run is using it, and stops it when it ends"
      pg_down "$PG_HOME"
      [[ $action == reset ]] || return 0
      pg_remove "$PG_HOME"
      say "removed $PG_HOME"
      ;;
    url | psql)
      pg_is_up "$PG_HOME" || die "the private PostgreSQL is not up: ./dev pg start"
      if [[ $action == psql ]]; then
        pg_psql "$PG_HOME" koyomi koyomi "$@"
      else
        case ${1:-} in
          '') pg_url "$PG_HOME" koyomi koyomi ;;
          postgres) pg_url "$PG_HOME" postgres postgres ;;
          *) die "$usage" ;;
        esac
      fi
      ;;
  esac
}
