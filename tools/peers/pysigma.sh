#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# pySigma, the reference implementation of Sigma, and its SQLite backend, in a Python environment of their own.
#   pysigma.sh install      makes the environment (once; about half a minute)
#   pysigma.sh python       prints its interpreter; exit 1 when it is not installed
# Variables: PEERS_HOME (default ~/.cache/tocsin-peers)
set -eu
VERSION=2.0.1
BACKEND_VERSION=2.1.1
HOME_DIR=${PEERS_HOME:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/tocsin-peers}/pysigma
PYTHON=$HOME_DIR/bin/python

installed() {
  [ -x "$PYTHON" ] && [ "$(cat "$HOME_DIR/.tocsin" 2>/dev/null)" = "$VERSION $BACKEND_VERSION" ]
}

case ${1:-} in
  install)
    installed && exit 0
    rm -rf "$HOME_DIR"
    python3 -m venv "$HOME_DIR"
    # The machine's own certificates, so that a private authority in them is trusted too.
    if [ -z "${PIP_CERT:-}" ] && [ -f /etc/ssl/certs/ca-certificates.crt ]; then
      export PIP_CERT=/etc/ssl/certs/ca-certificates.crt
    fi
    "$HOME_DIR/bin/pip" install -q --disable-pip-version-check "pysigma==$VERSION" "pysigma-backend-sqlite==$BACKEND_VERSION"
    echo "$VERSION $BACKEND_VERSION" >"$HOME_DIR/.tocsin"
    ;;
  python) installed && echo "$PYTHON" ;;
  *) sed -n '3,/^set/s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
esac
