#!/bin/sh
# Installs nginx and lighttpd, unless they are installed. It needs Debian, and root if one is missing.
set -eu

PATH=$PATH:/usr/sbin
missing=
command -v nginx >/dev/null || missing="$missing nginx"
command -v lighttpd >/dev/null || missing="$missing lighttpd"
if [ -n "$missing" ]; then
    echo "install.sh:$missing from Debian" >&2
    apt-get update -q >&2
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $missing >&2
fi
