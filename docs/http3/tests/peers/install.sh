#!/bin/sh
# Installs the Python packages of the peers in target/peers/http3. A second run does nothing.
set -eu

packages='aioquic==1.7.2 hypercorn[h3]==0.18.0 wsproto==1.3.2'

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
mkdir -p "$here/../../../../target/peers"
cd "$here/../../../../target/peers"

# A second process waits, and then finds everything installed.
if command -v flock >/dev/null 2>&1; then
    exec 9>lock
    flock 9
fi

# The stamp is written last, so an incomplete installation is repeated.
stamp="http3.$(echo "$packages" | tr ' ' .)"
if [ ! -e "$stamp" ]; then
    echo "install.sh: $packages from PyPI" >&2
    rm -rf http3 http3.*
    # shellcheck disable=SC2086
    python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target http3 $packages >&2
    : >"$stamp"
fi
