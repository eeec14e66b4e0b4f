#!/bin/sh
# Installs the peers that tests/peers.rs talks to. Run again, it does nothing.
#
#   install.sh [FOLDER]      FOLDER is target/peers of the workspace unless given.
#
# FOLDER/python        the Python package `websockets`
# FOLDER/node_modules  the node packages `ws` and `playwright-core`
# chromium             Debian's, by apt-get, if there is no Chromium and we are root
set -eu

websockets=17.4
ws=8.23.0
playwright_core=1.65.1

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
mkdir -p "${1:-$here/../../../../target/peers}"
cd "${1:-$here/../../../../target/peers}"

say() {
    echo "install.sh: $*" >&2
}

need() {
    command -v "$1" >/dev/null 2>&1 || {
        say "$1 is not here: install it, then run this again"
        exit 1
    }
}

# Two at once: the second waits, then finds everything in its place.
if command -v flock >/dev/null 2>&1; then
    exec 9>lock
    flock 9
fi

# Each stamp is written last, so a broken installation is made anew.
stamp="python.websockets-$websockets"
if [ ! -e "$stamp" ]; then
    need python3
    say "websockets $websockets from PyPI"
    rm -rf python python.*
    python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore \
        --target python "websockets==$websockets" >&2
    : >"$stamp"
fi

stamp="node.ws-$ws.playwright-core-$playwright_core"
if [ ! -e "$stamp" ]; then
    need node
    need npm
    say "ws $ws and playwright-core $playwright_core from npm"
    rm -rf node_modules node.* package.json package-lock.json
    npm install --prefix . --loglevel=error --no-audit --no-fund --no-progress --ignore-scripts \
        "ws@$ws" "playwright-core@$playwright_core" >&2
    : >"$stamp"
fi

for name in "${CHROMIUM:-chromium}" chromium-browser google-chrome; do
    command -v "$name" >/dev/null 2>&1 && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    say "chromium from Debian"
    apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >&2
else
    say "no Chromium is here: install one, or name it in \$CHROMIUM, then run this again"
    exit 1
fi
