# shellcheck shell=bash
# ./dev oracle: random series through the expander of crates/recurrence, python-dateutil and ical.js. What differs and is
# not explained by a class of tests/oracle/classes.rs fails.

ICAL_JS=2.2.1

cmd_oracle() {
  local usage="usage: ./dev oracle [--rules N] [--seed N] [--freeze N]"
  local rules=20000 seed=1 freeze=0 home=crates/recurrence python tools cases
  while (($#)); do
    [[ $1 == --* && ${2:-} =~ ^[0-9]+$ ]] || die "$usage"
    case $1 in
      --rules) rules=$2 ;;
      --seed) seed=$2 ;;
      --freeze) freeze=$2 ;;
      *) die "$usage" ;;
    esac
    shift 2
  done
  ensure_rust
  ensure_packages cc certificates venv node
  make_state_dir
  oracle_tools "$home/oracle"
  cases=$STATE/oracle
  mkdir -p "$cases"
  step "python-dateutil: $rules series, seed $seed"
  # no zone of this machine: those of the tzdata package are of the release that the crate has
  PYTHONTZPATH='' PYTHONPYCACHEPREFIX="$cases/pycache" in_group "$python" "$home/oracle/generate.py" \
    --seed "$seed" --cases "$rules" --zones "$cases/zones.json" --out "$cases/asked.jsonl" || die "generate.py failed"
  step "ical.js $ICAL_JS"
  in_group node "$home/oracle/answer.mjs" "$tools/node_modules/ical.js/dist/ical.js" \
    "$cases/zones.json" "$cases/asked.jsonl" "$cases/answered.jsonl" || die "answer.mjs failed"
  step "koyomi"
  ORACLE_CASES=$(realpath "$cases/answered.jsonl") \
    in_group cargo test --locked --quiet --release -p recurrence --test oracle -- --nocapture || return 1
  if ((freeze)); then
    head -n "$freeze" "$cases/answered.jsonl" >"$home/tests/oracle.jsonl"
    say "the first $freeze are now $home/tests/oracle.jsonl"
  fi
}

# Sets python and tools.
oracle_tools() {
  local pins
  pins=$(sha256sum "$1/requirements.txt" | cut -c1-12)
  local venv=$STATE/venv-oracle-$pins
  python=$venv/bin/python
  tools=$STATE/ical.js-$ICAL_JS
  if [[ ! -e $venv/complete ]]; then
    step "Installing python-dateutil and tzdata from PyPI into $venv"
    rm -rf "$venv"
    python3 -m venv "$venv"
    in_group "$python" -m pip install --quiet --disable-pip-version-check -r "$1/requirements.txt" || die "pip could not install them"
    touch "$venv/complete"
  fi
  if [[ ! -e $tools/complete ]]; then
    step "Installing ical.js $ICAL_JS from npm into $tools"
    rm -rf "$tools"
    mkdir -p "$tools"
    printf '{"private": true}\n' >"$tools/package.json"
    in_group npm install --prefix "$tools" --no-audit --no-fund --silent --ignore-scripts "ical.js@$ICAL_JS" || die "npm could not install it"
    touch "$tools/complete"
  fi
}
