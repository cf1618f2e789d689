#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The front end's part of ./dev.
#   web.sh build     web/dist, when a source is newer than the last build
#   web.sh lint      types, rules, format; no registry in the lock file
#   web.sh fmt       mends the format in place
#   web.sh test      the tests in a browser; TOCSIN names the binary for the live ones
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
STAMPS=node_modules/.stamps

# digest FILE...: of names and contents
digest() { git hash-object -- "$@" | paste -d' ' - <(printf '%s\n' "$@") | sha256sum | cut -d' ' -f1; }

# fresh NAME DIGEST: whether this was done already
fresh() { [ "$(cat "$STAMPS/$1" 2>/dev/null)" = "$2" ]; }
done_with() { mkdir -p "$STAMPS" && printf '%s\n' "$2" >"$STAMPS/$1"; }

sources() { find src public index.html package.json package-lock.json tsconfig.json vite.config.ts -type f | LC_ALL=C sort; }

install() {
  local now
  now=$(digest package.json package-lock.json .npmrc)-$(node -p process.versions.modules)
  fresh install "$now" && return
  command -v npm >/dev/null || { echo "no npm here: apt-get install nodejs npm" >&2; return 1; }
  npm ci --no-audit --no-fund
  done_with install "$now"
}

build() {
  local now files
  mapfile -t files < <(sources)
  now=$(digest "${files[@]}")
  if [ -f dist/index.html ] && fresh build "$now"; then
    echo "web/dist is up to date"
    return
  fi
  install
  # Beside, then in its place: a build that fails leaves the old one.
  npx --no-install vite build --outDir dist.new --emptyOutDir
  rm -rf dist && mv dist.new dist
  done_with build "$now"
}

lint() {
  install
  if grep -nE '"resolved"' package-lock.json; then
    echo "package-lock.json says where packages come from: npm config set omit-lockfile-registry-resolved true" >&2
    return 1
  fi
  npx --no-install tsc --noEmit
  npx --no-install biome check --error-on-warnings .
}

fmt() { install && npx --no-install biome check --write . >/dev/null; }

case ${1:-} in
  build | lint | fmt) "$1" ;;
  test) build && node tests/run.mjs "${@:2}" ;;
  *) sed -n '3,7p' "${BASH_SOURCE[0]}" >&2 && exit 2 ;;
esac
