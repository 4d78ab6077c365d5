# shellcheck shell=bash
# ./dev ops: what watches koyomi, checked by Prometheus' own tool.

# Every alert is tried both ways: a test where it fires, and one where it has ended.
check_alerts_are_tried() {
  local alert tries status=0
  while read -r alert; do
    tries=$(cat ops/prometheus/*.test.yml | grep -cx " *- alertname: $alert" || true)
    if ((tries < 2)); then
      say "$alert is not tried both ways in ops/prometheus/*.test.yml"
      status=1
    fi
    if ! grep -q "\`$alert\`" docs/OPERATIONS.md; then
      say "docs/OPERATIONS.md does not say what $alert means"
      status=1
    fi
  done < <(sed -n 's/^ *- alert: //p' ops/prometheus/alerts.yml)
  return "$status"
}

# The queries of the dashboards, as rules, so that promtool reads them.
check_dashboards() {
  local rules=$STATE/dashboards.yml
  {
    printf 'groups:\n  - name: dashboards\n    rules:\n'
    sed -n 's/^ *"expr": \(".*"\),*$/      - record: dashboard:query\n        expr: \1/p' ops/grafana/dashboards/*.json
  } >"$rules"
  promtool check rules --lint=none "$rules" >&2
}

check_ops() {
  local status=0
  make_state_dir
  promtool check config --syntax-only ops/prometheus/prometheus.yml >&2 || status=1
  promtool check rules ops/prometheus/rules.yml ops/prometheus/alerts.yml >&2 || status=1
  (cd ops/prometheus && promtool test rules alerts.test.yml days.test.yml) >&2 || status=1
  check_alerts_are_tried || status=1
  check_dashboards || status=1
  return "$status"
}

cmd_ops() {
  ensure_packages promtool
  run_step "ops: rules, alerts, dashboards" check_ops
  finish_steps
}
