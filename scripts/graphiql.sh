# shellcheck shell=bash
# ./dev graphiql: fetches the parts of the explorer that are not ours from npm, in the versions that are written down here.
# What it writes is what stands in the repository already, byte by byte; a new version is a change of these lines.

GRAPHIQL_PARTS=(
  graphiql@4.1.2:graphiql.min.js
  graphiql@4.1.2:graphiql.min.css
  react@18.3.1:umd/react.production.min.js
  react-dom@18.3.1:umd/react-dom.production.min.js
)

cmd_graphiql() {
  local assets=crates/server/assets/graphiql work part package file
  (($# == 0)) || die "usage: ./dev graphiql"
  ensure_packages node
  make_state_dir
  work=$STATE/graphiql
  rm -rf "$work"
  mkdir -p "$work"
  for part in "${GRAPHIQL_PARTS[@]}"; do
    package=${part%%:*} file=${part#*:}
    if [[ ! -d $work/$package ]]; then
      step "Fetching $package"
      mkdir -p "$work/$package"
      (cd "$work/$package" && npm pack --silent "$package" >/dev/null && tar -xzf ./*.tgz) || die "npm could not fetch $package"
    fi
    gzip -9nc "$work/$package/package/$file" >"$assets/${file##*/}.gz"
  done
  git diff --stat -- "$assets"
}
