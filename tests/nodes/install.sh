#!/bin/sh
# Installs the real nodes into .nodes/ and, where apt can, the servers that Debian ships. Prints what is missing and fails.
#   install.sh                      everything that the tests run against
#   install.sh --for-demo [ARGS]    only what `python -m usher.demo ARGS` plays on
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
mkdir -p "$root/.nodes"

packages() { # folder of package.json, where to install
    mkdir -p "$2"
    cp "$1/package.json" "$1/package-lock.json" "$2/"
    # Not `npm ci`: it refuses a lock that lacks the other platforms' builds of anvil. The lock's hashes hold all the same.
    (cd "$2" && npm install --ignore-scripts --no-audit --no-fund --loglevel=error)
}

anvil() {
    [ "$root/.nodes/.anvil" -nt "$here/package-lock.json" ] && return
    packages "$here" "$root/.nodes"
    touch "$root/.nodes/.anvil"
}

if [ "${1:-}" = "--for-demo" ]; then
    shift
    case " $* " in
        *" all "*) anvil && exec sh "$here/debian.sh" bitcoin-knots monero ;;
        *bitcoin*) exec sh "$here/debian.sh" bitcoin-knots ;;
        *monero*) exec sh "$here/debian.sh" monero ;;
        *solana* | *hive* | *--help*) ;;                  # Python is enough
        *ethereum* | *polygon* | *bnb*) anvil ;;
        *) if command -v npm >/dev/null; then anvil; fi ;; # without it the demo plays on Solana
    esac
    exit 0
fi

anvil
packages "$here/wallets" "$root/.nodes/wallets" # in a folder of their own: the demo does without them
sh "$here/debian.sh" bitcoin-knots monero litecoind

missing=
command -v "${TURNSERVER:-turnserver}" >/dev/null && command -v turnutils_uclient >/dev/null || missing="$missing coturn"
command -v "${REDIS_SERVER:-redis-server}" >/dev/null || missing="$missing redis-server"
command -v "${CHROMIUM:-chromium}" >/dev/null || missing="$missing chromium"
[ -n "$missing" ] || exit 0
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -qq
    # The packages start their services on some machines; the tests start their own on free ports.
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
    echo "install these packages, or set TURNSERVER, REDIS_SERVER and CHROMIUM:$missing" >&2
    exit 1
fi
