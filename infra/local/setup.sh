#!/usr/bin/env bash
# Brings what Vigil needs, once: `setup.sh run|dev|kafka|triton`. Each part leaves a stamp named after its lock file and is quick afterwards.
set -euo pipefail
cd "$(dirname "$0")/../.."
cache=${VIGIL_CACHE:-$PWD/.cache}

fail() { printf '%s\n%s\n' "$1" "$2" >&2; exit 3; }
stamp() { cat "$@" | sha256sum | cut -c1-16; }

right_python='import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))'
shared_library='import pathlib, sys, sysconfig; said = sysconfig.get_config_var; name = said("INSTSONAME") or ""
sys.exit(".so" not in name or not any((pathlib.Path(folder) / name).exists() for folder in (said("LIBDIR") or "", sys.base_prefix + "/lib")))'
library_package='import sys; print("libpython%d.%d" % sys.version_info[:2])'
find_python() {
    local name
    for name in python3.11 python3.12 python3; do
        if "$name" -c "$right_python" 2>/dev/null; then
            echo "$name"; return
        fi
    done
    fail "Python 3.11 or 3.12 with venv is not installed" "install it: apt-get install python3 python3-venv"
}

make_venv() { # folder; made anew where an earlier attempt was interrupted, or where its Python is gone or another
    local python
    python=$(find_python)
    if [ -x "$1/bin/uv" ] && "$1/bin/python" -c "$right_python" 2>/dev/null; then return; fi
    "$python" -m venv --clear "$1"
    "$1/bin/python" -m pip install -q --disable-pip-version-check --require-hashes -r infra/locks/uv.txt
}

sync_venv() { # folder, lock
    "$1/bin/uv" pip sync -q --python "$1/bin/python" --require-hashes "$2"
}

case "${1:-}" in
    run|dev)
        want=$(stamp "infra/locks/$1.txt" pyproject.toml)
        larger=$(stamp infra/locks/dev.txt pyproject.toml)
        if [ -e ".venv/dev-$larger" ] || [ -e ".venv/$1-$want" ]; then exit 0; fi
        echo "setting up .venv ($1)" >&2
        make_venv .venv
        sync_venv .venv "infra/locks/$1.txt"
        .venv/bin/uv pip install -q --python .venv/bin/python --no-deps --no-build-isolation -e .
        rm -f .venv/run-* .venv/dev-*
        touch ".venv/$1-$want"
        ;;
    kafka)
        want=$(stamp infra/local/kafka/pom.xml)
        [ -e "$cache/kafka/done-$want" ] && exit 0
        java=$(java -version 2>&1 | sed -n '1s/.*version "\([0-9]*\).*/\1/p') || true
        [ "${java:-0}" -ge 17 ] || fail "Java 17 is not installed" "install it: apt-get install openjdk-17-jre-headless"
        command -v mvn >/dev/null || fail "Maven is not installed" "install it: apt-get install maven"
        echo "fetching Kafka" >&2
        rm -rf "$cache/kafka"
        mvn -q -B -Dstyle.color=never -f infra/local/kafka/pom.xml dependency:copy-dependencies -DoutputDirectory="$cache/kafka" 2>&1 |
            sed 's/\x1b\[[0-9;]*m//g' # Maven resets colours that it was told not to use
        touch "$cache/kafka/done-$want"
        ;;
    triton)
        want=$(stamp infra/locks/triton.txt)
        [ -e "$cache/triton/done-$want" ] && exit 0
        python=$(find_python)
        "$python" -c "$shared_library" ||
            fail "Python's shared library, which Triton needs, is not installed" "install it: apt-get install $("$python" -c "$library_package")"
        echo "setting up Triton" >&2
        rm -rf "$cache/triton"
        make_venv "$cache/triton"
        sync_venv "$cache/triton" infra/locks/triton.txt
        touch "$cache/triton/done-$want"
        ;;
    *)
        echo "usage: setup.sh run|dev|kafka|triton" >&2
        exit 2
        ;;
esac
