# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What ./dev test does; part of ./dev, which reads this file.
#
#   release build -> unit tests -> browser, peers, services -> sanitizers
#                        `-> sanitized programs are compiled beside what mostly waits

PASSED=0
FAILED=0
SKIPPED=0
FAILURES=()
SKIPS=()
SELECT=() # -R and -L of the user
SERVICES_JOB=
SANITIZERS_JOB=

no_skip() { [ "${TOCSIN_NO_SKIP:-}" = 1 ] || [ "${CI:-}" = true ]; }

# Names of the tests of build/$1 that the other arguments choose, one a line.
list_tests() {
  local preset=$1
  shift
  ctest --test-dir "build/$preset" -N "$@" ${SELECT[@]+"${SELECT[@]}"} 2>/dev/null |
    sed -n 's/^ *Test *#[0-9]*: //p'
}

# read_junit FILE: "passed|failed|skipped NAME" a line. What ctest did not run is a skip only when the program asked
# for it (exit status 77); a missing program is a failure. A program that passed but printed a line that begins with
# SKIPPED left something out: that counts as a skip of its own.
read_junit() {
  awk '
    function attribute(line, name) {
      return match(line, name "=\"[^\"]*\"") ? substr(line, RSTART + length(name) + 2, RLENGTH - length(name) - 3) : ""
    }
    /<testcase / {
      test = attribute($0, " name"); status = attribute($0, " status")
      if (status == "run") print "passed " test
      else if (status == "fail") print "failed " test
    }
    /<skipped / {
      if (/SKIP_RETURN_CODE/) print "skipped " test
      else print "failed " test " (" attribute($0, "message") ")"
    }
    /(^|<system-out>)SKIPPED/ && status == "run" { sub(/.*<system-out>/, ""); print "skipped " test " (in part): " $0 }
  ' "$1"
}

# run_ctest TITLE PRESET JOBS CTEST-ARGUMENT...
run_ctest() {
  local title=$1 preset=$2 jobs=$3 report status=0 failed_before=$FAILED line begin=$SECONDS
  shift 3
  mkdir -p "$REPORTS" "$LOGS"
  report=$ROOT/$REPORTS/$(printf '%s' "$title" | tr -c 'A-Za-z0-9\n' '-').xml
  rm -f "$report"
  say "==> Test: $title"
  ${RUN_PREFIX:-} ctest --test-dir "build/$preset" --output-on-failure --no-tests=ignore -j "$jobs" \
    --test-output-size-passed 1000000 --output-junit "$report" "$@" ${SELECT[@]+"${SELECT[@]}"} \
    9>&- >"$LOGS/ctest-output.log" 2>&1 || status=$?
  if [ $status != 0 ] || [ -t 2 ]; then cat "$LOGS/ctest-output.log" >&2; fi
  if [ -f "$report" ]; then
    while IFS= read -r line; do
      case $line in
        passed*) PASSED=$((PASSED + 1)) ;;
        failed*) failed "$title: ${line#failed }" ;;
        skipped*) SKIPPED=$((SKIPPED + 1)) && SKIPS+=("$title: ${line#skipped }") ;;
      esac
    done < <(read_junit "$report")
  fi
  if [ $status != 0 ] && [ "$FAILED" = "$failed_before" ]; then
    failed "$title: ctest ended with status $status"
  fi
  say "    done in $(took "$begin"); so far $PASSED passed, $FAILED failed, $SKIPPED skipped"
}

# check WHAT CMD...: one step of lint, counted like a test.
check() {
  local what=$1
  shift
  if step "$what" "$@"; then
    PASSED=$((PASSED + 1))
  else
    failed "lint: $what"
  fi
}

failed() { FAILED=$((FAILED + 1)) && FAILURES+=("$1"); }

# Label of the tests that run under each sanitizer.
sanitized_label() { if [ "$1" = asan ]; then echo '^(unit|fuzz-corpus)$'; else echo '^threads$'; fi; }

# compile_sanitized PRESET: only the test programs that run under it.
compile_sanitized() {
  local preset=$1 targets=()
  configure "$preset" || return 1
  mapfile -t targets < <(list_tests "$preset" -L "$(sanitized_label "$preset")" -LE "$SERVICE_LABELS")
  [ ${#targets[@]} = 0 ] || compile "$preset" "${targets[@]}"
}

# Compiling takes the processors, tests with services mostly wait: so both at once, the compiler yielding.
begin_sanitizers() {
  say "==> Compile for the sanitizers in the background (log: $LOGS/sanitizers.log)"
  mkdir -p "$LOGS"
  (
    trap - EXIT INT TERM
    renice -n 10 "$BASHPID" >/dev/null 2>&1 || true
    compile_sanitized asan && compile_sanitized tsan
  ) >"$LOGS/sanitizers.log" 2>&1 </dev/null &
  SANITIZERS_JOB=$!
}

run_sanitizers() {
  local preset begin=$SECONDS RUN_PREFIX=
  local -x TOCSIN_TEST_CASES=50000 # slow enough
  local -x UBSAN_OPTIONS=print_stacktrace=1
  say "==> Wait for the sanitized programs"
  if ! wait "$SANITIZERS_JOB"; then
    SANITIZERS_JOB=
    tail -n 80 "$LOGS/sanitizers.log" >&2
    failed "compile for the sanitizers"
    return 0
  fi
  SANITIZERS_JOB=
  say "    done in $(took "$begin")"
  for preset in asan tsan; do
    # The thread sanitizer of g++ 12 cannot live with the address randomisation of newer kernels.
    if [ $preset = tsan ] && setarch "$(uname -m)" -R true 2>/dev/null; then RUN_PREFIX="setarch $(uname -m) -R"; fi
    run_ctest "$preset" "$preset" "$JOBS" -L "$(sanitized_label $preset)" -LE "$SERVICE_LABELS"
  done
}

port_is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Ports and folders of the services under test are their own, so that nothing of the user's is touched.
choose_test_services() {
  local base port
  for ((base = 29092; base < 31000; base += 100)); do
    for port in 0 1 2 3 4 5 50 51 52 53 54 55 60 61; do port_is_free $((base + port)) || continue 2; done
    break
  done
  export KAFKA_BASE_PORT=$base
  export JAEGER_PORT_OTLP_HTTP=$((base + 50)) JAEGER_PORT_OTLP_GRPC=$((base + 51)) JAEGER_PORT_QUERY=$((base + 52))
  export JAEGER_PORT_QUERY_GRPC=$((base + 53)) JAEGER_PORT_HEALTH=$((base + 54)) JAEGER_PORT_METRICS=$((base + 55))
  export OPENSEARCH_PORT=$((base + 60)) OPENSEARCH_TRANSPORT_PORT=$((base + 61))
}

stop_test_services() {
  KAFKA_DIR=$ROOT/build/services/kafka tools/services/kafka.sh stop
  JAEGER_DIR=$ROOT/build/services/jaeger tools/services/jaeger.sh stop
  OPENSEARCH_DIR=$ROOT/build/services/opensearch tools/services/opensearch.sh stop
  rm -rf build/services
} >/dev/null 2>&1

start_test_services() {
  stop_test_services || true # what an earlier run that was killed left behind
  choose_test_services
  export KAFKA_DIR=$ROOT/build/services/kafka JAEGER_DIR=$ROOT/build/services/jaeger
  export OPENSEARCH_DIR=$ROOT/build/services/opensearch
  if step "Start Kafka on port $KAFKA_BASE_PORT" tools/services/kafka.sh start; then
    TOCSIN_KAFKA=$(tools/services/kafka.sh bootstrap plain)
    export TOCSIN_KAFKA
  else
    loud "no Kafka: its tests will be skipped"
  fi
  if step "Start Jaeger on port $JAEGER_PORT_QUERY" tools/services/jaeger.sh start; then
    export TOCSIN_JAEGER_QUERY=http://127.0.0.1:$JAEGER_PORT_QUERY
    export TOCSIN_JAEGER_OTLP=http://127.0.0.1:$JAEGER_PORT_OTLP_HTTP
  else
    loud "no Jaeger: its tests will be skipped"
  fi
  if step "Start OpenSearch on port $OPENSEARCH_PORT" tools/services/opensearch.sh start; then
    TOCSIN_OPENSEARCH=$(tools/services/opensearch.sh url)
    export TOCSIN_OPENSEARCH
  else
    loud "no OpenSearch: its tests will be skipped"
  fi
}

# Jaeger's first build takes as long as ours: it runs beside it, in a session of its own so that it can be ended.
begin_services_install() {
  say "==> Install Kafka, Jaeger, OpenSearch, pySigma and rsigma in the background (log: $LOGS/services-install.log)"
  mkdir -p "$LOGS"
  setsid "$ROOT/dev" services install-for-tests >"$LOGS/services-install.log" 2>&1 </dev/null &
  SERVICES_JOB=$!
}

await_services_install() {
  local begin=$SECONDS
  [ -n "$SERVICES_JOB" ] || return 0
  say "==> Wait for the services to be installed"
  if wait "$SERVICES_JOB"; then
    say "    done in $(took "$begin")"
  else
    tail -n 30 "$LOGS/services-install.log" >&2
    loud "Kafka, Jaeger, OpenSearch, pySigma or rsigma could not be installed"
  fi
  SERVICES_JOB=
}

end_test() {
  local status=$?
  trap - EXIT
  [ -z "$SERVICES_JOB" ] || kill -- "-$SERVICES_JOB" 2>/dev/null || true
  [ -z "$SANITIZERS_JOB" ] || pkill -P "$SANITIZERS_JOB" 2>/dev/null || true
  stop_test_services || true
  exit $status
}

find_test_data() {
  if [ -n "${TOCSIN_DATA:-}" ]; then
    [ -d "$TOCSIN_DATA" ] || die "TOCSIN_DATA=$TOCSIN_DATA: no such folder"
  else
    TOCSIN_DATA=$ROOT/../shared/data
  fi
  TOCSIN_DATA=$(cd "$TOCSIN_DATA" 2>/dev/null && pwd) || TOCSIN_DATA=$ROOT/../shared/data
  export TOCSIN_DATA
  [ -d "$TOCSIN_DATA" ]
}

SERVICE_LABELS='^(kafka|jaeger|opensearch|e2e|faults|peer)$'

# The tests that need no service, and the note for those whose data are not here.
test_release() {
  local missing=() name
  if find_test_data; then
    run_ctest "release" release "$JOBS" -LE "$SERVICE_LABELS"
    return
  fi
  mapfile -t missing < <(list_tests release -L '^data$')
  loud "TOCSIN_DATA: no folder $TOCSIN_DATA. ${#missing[@]} test programs on real logs and rules are SKIPPED."
  for name in ${missing[@]+"${missing[@]}"}; do
    SKIPPED=$((SKIPPED + 1)) && DATA_SKIPPED=$((DATA_SKIPPED + 1)) && SKIPS+=("release: $name (no TOCSIN_DATA)")
  done
  run_ctest "release" release "$JOBS" -LE "$SERVICE_LABELS|^data\$"
}

# The console in a real browser, over its mock and over the program.
test_web() {
  local log=$LOGS/web-tests.log begin=$SECONDS status=0 line counts
  if ! cmd_setup_browser; then
    loud "no Chromium: the tests of the console are SKIPPED"
    SKIPPED=$((SKIPPED + 1)) && SKIPS+=("web: no Chromium")
    return 0
  fi
  say "==> Test: web"
  TOCSIN=$ROOT/build/release/tocsin web/scripts/web.sh test >"$log" 2>&1 || status=$?
  counts=$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$log" | tail -n 1) || counts="0 passed, 0 failed, 0 skipped"
  read -r line _ <<<"$counts" && PASSED=$((PASSED + line))
  while IFS= read -r line; do failed "web: ${line#not ok }"; done < <(grep '^not ok ' "$log")
  while IFS= read -r line; do SKIPPED=$((SKIPPED + 1)) && SKIPS+=("web: ${line#ok }"); done < <(grep '^ok .* # SKIP' "$log")
  [ $status = 0 ] || tail -n 80 "$log" >&2
  if [ $status != 0 ] && ! grep -q '^not ok ' "$log"; then failed "web: the tests ended with status $status"; fi
  say "    done in $(took "$begin"); so far $PASSED passed, $FAILED failed, $SKIPPED skipped"
}

summary() {
  local line unexcused=$SKIPPED
  printf '\nAll of it took %s.\n' "$(took "$1")"
  for line in ${SKIPS[@]+"${SKIPS[@]}"}; do printf 'SKIPPED  %s\n' "$line"; done
  for line in ${FAILURES[@]+"${FAILURES[@]}"}; do printf 'FAILED   %s\n' "$line"; done
  # Data that nobody gave us are no fault of this machine's, unless it was told that nothing may be skipped.
  [ "${TOCSIN_NO_SKIP:-}" = 1 ] || unexcused=$((SKIPPED - DATA_SKIPPED))
  if no_skip && [ "$unexcused" -gt 0 ]; then
    printf '\n!!! %d tests were skipped, and here a skip is a failure.\n' "$unexcused"
    FAILED=$((FAILED + 1))
  fi
  [ $((PASSED + FAILED + SKIPPED)) -gt 0 ] || printf 'No test has that name or label.\n'
  printf '%d passed, %d failed, %d skipped\n' "$PASSED" "$FAILED" "$SKIPPED"
  [ "$FAILED" = 0 ] && [ "$PASSED" -gt 0 ]
}

cmd_test() {
  local fast=0 faults=0 nightly=0 begin=$SECONDS
  DATA_SKIPPED=0
  while [ $# -gt 0 ]; do
    case $1 in
      --fast) fast=1 ;;
      --faults) faults=1 ;;
      --nightly) nightly=1 ;;
      -R | -L) [ $# -ge 2 ] || die "$1 needs a value" && SELECT+=("$1" "$2") && shift ;;
      -h | --help) usage && exit 0 ;;
      *) say "dev test: what is '$1'?" && usage >&2 && exit 2 ;;
    esac
    shift
  done
  export LC_ALL=C.UTF-8
  [ $faults = 0 ] || export TOCSIN_FAULTS=1
  [ $nightly = 0 ] || export TOCSIN_TEST_CASES=${TOCSIN_TEST_CASES:-20000000}
  if [ $fast = 1 ]; then cmd_setup build lint; else cmd_setup all; fi
  [ $fast = 1 ] || setup_peers
  trap end_test EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  if [ $fast = 0 ] && [ ${#SELECT[@]} = 0 ]; then begin_services_install; fi
  if build_release; then
    test_release
    [ $fast = 1 ] || test_more $faults
  else
    failed "the release build"
  fi
  if [ ${#SELECT[@]} = 0 ]; then
    if [ $fast = 1 ]; then lint_steps fast; else lint_steps changed; fi
  fi
  summary "$begin"
}

# test_more FAULTS: what needs a browser or services, and the sanitizers.
test_more() {
  local labels='^(kafka|jaeger|opensearch|e2e)$' service_tests peer_tests whole=0
  [ "$1" = 0 ] || labels='^(kafka|jaeger|opensearch|e2e|faults)$'
  service_tests=$(list_tests release -L "$labels" | wc -l)
  peer_tests=$(list_tests release -L '^peer$' | wc -l)
  [ -d "$TOCSIN_DATA" ] || peer_tests=0
  if [ ${#SELECT[@]} = 0 ]; then
    whole=1
    begin_sanitizers
    test_web
  elif [ "$service_tests" -gt 0 ]; then
    begin_services_install
  elif [ "$peer_tests" -gt 0 ]; then
    step "Install pySigma and rsigma" peers_install || loud "pySigma or rsigma could not be installed"
  fi
  if [ $((service_tests + peer_tests)) -gt 0 ]; then
    await_services_install
    [ "$service_tests" = 0 ] || test_services "$labels"
    [ "$peer_tests" = 0 ] || run_ctest "peers" release "$JOBS" -L '^peer$'
  fi
  [ $whole = 0 ] || run_sanitizers
}

test_services() {
  start_test_services
  run_ctest "services" release 1 -L "$1"
  stop_test_services || true
}
