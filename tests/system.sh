#!/bin/sh
# Installs the Debian packages named as arguments that are missing (root), or says which are (otherwise).
# Never fails the build for an ordinary user: the tests that need a package skip and say so.
set -u
missing=
for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
if ! command -v apt-get >/dev/null; then
    echo "Not a Debian system; without these some tests and parts of practice are skipped:$missing" >&2
    exit 0
fi
if [ "$(id -u)" != 0 ]; then
    echo "For everything, as root: apt install$missing" >&2
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
# iperf3 asks a question on some releases; noninteractive answers it.
apt-get update -qq >&2 && apt-get install -y -qq --no-install-recommends $missing >/dev/null ||
    { echo "apt could not install:$missing; mend that and run make again." >&2; exit 1; }
