#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Prometheus, from the distribution's package, on loopback.
#   prometheus.sh install                    fetches the package and unpacks it; no service is set up, no root is needed
#   prometheus.sh promtool ARGUMENT...       promtool
#   prometheus.sh start HOST:PORT...         scrape these targets' /metrics
#   prometheus.sh stop | status
#   prometheus.sh query EXPR                 instant query, JSON
# Variables: SERVICES_HOME, PROMETHEUS_DIR (state), PROMETHEUS_PORT, PROMETHEUS_INTERVAL (of scrapes and rules),
#   PROMETHEUS_RULES (a rule file)
set -u
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$HERE/lib.sh"
PROMETHEUS_DIR=${PROMETHEUS_DIR:-$RUN/prometheus}
PROMETHEUS_PORT=${PROMETHEUS_PORT:-19090}
PROMETHEUS_INTERVAL=${PROMETHEUS_INTERVAL:-1s}
PIDF=$PROMETHEUS_DIR/prometheus.pid
API=http://127.0.0.1:$PROMETHEUS_PORT

# One that the user installed, or ours.
binary() { command -v "$1" || { [ -x "$DIST/prometheus/usr/bin/$1" ] && echo "$DIST/prometheus/usr/bin/$1"; }; }

# The package would enable a service on port 9090, which nobody asked for: it is only unpacked.
cmd_install() {
  binary promtool >/dev/null && binary prometheus >/dev/null && return
  need apt-get dpkg-deb
  local into=$DIST/prometheus.new
  rm -rf "$into" && mkdir -p "$into"
  (cd "$into" && apt-get -q download prometheus) || die "apt-get download prometheus failed (apt-get update helps with old lists)"
  dpkg-deb -x "$into"/prometheus_*.deb "$into" && rm -f "$into"/*.deb || die "the package could not be unpacked"
  rm -rf "$DIST/prometheus" && mv "$into" "$DIST/prometheus"
}

# Every target scraped once: it takes up its targets some 5 s after it says that it is ready.
scraped() {
  [ "$(curl -fsS -m 5 "$API/api/v1/query?query=count(up)" 2>/dev/null | sed -n 's/.*,"\([0-9]*\)"\]}.*/\1/p')" = "$1" ]
}

config() {
  printf 'global:\n  scrape_interval: %s\n  evaluation_interval: %s\n' "$PROMETHEUS_INTERVAL" "$PROMETHEUS_INTERVAL"
  [ -z "${PROMETHEUS_RULES:-}" ] || printf 'rule_files:\n  - %s\n' "$(realpath "$PROMETHEUS_RULES")"
  printf 'scrape_configs:\n  - job_name: tocsin\n    static_configs:\n      - targets:\n'
  printf "          - '%s'\n" "$@"
}

cmd_start() {
  local program
  need curl
  program=$(binary prometheus) || die "prometheus is not installed: prometheus.sh install"
  alive "$PIDF" && { cmd_status; return; }
  [ $# -gt 0 ] || die "start HOST:PORT..."
  mkdir -p "$PROMETHEUS_DIR"
  : >"$PROMETHEUS_DIR/prometheus.log"
  config "$@" >"$PROMETHEUS_DIR/prometheus.yml"
  spawn "$PIDF" "$PROMETHEUS_DIR/prometheus.log" "$program" --config.file="$PROMETHEUS_DIR/prometheus.yml" \
    --storage.tsdb.path="$PROMETHEUS_DIR/data" --web.listen-address=127.0.0.1:"$PROMETHEUS_PORT" \
    --enable-feature=exemplar-storage
  wait_for 30 "$PIDF" prometheus scraped $# || die "see $PROMETHEUS_DIR/prometheus.log"
  cmd_status
}

cmd_status() {
  alive "$PIDF" || { echo "prometheus down"; return 3; }
  echo "prometheus up pid $(pid_of "$PIDF") rss $(rss_mb "$(pid_of "$PIDF")") MB $API"
}

c=${1:-}
[ $# -gt 0 ] && shift
case $c in
  install) cmd_install ;;
  promtool) program=$(binary promtool) || die "promtool is not installed: prometheus.sh install"; exec "$program" "$@" ;;
  start) cmd_start "$@" ;;
  stop) stop_pid "$PIDF" 20 ;;
  status) cmd_status ;;
  query) curl -fsS -G --data-urlencode "query=$1" "$API/api/v1/query"; echo ;;
  *) sed -n '3,/^set -u/p' "${BASH_SOURCE[0]}" | sed '$d; s/^# \{0,1\}//'; exit 2 ;;
esac
