# shellcheck shell=bash
# ./dev graphql-audit: what others' tools say of /graphql. graphql-http asks it everything that GraphQL over HTTP demands
# (https://github.com/graphql/graphql-http#audits); relay-compiler compiles a paged list against schema.graphql, and
# graphql-eslint looks at it by Relay's rules; the clients of graphql-ws and graphql-sse follow a calendar.

GRAPHQL_HTTP=1.23.1
GRAPHQL_JS=16.15.0
RELAY=20.1.1
GRAPHQL_WS=6.4.2
GRAPHQL_SSE=2.6.1
WS=8.23.0
ESLINT=10.15.0
GRAPHQL_ESLINT=4.4.1

cmd_graphql_audit() {
  local tools="$STATE/graphql-audit-$GRAPHQL_HTTP-$GRAPHQL_JS-$RELAY-$GRAPHQL_WS-$GRAPHQL_SSE-$WS-$ESLINT-$GRAPHQL_ESLINT" port failed=0
  (($# == 0)) || die "usage: ./dev graphql-audit"
  ensure_rust
  ensure_packages postgresql cc curl certificates node
  make_state_dir
  if [[ ! -e $tools/complete ]]; then
    step "Installing graphql-http $GRAPHQL_HTTP, relay-compiler $RELAY, graphql-ws $GRAPHQL_WS and graphql-eslint $GRAPHQL_ESLINT from npm into $tools"
    rm -rf "$tools"
    mkdir -p "$tools"
    printf '{"private": true, "type": "module"}\n' >"$tools/package.json"
    in_group npm install --prefix "$tools" --no-audit --no-fund --silent \
      "graphql-http@$GRAPHQL_HTTP" "graphql@$GRAPHQL_JS" "relay-compiler@$RELAY" \
      "graphql-ws@$GRAPHQL_WS" "graphql-sse@$GRAPHQL_SSE" "ws@$WS" \
      "eslint@$ESLINT" "@graphql-eslint/eslint-plugin@$GRAPHQL_ESLINT" || die "npm could not install them"
    touch "$tools/complete"
  fi
  cp -r scripts/graphql-audit/. schema.graphql "$tools/"
  pg_fresh
  build_koyomi
  prepare_koyomi "$PG_HOME"
  step "Starting koyomi"
  port=$(free_port)
  serve_koyomi "$PG_HOME" "$port"
  step "graphql-http"
  in_group node "$tools/audit.mjs" "http://127.0.0.1:$port/graphql" || failed=1
  TOKEN=$(new_token "$PG_HOME" 'dev graphql-audit')
  step "graphql-ws and graphql-sse"
  in_group node "$tools/subscriptions.mjs" "http://127.0.0.1:$port" "$TOKEN" || failed=1
  step "graphql-eslint"
  in_group env -C "$tools" node_modules/.bin/eslint schema.graphql || failed=1
  step "relay-compiler"
  mkdir -p "$tools/src/__generated__"
  in_group env -C "$tools" node_modules/.bin/relay-compiler relay.config.json || failed=1
  return "$failed"
}
