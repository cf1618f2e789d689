#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The notebooks, in a Python environment of their own with the versions of notebooks/requirements.txt.
#   notebook.sh install [lab]          makes the environment (once; about a minute); lab: to open them in a browser, too
#   notebook.sh python                 prints its interpreter; exit 1 when it is not installed
#   notebook.sh run OUT [DATA_DIR]     executes statistics.ipynb and writes it with its results: OUT.html or OUT.ipynb
#   notebook.sh open [DATA_DIR]        opens the folder of notebooks in a browser
# Variables: NOTEBOOK_HOME (default ~/.cache/tocsin-notebook); TOCSIN_DATA_DIR, TOCSIN_SOURCE as in the notebook
set -eu
FOLDER=$(cd "$(dirname "${BASH_SOURCE[0]}")/../notebooks" && pwd)
HOME_DIR=${NOTEBOOK_HOME:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/tocsin-notebook}
PYTHON=$HOME_DIR/bin/python
# is_installed FILE: whether the environment was made of FILE as it is now.
is_installed() { [ -x "$PYTHON" ] && cmp -s "$FOLDER/$1" "$HOME_DIR/$1"; }

install() { # install FILE
  if is_installed requirements.txt && is_installed "$1"; then return; fi
  if ! is_installed requirements.txt; then
    rm -rf "$HOME_DIR"
    python3 -m venv "$HOME_DIR"
  fi
  # The machine's own certificates, so that a private authority in them is trusted too.
  if [ -z "${PIP_CERT:-}" ] && [ -f /etc/ssl/certs/ca-certificates.crt ]; then
    export PIP_CERT=/etc/ssl/certs/ca-certificates.crt
  fi
  "$HOME_DIR/bin/pip" install -q --disable-pip-version-check -r "$FOLDER/$1"
  cp "$FOLDER/requirements.txt" "$HOME_DIR"
  cp "$FOLDER/$1" "$HOME_DIR"
}

# data [DIR]: tells the notebook what to read: DIR, or TOCSIN_DATA_DIR, or what a pipeline left here.
data() {
  local folder=${1:-${TOCSIN_DATA_DIR:-tocsin-data/demo}}
  [ $# -gt 0 ] || [ -n "${TOCSIN_DATA_DIR:-}" ] || [ -d "$folder" ] || folder=tocsin-data
  if [ ! -d "$folder" ]; then
    echo "notebook.sh: $folder: no such folder; run \`tocsin demo\`, or name a data folder" >&2
    exit 1
  fi
  TOCSIN_DATA_DIR=$(cd "$folder" && pwd)
  export TOCSIN_DATA_DIR
}

# run OUT: in a folder of its own. The kernel is reached by sockets in it, so nothing is open to the network, and their
# paths are short however long the home's is.
run() {
  local out format=html scratch
  case $1 in *.ipynb) format=notebook ;; esac
  mkdir -p "$(dirname "$1")"
  out=$(cd "$(dirname "$1")" && pwd)
  scratch=$(mktemp -d /tmp/tocsin-notebook.XXXXXX)
  # shellcheck disable=SC2064  # this folder, whatever the variable holds later
  trap "rm -rf '$scratch'" EXIT
  cp "$FOLDER/statistics.ipynb" "$scratch"
  cd "$scratch"
  export PYTHONPATH=$FOLDER PYTHONDONTWRITEBYTECODE=1 JUPYTER_RUNTIME_DIR=$scratch/run IPYTHONDIR=$scratch/ipython
  "$PYTHON" -m nbconvert --log-level=ERROR --KernelManager.transport=ipc --execute --to "$format" \
    --ExecutePreprocessor.startup_timeout=240 --ExecutePreprocessor.timeout=600 \
    --output-dir "$out" --output "$(basename "$1")" statistics.ipynb
}

case ${1:-} in
  install)
    if [ "${2:-}" = lab ]; then install requirements-lab.txt; else install requirements.txt; fi
    ;;
  python) is_installed requirements.txt && echo "$PYTHON" ;;
  run)
    [ $# -ge 2 ] || { echo "notebook.sh run: where to?" >&2 && exit 2; }
    is_installed requirements.txt || { echo "notebook.sh: not installed: tools/notebook.sh install" >&2 && exit 1; }
    data ${3:+"$3"}
    run "$2"
    ;;
  open)
    is_installed requirements-lab.txt || { echo "notebook.sh: not installed: tools/notebook.sh install lab" >&2 && exit 1; }
    data ${2:+"$2"}
    # It refuses root unless told; on loopback, with its token, it serves nobody else.
    as_root=
    if [ "$(id -u)" = 0 ]; then as_root=--allow-root; fi
    exec "$PYTHON" -m jupyterlab --ServerApp.ip=127.0.0.1 $as_root --notebook-dir "$FOLDER" "$FOLDER/statistics.ipynb"
    ;;
  *) sed -n '3,/^set/s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
esac
