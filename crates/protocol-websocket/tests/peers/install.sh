#!/bin/sh
# Installs the peers of tests/peers.rs of all crates. A second run does nothing.
#
#   install.sh [FOLDER]      The default of FOLDER is target/peers of the workspace.
#
# FOLDER/python        the Python packages `websockets`, `eventlet` and `hypercorn`
# FOLDER/python2.7     a link to Python 2.7, which must be installed with pip, in the PATH or as 2.7.18 of pyenv
# FOLDER/python2       the packages `websocket-client`, `amitu-websocket-client`, `txws` and `gevent-websocket` for it
# FOLDER/node_modules  the node packages `ws`, `websocket`, `websocket-driver`, `faye-websocket`, `playwright-core` and `har-validator`,
#                      and of 2011 `ws` 0.4 (as `ws-0.4`), `websocket.io` and `node-websocket-server`
# caddy, chromium, curl, firefox-esr, haproxy, libnss3-tools, libprotocol-websocket-perl, nginx, ruby-em-websocket, ruby-websocket
#                      Debian packages, installed by apt-get if they are missing and the user is root
# FOLDER/websocketpp_server
#                      compiled with Debian's libwebsocketpp-dev and libasio-dev, which are installed in the same way
set -eu

python_packages='websockets==17.4 eventlet==0.41.3 hypercorn==0.18.0 h2==4.4.1 wsproto==1.3.2'
# Each package with all its dependencies: pip installs nothing else.
python2_packages='websocket-client==0.4.1 amitu-websocket-client==0.1.0
    txws==0.8 Twisted==20.3.0 attrs==21.4.0 Automat==22.10.0 constantly==15.1.0 hyperlink==21.0.0 idna==2.10
    incremental==22.10.0 PyHamcrest==1.10.1 six==1.17.0 typing==3.10.0.0 zope.interface==5.5.2
    gevent-websocket==0.3.6 gevent==22.10.2 greenlet==2.0.2 zope.event==4.6'
node_packages='ws@8.23.0 websocket@1.0.35 websocket-driver@0.7.4 faye-websocket@0.11.4 playwright-core@1.65.1
    har-validator@5.1.5'
old_node_packages='ws-0.4@npm:ws@0.4.32 websocket.io@0.2.1 debug@4.4.3 node-websocket-server@1.1.4'

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
mkdir -p "${1:-$here/../../../../target/peers}"
cd "${1:-$here/../../../../target/peers}"

log() {
    echo "install.sh: $*" >&2
}

need() {
    command -v "$1" >/dev/null 2>&1 || {
        log "$1 is missing: install it, then run this script again"
        exit 1
    }
}

# A second process waits, and then finds everything installed.
if command -v flock >/dev/null 2>&1; then
    exec 9>lock
    flock 9
fi

# Each stamp is written last, so an incomplete installation is repeated.
stamp="python.$(echo "$python_packages" | tr ' ' .)"
if [ ! -e "$stamp" ]; then
    need python3
    log "$python_packages from PyPI"
    rm -rf python python.*
    # shellcheck disable=SC2086
    python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore \
        --target python $python_packages >&2
    : >"$stamp"
fi

stamp="python2.$(echo "$python2_packages" | cksum | tr ' ' .)"
if [ ! -e "$stamp" ] || [ ! -x python2.7 ]; then
    # pyenv's python2.7 needs the exact version.
    python2=$(PYENV_VERSION=2.7.18 python2.7 -c 'import pip, sys; print(sys.executable)') || {
        log 'python2.7 with pip is missing: install it (pyenv install 2.7.18), then run this script again'
        exit 1
    }
    log "$python2_packages from PyPI, for Python 2.7"
    rm -rf python2 python2.*
    # shellcheck disable=SC2086
    "$python2" -m pip install --quiet --disable-pip-version-check --no-deps --target python2 $python2_packages >&2
    ln -s "$python2" python2.7
    : >"$stamp"
fi

stamp="node.$(echo "$node_packages $old_node_packages" | cksum | tr ' ' .)"
if [ ! -e "$stamp" ]; then
    need node
    need npm
    log "$node_packages $old_node_packages from npm"
    rm -rf node_modules node.* package.json package-lock.json
    # shellcheck disable=SC2086
    npm install --prefix . --loglevel=error --no-audit --no-fund --no-progress --ignore-scripts \
        $node_packages $old_node_packages >&2
    : >"$stamp"
fi

# The function has another name than the program, which it would find otherwise.
has_chromium() {
    for name in "${CHROMIUM:-chromium}" chromium-browser google-chrome; do
        command -v "$name" >/dev/null 2>&1 && return
    done
    return 1
}

missing=
has_chromium || missing="$missing chromium"
command -v certutil >/dev/null 2>&1 || missing="$missing libnss3-tools"
for name in caddy curl firefox-esr haproxy nginx; do
    PATH=$PATH:/usr/sbin command -v "$name" >/dev/null 2>&1 || missing="$missing $name"
done
perl -MProtocol::WebSocket -e 1 2>/dev/null || missing="$missing libprotocol-websocket-perl"
ruby -e 'require "em-websocket"' 2>/dev/null || missing="$missing ruby-em-websocket"
ruby -e 'require "websocket"' 2>/dev/null || missing="$missing ruby-websocket"
command -v g++ >/dev/null 2>&1 || missing="$missing g++"
[ -e /usr/include/asio.hpp ] || missing="$missing libasio-dev"
[ -e /usr/include/websocketpp/server.hpp ] || missing="$missing libwebsocketpp-dev"
if [ -n "$missing" ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        log "$missing from Debian"
        # The packages of servers start them after the installation, unless this program refuses.
        if [ ! -e /usr/sbin/policy-rc.d ]; then
            trap 'rm -f /usr/sbin/policy-rc.d' EXIT
            printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
            chmod +x /usr/sbin/policy-rc.d
        fi
        apt-get update -qq >&2
        # shellcheck disable=SC2086
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >&2
    else
        log "missing: install$missing (\$CHROMIUM may name a Chromium), then run this script again"
        exit 1
    fi
fi

stamp="websocketpp.$(cksum <"$here/websocketpp_server.cpp" | tr ' ' .)"
if [ ! -e "$stamp" ]; then
    log 'compiling websocketpp_server'
    rm -f websocketpp_server websocketpp.*
    g++ -O1 -pthread -o websocketpp_server "$here/websocketpp_server.cpp" >&2
    : >"$stamp"
fi
