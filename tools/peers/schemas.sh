#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The schemas of Kubernetes and of compose files, for tools/check_deploy.py.
#   schemas.sh install             kubernetes-validate (a Python package that carries them), compose-go (a Go module); needs go
#   schemas.sh installed           status 0 when they are there
#   schemas.sh check COMPOSE MANIFEST...
# Variables: PEERS_HOME (default ~/.cache/tocsin-peers)
set -eu
VERSION=1.37.0
KUBERNETES=1.31
COMPOSE_MODULE=github.com/compose-spec/compose-go/v2
COMPOSE_VERSION=v2.4.7
HOME_DIR=${PEERS_HOME:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/tocsin-peers}/schemas
PYTHON=$HOME_DIR/bin/python

installed() {
  [ -x "$PYTHON" ] && [ "$(cat "$HOME_DIR/.tocsin" 2>/dev/null)" = "$VERSION $COMPOSE_VERSION" ]
}

cmd_install() {
  local module
  rm -rf "$HOME_DIR"
  python3 -m venv "$HOME_DIR"
  # The machine's own certificates, so that a private authority in them is trusted too.
  if [ -z "${PIP_CERT:-}" ] && [ -f /etc/ssl/certs/ca-certificates.crt ]; then
    export PIP_CERT=/etc/ssl/certs/ca-certificates.crt
  fi
  "$HOME_DIR/bin/pip" install -q --disable-pip-version-check "kubernetes-validate==$VERSION" pyyaml
  module=$(cd "$HOME_DIR" && go mod download -json "$COMPOSE_MODULE@$COMPOSE_VERSION" | sed -n 's/^\t"Dir": "\(.*\)",*$/\1/p')
  install -m 0644 "$module/schema/compose-spec.json" "$HOME_DIR/compose-spec.json"
  echo "$VERSION $COMPOSE_VERSION" >"$HOME_DIR/.tocsin"
}

# Kustomizations are kustomize's own, ScaledObjects KEDA's: neither is among Kubernetes' schemas.
cmd_check() {
  "$PYTHON" - "$HOME_DIR/compose-spec.json" "$KUBERNETES" "$@" <<'CHECK'
import json
import sys

import jsonschema
import kubernetes_validate
import yaml

schema, version, compose, *manifests = sys.argv[1:]
bad = 0
for error in jsonschema.Draft7Validator(json.load(open(schema))).iter_errors(yaml.safe_load(open(compose))):
    bad = 1
    print(f"{compose}: {'.'.join(map(str, error.path))}: {error.message}")
for path in manifests:
    for document in yaml.safe_load_all(open(path)):
        if document["kind"] in ("Kustomization", "ScaledObject"):
            continue
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except Exception as error:
            bad = 1
            print(f"{path}: {document['kind']}: {error}")
sys.exit(bad)
CHECK
}

c=${1:-}
[ $# -gt 0 ] && shift
case $c in
  install) installed || cmd_install ;;
  installed) installed ;;
  check) cmd_check "$@" ;;
  *) sed -n '3,/^set/s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
esac
