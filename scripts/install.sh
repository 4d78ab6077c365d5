# shellcheck shell=bash
# What the machine must have. Nothing is fetched when nothing is missing.

# Rust is not for ./dev to install: a toolchain is its owner's choice.
ensure_rust() {
  local wanted got
  wanted=$(sed -n 's/^rust-version *= *"\([0-9.]*\)".*/\1/p' Cargo.toml)
  have cargo || die "cargo is not on PATH. Install Rust $wanted or newer with rustup (https://rustup.rs; Debian 12's own is too old), then call ./dev again."
  got=$(cargo --version | cut -d' ' -f2)
  printf '%s\n' "$wanted" "$got" | sort -V -C ||
    die "koyomi needs Rust $wanted or newer, this is $got ($(command -v cargo)): rustup update stable"
}

ensure_rust_component() { # cargo's subcommand, the component that has it
  if cargo "$1" --version >/dev/null 2>&1; then return; fi
  say "adding Rust's $2"
  { have rustup && rustup component add "$2" >&2; } || die "cargo $1 is missing: rustup component add $2"
}

cc_works() { have cc && printf '#include <stdlib.h>\nint main(void) { return EXIT_SUCCESS; }\n' | cc -x c -o /dev/null - 2>/dev/null; }

# The compose command of this machine: no engine is needed to validate a file.
COMPOSE=()
find_compose() {
  if docker compose version >/dev/null 2>&1; then
    COMPOSE=(docker compose)
  elif have docker-compose; then
    COMPOSE=(docker-compose)
  else
    return 1
  fi
}

# libfaketime's library for programs with threads.
find_faketime() {
  local library
  for library in /usr/lib/*/faketime/libfaketimeMT.so.1 /usr/lib/faketime/libfaketimeMT.so.1 /usr/lib64/faketime/libfaketimeMT.so.1; do
    if [[ -e $library ]]; then
      printf '%s\n' "$library"
      return
    fi
  done
  return 1
}

# ensure_packages NEED...: installs Debian/Ubuntu packages for the needs that are not met.
ensure_packages() {
  local need missing=() as_root=() candidate
  for need; do
    case $need in
      postgresql) find_pg || missing+=(postgresql) ;;
      cc) { cc_works && have make; } || missing+=(gcc libc6-dev make) ;;
      redis) find_redis || missing+=(redis-server) ;;
      nats) find_nats || missing+=(nats-server) ;;
      faketime) find_faketime >/dev/null || missing+=(libfaketime) ;;
      valgrind) have valgrind || missing+=(valgrind) ;;
      perf) have perf || missing+=(linux-perf) ;;
      wrk) have wrk || missing+=(wrk) ;;
      promtool) have promtool || missing+=(prometheus) ;;
      chromium) have chromium || have chromium-browser || missing+=(chromium fonts-noto-cjk) ;;
      curl) have curl || missing+=(curl) ;;
      certificates) [[ -e /etc/ssl/certs/ca-certificates.crt || ! -e /etc/debian_version ]] || missing+=(ca-certificates) ;;
      compose) find_compose || missing+=(docker-compose) ;;
      node) { have node && have npm; } || missing+=(nodejs npm) ;;
      venv) python3 -c 'import venv, ensurepip' 2>/dev/null || missing+=(python3 python3-venv) ;;
      *) die "unknown need: $need" ;;
    esac
  done
  ((${#missing[@]})) || return 0

  have apt-get || die "missing: ${missing[*]} (names of Debian packages; PostgreSQL 15 or newer with its contrib modules). Install them with this system's package manager, then call ./dev again."
  if ((EUID != 0)); then
    have sudo || die "missing: ${missing[*]}, and there is no sudo here. As root: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  step "Installing ${missing[*]} (apt-get${as_root[*]:+ through ${as_root[*]}})"
  "${as_root[@]}" apt-get -qq -o DPkg::Lock::Timeout=300 update >&2 || say "apt-get update failed: going on with the lists at hand"
  if [[ " ${missing[*]} " == *' postgresql '* ]]; then
    candidate=$(apt-cache policy postgresql | sed -n 's/^ *Candidate: *\([0-9]*\).*/\1/p')
    ((${candidate:-0} >= 15)) ||
      die "koyomi needs PostgreSQL 15 or newer; this system's packages offer ${candidate:-none}. Add the source described at https://www.postgresql.org/download/linux/, then call ./dev again."
    forbid_default_cluster "${as_root[@]}"
  fi
  case " ${missing[*]} " in
    *' redis-server '* | *' nats-server '* | *' prometheus '*) forbid_services "${as_root[@]}" ;;
  esac
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${missing[@]}" >&2 ||
    die "apt-get could not install ${missing[*]}"
  allow_default_cluster "${as_root[@]}"
  allow_services "${as_root[@]}"
  for need; do
    case $need in
      postgresql) find_pg || die "PostgreSQL 15 or newer was installed, yet is not to be found" ;;
      redis) find_redis || die "redis-server was installed, yet is not to be found" ;;
      faketime) find_faketime >/dev/null || die "libfaketime was installed, yet is not to be found" ;;
      nats) find_nats || die "nats-server was installed, yet is not to be found" ;;
      compose) find_compose || die "docker-compose was installed, yet is not to be found" ;;
    esac
  done
}

# Debian's package makes and starts a cluster on 5432 when it is installed. This one is installed for its programs
# only, so for as long as that takes, a drop-in says no.
NO_CLUSTER=/etc/postgresql-common/createcluster.d/koyomi-dev.conf
forbid_default_cluster() {
  on_exit "allow_default_cluster ${*@Q}"
  "$@" mkdir -p "${NO_CLUSTER%/*}"
  printf 'create_main_cluster = false\n' | "$@" tee "$NO_CLUSTER" >/dev/null
}
allow_default_cluster() {
  [[ -e $NO_CLUSTER ]] || return 0
  "$@" rm -f "$NO_CLUSTER"
  "$@" rmdir --ignore-fail-on-non-empty "${NO_CLUSTER%/*}"
}

# Debian's packages of Redis and NATS start a service where an init runs. These are installed for their programs only:
# policy-rc.d says no to whatever is installed meanwhile, unless this machine has a policy of its own.
NO_SERVICES=/usr/sbin/policy-rc.d
NO_SERVICES_MARK='# written by koyomi'"'"'s ./dev while it installs packages'
forbid_services() {
  if [[ -e $NO_SERVICES ]] && ! grep -qxF "$NO_SERVICES_MARK" "$NO_SERVICES"; then return; fi
  on_exit "allow_services ${*@Q}"
  printf '#!/bin/sh\n%s\nexit 101\n' "$NO_SERVICES_MARK" | "$@" tee "$NO_SERVICES" >/dev/null
  "$@" chmod 755 "$NO_SERVICES"
}
allow_services() {
  if grep -qsxF "$NO_SERVICES_MARK" "$NO_SERVICES"; then "$@" rm -f "$NO_SERVICES"; fi
}
