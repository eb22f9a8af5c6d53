# Sourced by the commands beside it: makes the virtual environment once and keeps it in step with the lock.
#
# prepare_environment FOLDER LOCK: FOLDER gets what LOCK names, with hashes, no system packages, and compiled bytecode.
# What was installed is remembered by the contents of the lock and of pyproject.toml, so a later call starts at once.

find_python() {
    for candidate in "${PYTHON:-}" /usr/bin/python3 python3 python3.13 python3.12 python3.11; do
        [ -n "$candidate" ] || continue
        resolved=$(command -v "$candidate" 2>/dev/null) || continue
        "$resolved" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
        "$resolved" -c 'import sys; print(sys.executable)'
        return 0
    done
    echo "error: no Python >= 3.11 found; install one (Debian: apt-get install python3) or set PYTHON" >&2
    return 1
}

require_venv_module() {
    "$1" -c 'import ensurepip, venv' 2>/dev/null && return 0
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        echo "installing python3-venv (Debian leaves it out of python3)" >&2
        apt-get update -qq >&2 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv >&2 && return 0
    fi
    echo "error: $1 cannot make virtual environments; install python3-venv (Debian: apt-get install python3-venv)" >&2
    return 1
}

prepare_environment() {
    folder=$1 lock=$2
    wanted=$(cat "$lock" "$root/pyproject.toml" | sha256sum | cut -d' ' -f1)
    [ "$(cat "$folder/.installed" 2>/dev/null)" = "$wanted" ] && [ -x "$folder/bin/concierge-e2e" ] && return 0
    python=$(find_python) || return 2
    require_venv_module "$python" || return 2
    echo "preparing $folder (once)" >&2
    rm -rf "$folder"
    "$python" -m venv "$folder" || return 2
    export PIP_DISABLE_PIP_VERSION_CHECK=1
    unset PYTHONDONTWRITEBYTECODE
    "$folder/bin/python" -m pip install --quiet --require-hashes --only-binary=:all: -r "$lock" || return 2
    "$folder/bin/python" -m pip install --quiet --no-deps --no-build-isolation --no-index --editable "$root" || return 2
    "$folder/bin/python" -m compileall -q "$folder/lib" "$root/e2e" >/dev/null || true
    printf '%s' "$wanted" >"$folder/.installed"
}
