#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One real OpenSearch node on loopback, from Maven Central: the server and the modules that its distribution always
# loads. Plain HTTP, without the plugins for security and for index management.
#   opensearch.sh install                    fetch the jars (about 90 MB)
#   opensearch.sh start [setting=value...]   settings of opensearch.yml
#   opensearch.sh stop | kill | status       kill: as a crash would
#   opensearch.sh wipe                       remove its data (when stopped)
#   opensearch.sh url
# Variables: SERVICES_HOME, OPENSEARCH_VERSION, OPENSEARCH_DIR (state), OPENSEARCH_PORT, OPENSEARCH_TRANSPORT_PORT,
#   OPENSEARCH_HEAP (its heap grows to that at most)
set -u
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$HERE/lib.sh"
OPENSEARCH_VERSION=${OPENSEARCH_VERSION:-2.19.6} # the last line for Java 17
OPENSEARCH_DIR=${OPENSEARCH_DIR:-$RUN/opensearch}
OPENSEARCH_PORT=${OPENSEARCH_PORT:-19200}
OPENSEARCH_TRANSPORT_PORT=${OPENSEARCH_TRANSPORT_PORT:-$((OPENSEARCH_PORT + 100))}
OPENSEARCH_HEAP=${OPENSEARCH_HEAP:-1g}
INTO=$DIST/opensearch-$OPENSEARCH_VERSION
PIDF=$OPENSEARCH_DIR/opensearch.pid
URL=http://127.0.0.1:$OPENSEARCH_PORT

cmd_install() {
  need java javac mvn curl
  [ -e "$INTO/.complete" ] && { say "opensearch $OPENSEARCH_VERSION is in $INTO"; return; }
  mkdir -p "$INTO/libs" "$INTO/classes"
  mvn -B -q -f "$HERE/opensearch/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
    -Dopensearch.version="$OPENSEARCH_VERSION" -DincludeScope=runtime -DoutputDirectory="$INTO/libs" || die "mvn failed"
  javac -nowarn -d "$INTO/classes" -cp "$INTO/libs/*" "$HERE/opensearch/Server.java" || die "javac failed"
  touch "$INTO/.complete"
  say "opensearch $OPENSEARCH_VERSION: $(find "$INTO/libs" -name '*.jar' | wc -l) jars in $INTO"
}

write_log_config() {
  cat >"$OPENSEARCH_DIR/log4j2.properties" <<'L'
appenders=out
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d %p %c{1} %m%n
rootLogger.level=INFO
rootLogger.appenderRefs=out
rootLogger.appenderRef.out.ref=out
L
}

ready() { http_ok "$URL/_cluster/health?wait_for_status=yellow&timeout=1s"; }

cmd_start() {
  [ -e "$INTO/.complete" ] || cmd_install
  alive "$PIDF" && { cmd_status; return; }
  mkdir -p "$OPENSEARCH_DIR/tmp"
  write_log_config
  spawn "$PIDF" "$OPENSEARCH_DIR/opensearch.log" java -Xms256m -Xmx"$OPENSEARCH_HEAP" -XX:+UseG1GC \
    -XX:+ExitOnOutOfMemoryError -XX:MaxDirectMemorySize=256m -Djava.awt.headless=true \
    -Djava.io.tmpdir="$OPENSEARCH_DIR/tmp" -Dlog4j2.configurationFile="$OPENSEARCH_DIR/log4j2.properties" \
    -Dlog4j.shutdownHookEnabled=false -Dopensearch.networkaddress.cache.ttl=60 -Dio.netty.noUnsafe=true \
    -Dio.netty.noKeySetOptimization=true --add-opens=java.base/java.io=ALL-UNNAMED \
    --add-opens=java.base/java.nio.file=ALL-UNNAMED -cp "$INTO/classes:$INTO/libs/*" \
    Server "$OPENSEARCH_DIR" "$OPENSEARCH_PORT" "$OPENSEARCH_TRANSPORT_PORT" "$@"
  wait_for "${OPENSEARCH_START_TIMEOUT:-180}" "$PIDF" opensearch ready || die "see $OPENSEARCH_DIR/opensearch.log"
  cmd_status
}

cmd_status() {
  alive "$PIDF" || { echo "opensearch down"; return 3; }
  echo "opensearch up pid $(pid_of "$PIDF") rss $(rss_mb "$(pid_of "$PIDF")") MB $URL"
}

c=${1:-}
[ $# -gt 0 ] && shift
case $c in
  install) cmd_install ;;
  start) cmd_start "$@" ;;
  stop) stop_pid "$PIDF" 30 ;;
  kill) stop_pid "$PIDF" 10 KILL ;;
  status) cmd_status ;;
  url) echo "$URL" ;;
  wipe) alive "$PIDF" && die "stop it first"; rm -rf "$OPENSEARCH_DIR" ;;
  *) sed -n '3,/^set -u/p' "${BASH_SOURCE[0]}" | sed '$d; s/^# \{0,1\}//'; exit 2 ;;
esac
