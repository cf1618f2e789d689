#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The Debian package, from the release binary.
#   package.sh build             build/package/tocsin_VERSION_ARCH.deb; prints its name
#   package.sh check [DEB]       installs it in a fresh root of this distribution, runs it, upgrades, removes, purges (as root)
# Variables: SERVICES_HOME (where the fresh root is kept), TOCSIN_BINARY (default build/release/tocsin), TOCSIN_REVISION
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$ROOT/tools/services/lib.sh"
OUT=$ROOT/build/package
BINARY=${TOCSIN_BINARY:-$ROOT/build/release/tocsin}

# 0.1.0 at a release's tag; elsewhere 0.1.0+git1234.0123abc: the how many'th commit it is orders packages
version() {
  local base
  base=$(sed -n 's/^project(tocsin VERSION \([0-9.]*\).*/\1/p' "$ROOT/CMakeLists.txt")
  if [ "$(git -C "$ROOT" describe --tags --exact-match 2>/dev/null)" = "v$base" ] || ! git -C "$ROOT" rev-parse -q --verify HEAD >/dev/null; then
    echo "$base${TOCSIN_REVISION:-}"
  else
    echo "$base+git$(git -C "$ROOT" rev-list --count HEAD).$(git -C "$ROOT" rev-parse --short HEAD)${TOCSIN_REVISION:-}"
  fi
}

# put MODE SOURCE TARGET: into the tree
put() { install -D -m "$1" "$ROOT/$2" "$TREE/$3"; }

stage_files() {
  local file
  install -D -m 0755 "$BINARY" "$TREE/usr/bin/tocsin"
  strip --strip-unneeded "$TREE/usr/bin/tocsin"
  put 0644 deploy/systemd/tocsin-detect.service usr/lib/systemd/system/tocsin-detect.service
  put 0644 deploy/systemd/tocsin-store.service usr/lib/systemd/system/tocsin-store.service
  put 0644 deploy/systemd/tocsin-console.service usr/lib/systemd/system/tocsin-console.service
  put 0644 deploy/systemd/tocsin-produce@.service usr/lib/systemd/system/tocsin-produce@.service
  put 0644 deploy/package/tocsin.yml etc/tocsin/tocsin.yml
  put 0600 deploy/package/tocsin.env etc/tocsin/tocsin.env
  put 0644 deploy/package/example.env etc/tocsin/produce/example.env
  install -d "$TREE/etc/tocsin/rules"
  put 0644 deploy/package/completion.bash usr/share/bash-completion/completions/tocsin
  put 0644 deploy/package/tocsin.1 usr/share/man/man1/tocsin.1
  gzip -9n "$TREE/usr/share/man/man1/tocsin.1"
  put 0644 deploy/systemd/credentials.conf usr/share/doc/tocsin/examples/credentials.conf
  put 0644 config/tocsin.yml usr/share/doc/tocsin/examples/tocsin.yml
  put 0644 deploy/prometheus/alerts.yml usr/share/doc/tocsin/examples/prometheus-alerts.yml
  put 0644 deploy/grafana/tocsin.json usr/share/doc/tocsin/examples/grafana-dashboard.json
  put 0644 README.md usr/share/doc/tocsin/README.md
  for file in "$ROOT"/docs/*.md; do put 0644 "docs/${file##*/}" "usr/share/doc/tocsin/${file##*/}"; done
  put 0644 CHANGELOG.md usr/share/doc/tocsin/changelog
  gzip -9n "$TREE/usr/share/doc/tocsin/changelog"
  cat >"$TREE/usr/share/doc/tocsin/copyright" <<COPYRIGHT
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: tocsin

Files: *
Copyright: the Tocsin authors
License: Apache-2.0
 On Debian systems the full text is in /usr/share/common-licenses/Apache-2.0.
COPYRIGHT
  chmod 0644 "$TREE/usr/share/doc/tocsin/copyright"
}

# What the binary links, with the versions it needs, as the distribution's packages state them.
depends() {
  local work
  work=$(mktemp -d)
  mkdir "$work/debian"
  printf 'Source: tocsin\n\nPackage: tocsin\nArchitecture: any\n' >"$work/debian/control"
  (cd "$work" && dpkg-shlibdeps -O "$TREE/usr/bin/tocsin" 2>/dev/null) | sed -n 's/^shlibs:Depends=//p'
  rm -rf "$work"
}

control_files() {
  local needs
  needs=$(depends)
  [ -n "$needs" ] || die "dpkg-shlibdeps found no dependencies of $BINARY"
  install -d "$TREE/DEBIAN"
  cat >"$TREE/DEBIAN/control" <<CONTROL
Package: tocsin
Version: $VERSION
Architecture: $ARCH
Maintainer: ${DEBFULLNAME:-The Tocsin authors} <${DEBEMAIL:-tocsin@localhost}>
Installed-Size: $(du -sk --exclude=DEBIAN "$TREE" | cut -f1)
Depends: adduser, $needs
Recommends: ca-certificates
Suggests: prometheus
Section: admin
Priority: optional
Description: event-driven detection of attacks in logs, by Sigma rules
 Producers publish logs to a topic; detectors match every event against Sigma
 rules, classify it by MITRE ATT&CK tactic, and write verdicts, alerts and one
 trace for each event. The topics are in Kafka, or in one SQLite file.
CONTROL
  printf '/etc/tocsin/%s\n' tocsin.yml tocsin.env produce/example.env >"$TREE/DEBIAN/conffiles"
  install -m 0755 "$ROOT"/deploy/package/{postinst,prerm,postrm} "$TREE/DEBIAN"
  (cd "$TREE" && find usr -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
}

cmd_build() {
  need dpkg-deb dpkg-shlibdeps strip
  [ -x "$BINARY" ] || die "$BINARY is not built: ./dev build"
  VERSION=$(version) ARCH=$(dpkg --print-architecture)
  mkdir -p "$OUT"
  TREE=$(mktemp -d "$OUT/tree.XXXXXX")
  chmod 0755 "$TREE"
  (umask 022 && stage_files && control_files)
  # The time of the commit, so that the same sources give the same package.
  SOURCE_DATE_EPOCH=$(git -C "$ROOT" log -1 --format=%ct 2>/dev/null || date +%s) \
    dpkg-deb --root-owner-group -Zxz --build "$TREE" "$OUT/tocsin_${VERSION}_$ARCH.deb" >/dev/null
  rm -rf "$TREE"
  echo "$OUT/tocsin_${VERSION}_$ARCH.deb"
}

# ---- check ------------------------------------------------------------------------------------------------

# A minimal system of this distribution's release, made once.
fresh_root() {
  local codename site tar
  codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
  tar=$DIST/root-$codename-$(dpkg --print-architecture).tar
  if [ ! -s "$tar" ]; then
    need debootstrap
    site=$(apt-get indextargets --format '$(REPO_URI)' "Codename: $codename" 'Created-By: Packages' | head -n 1)
    [ -n "$site" ] || die "apt knows no archive of $codename"
    say "making a minimal $codename from $site (once)"
    mkdir -p "$DIST"
    debootstrap --variant=minbase "$codename" "$CHECK/made" "$site" >"$CHECK/debootstrap.log" 2>&1 ||
      { tail -n 20 "$CHECK/debootstrap.log" >&2; die "debootstrap failed"; }
    tar -C "$CHECK/made" --exclude=./var/cache/apt/archives/*.deb -cf "$tar.new" . && mv "$tar.new" "$tar"
    rm -rf "$CHECK/made"
  fi
  mkdir -p "$CHECK/root"
  tar -C "$CHECK/root" -xf "$tar"
  # Packages come from where this machine gets them.
  rm -rf "$CHECK/root/etc/apt"
  cp -r /etc/apt "$CHECK/root/etc/apt"
  cp -L /etc/resolv.conf "$CHECK/root/etc/resolv.conf" 2>/dev/null || true
  # Nothing may start in there.
  printf '#!/bin/sh\nexit 101\n' >"$CHECK/root/usr/sbin/policy-rc.d"
  chmod 0755 "$CHECK/root/usr/sbin/policy-rc.d"
}

inside() { chroot "$CHECK/root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }
as_tocsin() { inside runuser -u tocsin -- "$@"; }

ok() { say "ok    $1"; }
# expect WHAT CMD...: CMD succeeds, or the check ends
expect() {
  local what=$1
  shift
  "$@" >"$CHECK/last.log" 2>&1 || { cat "$CHECK/last.log" >&2; die "$what: FAILED ($*)"; }
  ok "$what"
}
is() { [ "$1" = "$2" ] || { say "'$1' is not '$2'"; return 1; }; }
gone() { [ ! -e "$CHECK/root/$1" ]; }

end_check() {
  umount "$CHECK/root/proc" 2>/dev/null || true
  mountpoint -q "$CHECK/root/proc" || rm -rf "$CHECK"
}

run_inside() {
  expect "the program starts" inside tocsin --version
  expect "its user owns the data" is "$(inside stat -c '%U:%G %a' /var/lib/tocsin)" "tocsin:tocsin 750"
  expect "the environment, where secrets may stand, is root's" is "$(inside stat -c '%U %a' /etc/tocsin/tocsin.env)" "root 600"
  expect "its user reads the configuration" as_tocsin tocsin --config /etc/tocsin/tocsin.yml config check
  expect "it produces" as_tocsin tocsin --config /etc/tocsin/tocsin.yml produce synthetic --seed 1 --events 500
  expect "it detects, watched" as_tocsin tocsin --config /etc/tocsin/tocsin.yml detect --drain 0.5 --metrics 127.0.0.1:0
  expect "each event has a verdict" is "$(inside sh -c 'wc -l </var/lib/tocsin/verdicts.csv')" 501
  expect "the manual page is there" inside test -s /usr/share/man/man1/tocsin.1.gz
  # shellcheck disable=SC2016  # expanded inside
  expect "bash completes its commands" inside bash -c 'source /usr/share/bash-completion/completions/tocsin
    COMP_WORDS=(tocsin det) COMP_CWORD=1; _tocsin; [ "${COMPREPLY[*]}" = detect ]'
}

cmd_check() {
  local deb=${1:-} newer
  [ "$(id -u)" = 0 ] || die "check needs root, for chroot"
  [ -n "$deb" ] || deb=$(cmd_build)
  newer=$(TOCSIN_REVISION=+check cmd_build)
  CHECK=$(mktemp -d /tmp/tocsin-package.XXXXXX)
  chmod 0755 "$CHECK"
  trap end_check EXIT
  fresh_root
  mount -t proc proc "$CHECK/root/proc" 2>/dev/null || say "no /proc in there: going on without"
  cp "$deb" "$CHECK/root/tmp/tocsin.deb"
  cp "$newer" "$CHECK/root/tmp/newer.deb"
  rm -f "$newer"
  expect "package lists" inside apt-get -q update
  expect "installs with what it depends on" inside apt-get -q install -y --no-install-recommends /tmp/tocsin.deb
  run_inside
  echo '# ours' >>"$CHECK/root/etc/tocsin/tocsin.yml"
  inside chmod 0644 /etc/tocsin/tocsin.yml
  expect "a newer version installs over it" inside apt-get -q install -y --no-install-recommends /tmp/newer.deb
  expect "a changed configuration stays" grep -qx '# ours' "$CHECK/root/etc/tocsin/tocsin.yml"
  expect "and so do its modes" is "$(inside stat -c '%a' /etc/tocsin/tocsin.yml)" 644
  expect "it is removed" inside apt-get -q remove -y tocsin
  expect "the program is gone" gone usr/bin/tocsin
  expect "the data stay" inside test -s /var/lib/tocsin/verdicts.csv
  expect "it is purged" inside dpkg --purge tocsin
  expect "the data are gone" gone var/lib/tocsin
  expect "the configuration is gone" gone etc/tocsin
  expect "nothing else is left" is "$(inside sh -c 'find / -xdev -path /tmp -prune -o -path /var/lib/apt -prune -o -iname "*tocsin*" -print')" ""
  say "the package is good: $deb"
}

c=${1:-}
[ $# -gt 0 ] && shift
case $c in
  build) cmd_build ;;
  check) cmd_check "$@" ;;
  *) sed -n '3,/^set -eu/p' "${BASH_SOURCE[0]}" | sed '$d; s/^# \{0,1\}//' >&2; exit 2 ;;
esac
