#!/bin/sh
# Unpacks nodes that Debian ships in a newer release, with all they link to, into .nodes/debian/, without root, and
# writes what starts them into .nodes/bin/. Usage: debian.sh <package>...  (bitcoin-knots, monero, litecoind)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
nodes=$(cd "$here/../.." && pwd)/.nodes
release=trixie
keys=/usr/share/keyrings/debian-archive-keyring.gpg

programs_of() { # package -> "program=VARIABLE ..."; the tests read the variables
    case $1 in
        bitcoin-knots) echo bitcoind=BITCOIND bitcoin-cli= ;;
        monero) echo monerod=MONEROD monero-wallet-rpc=MONERO_WALLET_RPC ;;
        litecoind) echo litecoind=LITECOIND litecoin-cli= ;;
        *) echo "debian.sh knows no package $1" >&2; exit 2 ;;
    esac
}

named() { # whether the environment names every program of a package
    for pair in $(programs_of "$1"); do
        [ -z "${pair#*=}" ] || eval "[ -n \"\${${pair#*=}:-}\" ]" || return 1
    done
}

wanted=
for package in "$@"; do
    programs_of "$package" >/dev/null
    [ -e "$nodes/debian/$package/.ready" ] || named "$package" || wanted="$wanted $package"
done
[ -n "$wanted" ] || exit 0

give_up() { # what the machine has on its PATH will do; the tests refuse a version that is too old
    missing=
    for package in $wanted; do
        for pair in $(programs_of "$package"); do
            [ -z "${pair#*=}" ] || command -v "${pair%%=*}" >/dev/null || missing="$missing $pair"
        done
    done
    [ -n "$missing" ] || exit 0
    echo "$1: install these programs, or name them in the environment:$missing" >&2
    exit 1
}

command -v apt-get >/dev/null && command -v dpkg >/dev/null || give_up "there is no apt here"
[ -r "$keys" ] || give_up "there is no $keys here"
# The mirror of the machine's own release, whichever way its sources are written, is the newer one's too.
codename=$(. /etc/os-release && [ "$ID" = debian ] && echo "$VERSION_CODENAME") || give_up "this is not Debian"
mirror=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' \
    | awk -v release="$codename" '$1 == release { print $2; exit }')
[ -n "$mirror" ] || give_up "apt names no Debian mirror here"

apt=$nodes/apt
mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$nodes/bin"
: >"$apt/status" # nothing is installed as far as this apt knows: libraries come along whatever the machine has
cat >"$apt/debian.sources" <<EOF
Types: deb
URIs: $mirror
Suites: $release $release-backports
Components: main
Signed-By: $keys
EOF
set -- -qq -o Dir::Etc::sourcelist="$apt/debian.sources" -o Dir::Etc::sourceparts=- \
    -o Dir::State::lists="$apt/lists" -o Dir::Cache="$apt/cache" -o Dir::State::status="$apt/status" \
    -o APT::Sandbox::User=root
apt-get "$@" update
for package in $wanted; do
    rm -rf "$apt/cache/archives" "$nodes/debian/$package"
    mkdir -p "$apt/cache/archives/partial" "$nodes/debian/$package"
    suite=$release-backports
    [ "$package" = litecoind ] && suite=$release
    apt-get "$@" --yes --no-install-recommends --target-release "$suite" --download-only install "$package" >/dev/null
    for archive in "$apt"/cache/archives/*.deb; do dpkg -x "$archive" "$nodes/debian/$package"; done
    loader=$(cd "$nodes/debian/$package" && find usr -name 'ld-linux*.so.*' -type f | head -n 1)
    libraries=$(dirname "$loader")
    for pair in $(programs_of "$package"); do
        program=${pair%%=*}
        # What stands in usr/bin may be a script around the program itself.
        binary=$(cd "$nodes/debian/$package" && find usr -name "$program" -type f -exec grep -lm1 '^.ELF' {} + | head -n 1)
        # By `exec` all the way: the process id is the node's, and it is the node that is stopped by it.
        cat >"$nodes/bin/$program" <<EOF
#!/bin/sh
root=\$(cd "\$(dirname "\$0")/../debian/$package" && pwd)
exec "\$root/$loader" --library-path "\$root/$libraries" "\$root/$binary" "\$@"
EOF
        chmod +x "$nodes/bin/$program"
    done
    touch "$nodes/debian/$package/.ready"
done
rm -rf "$apt"
