# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A Chromium for the tests of the console; part of ./dev, which reads this file.
#
#   TOCSIN_CHROMIUM, else the distribution's (Debian), else the build that an npm package carries (Ubuntu has a snap only)

NPM_CHROMIUM=@sparticuz/chromium@147.0.0
NPM_CHROMIUM_HOME=${XDG_CACHE_HOME:-$HOME/.cache}/tocsin-browser

# Leaves the program at $NPM_CHROMIUM_HOME/chromium.
install_npm_chromium() {
  local folder=$NPM_CHROMIUM_HOME/npm
  [ -x "$NPM_CHROMIUM_HOME/chromium" ] && [ "$(cat "$NPM_CHROMIUM_HOME/version" 2>/dev/null)" = "$NPM_CHROMIUM" ] && return
  mkdir -p "$folder" &&
    npm install --no-audit --no-fund --no-save --prefix "$folder" "$NPM_CHROMIUM" >/dev/null || return 1
  # It unpacks itself into the folder for temporary files.
  (cd "$folder" && TMPDIR=$NPM_CHROMIUM_HOME node --input-type=module -e '
    import chromium from "@sparticuz/chromium";
    await chromium.executablePath();') || return 1
  [ -x "$NPM_CHROMIUM_HOME/chromium" ] && printf '%s\n' "$NPM_CHROMIUM" >"$NPM_CHROMIUM_HOME/version" && rm -rf "$folder"
}

has_distribution_chromium() { [ -n "$(apt-cache --quiet=1 policy chromium 2>/dev/null | sed -n 's/^ *Candidate: \([0-9]\)/\1/p')" ]; }

# Exports TOCSIN_CHROMIUM when it is not the distribution's.
cmd_setup_browser() {
  if [ -n "${TOCSIN_CHROMIUM:-}" ]; then
    [ -x "$TOCSIN_CHROMIUM" ] || die "TOCSIN_CHROMIUM: $TOCSIN_CHROMIUM is no program"
  elif command -v chromium >/dev/null || has_distribution_chromium; then
    (cmd_setup browser)
  else
    (cmd_setup npm-browser) && step "Install a Chromium from npm" install_npm_chromium || return 1
    export TOCSIN_CHROMIUM=$NPM_CHROMIUM_HOME/chromium
  fi
}
