#!/bin/bash
# later.sh DEB FILE: the same package under a later version, for an upgrade.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
dpkg-deb -R "$1" "$folder/tree"
sed -i 's/^Version: .*/&+later/' "$folder/tree/DEBIAN/control"
dpkg-deb --root-owner-group -b "$folder/tree" "$2" >/dev/null
