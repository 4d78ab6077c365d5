# shellcheck shell=bash
# ./dev fuzz-api: schemathesis reads the server's own OpenAPI document and tries to catch the server contradicting it: a 5xx,
# or a status, a content type or a body that the document does not declare.
#
# Without --max-time every operation gets its examples once, within 17 minutes; with it, fuzzing goes on until the time
# is up.

SCHEMATHESIS=4.32.5

cmd_fuzz_api() {
  local usage="usage: ./dev fuzz-api [--max-examples N] [--max-time SECONDS] [--seed N] [-- OPTIONS of schemathesis run]"
  local examples=50 bound=900 seed=$((RANDOM * 32768 + RANDOM)) venv="$STATE/venv-schemathesis-$SCHEMATHESIS"
  local time=() port status=0
  while (($#)); do
    case $1 in
      --max-examples | --max-time | --seed) [[ ${2:-} =~ ^[0-9]+$ ]] || die "$usage" ;;&
      --max-examples) examples=$2 && shift 2 ;;
      --max-time) bound=$2 time=(--max-time "$2") && shift 2 ;;
      --seed) seed=$2 && shift 2 ;;
      --) shift && break ;;
      *) die "$usage" ;;
    esac
  done
  ensure_rust
  ensure_packages postgresql cc curl certificates venv
  pg_fresh
  if [[ ! -e $venv/complete ]]; then
    step "Installing schemathesis $SCHEMATHESIS from PyPI into $venv"
    rm -rf "$venv"
    python3 -m venv "$venv"
    in_group "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "schemathesis==$SCHEMATHESIS" ||
      die "pip could not install schemathesis"
    touch "$venv/complete"
  fi
  build_koyomi
  prepare_koyomi "$PG_HOME"
  step "Starting koyomi"
  port=$(free_port)
  serve_koyomi "$PG_HOME" "$port"
  TOKEN=$(new_token "$PG_HOME" 'dev fuzz-api')
  step "schemathesis: seed $seed, at most $examples examples per operation"
  mkdir -p "$STATE/fuzz-api" # schemathesis leaves files where it runs
  in_group env -C "$STATE/fuzz-api" timeout --kill-after=10 $((bound + 120)) "$venv/bin/schemathesis" run "http://127.0.0.1:$port/api/openapi.json" \
    --header "Authorization: Bearer $TOKEN" \
    --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance \
    --max-examples "$examples" "${time[@]}" --seed "$seed" --request-timeout 10 --generation-database none \
    --continue-on-failure "$@" || status=$?
  ((status != 124)) || say "not done after $((bound + 120)) s: choose fewer examples, or a --max-time"
  say "to play it again: ./dev fuzz-api --seed $seed --max-examples $examples ${time[*]}"
  return "$status"
}
