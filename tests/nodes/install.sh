#!/bin/sh
# Installs the real nodes into .nodes/ and, where apt can, the servers that Debian ships. Prints what is missing and fails.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
mkdir -p "$root/.nodes"
cp "$here/package.json" "$here/package-lock.json" "$root/.nodes/"
# Not `npm ci`: it refuses a lock that lacks the other platforms' builds of anvil. The lock's hashes hold all the same.
(cd "$root/.nodes" && npm install --ignore-scripts --no-audit --no-fund --loglevel=error)
[ "${1:-}" = "--anvil-only" ] && exit 0

# The wallets of the tests in a folder of their own: the demo does without them.
mkdir -p "$root/.nodes/wallets"
cp "$here/wallets/package.json" "$here/wallets/package-lock.json" "$root/.nodes/wallets/"
(cd "$root/.nodes/wallets" && npm install --ignore-scripts --no-audit --no-fund --loglevel=error)

sh "$here/debian.sh" bitcoin-knots monero

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
