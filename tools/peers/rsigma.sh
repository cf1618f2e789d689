#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# rsigma, an independent Sigma engine in Rust, compiled once. Without its server parts it needs a third of the packages.
#   rsigma.sh install       cargo install (needs a cargo of 1.88 or newer, rustup's or the system's)
#   rsigma.sh binary        prints the program; exit 1 when it is not installed
#   rsigma.sh package       prints the apt package with such a cargo, or nothing when none is needed; exit 1 when apt has none
# Variables: PEERS_HOME (default ~/.cache/tocsin-peers)
set -eu
VERSION=0.21.0
HOME_DIR=${PEERS_HOME:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/tocsin-peers}/rsigma
BINARY=$HOME_DIR/bin/rsigma

installed() { [ -x "$BINARY" ] && [ "$("$BINARY" --version 2>/dev/null)" = "rsigma $VERSION" ]; }

find_cargo() { # one that is new enough: Debian 12's own is not. Ubuntu keeps newer ones out of PATH.
  local candidate minor
  for candidate in "${CARGO:-}" "$(command -v cargo || true)" "${CARGO_HOME:-${HOME:-/root}/.cargo}/bin/cargo" \
    /usr/lib/rust-1.*/bin/cargo; do
    [ -n "$candidate" ] && [ -x "$candidate" ] || continue
    minor=$("$candidate" --version 2>/dev/null | sed -n 's/^cargo 1\.\([0-9]*\)\..*/\1/p')
    if [ -n "$minor" ] && [ "$minor" -ge 88 ]; then
      echo "$candidate"
      return 0
    fi
  done
  return 1
}

find_package() { # Debian's cargo-web (for its browsers), Ubuntu's cargo-1.NN
  local candidate version
  for candidate in cargo cargo-web $(apt-cache pkgnames cargo-1. 2>/dev/null | grep -x 'cargo-1\.[0-9]*' | sort -rV); do
    version=$(apt-cache policy "$candidate" 2>/dev/null | sed -n 's/^  Candidate: 1\.\([0-9]*\)\..*/\1/p')
    if [ -n "$version" ] && [ "$version" -ge 88 ]; then
      echo "$candidate"
      return 0
    fi
  done
  return 1
}

case ${1:-} in
  install)
    installed && exit 0
    cargo=$(find_cargo) || { echo "rsigma.sh: no cargo of 1.88 or newer, nor an apt package with one; install rustup" >&2 && exit 1; }
    # cargo finds its rustc beside it; another rustc in PATH must not come first.
    PATH=$(dirname "$cargo"):$PATH
    export PATH
    # No server, no link-time optimisation: this copy is asked for its results, not for its speed.
    CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
      "$cargo" install -q rsigma --version "$VERSION" --locked --no-default-features --root "$HOME_DIR"
    ;;
  binary) installed && echo "$BINARY" ;;
  package) installed || find_cargo >/dev/null || find_package ;;
  *) sed -n '3,/^set/s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
esac
