#!/bin/bash
# The Debian package of this tree: built, judged by lintian, and in a Debian of its own installed, started, stopped,
# upgraded, removed and purged. Builds the program anew, which takes minutes. STRATA_DEB=FILE: another package, nothing built.
#
# Run by `sudo ./dev package`, which installs what it wants (build_packages and package_packages there).
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
[ "$(id -u)" = 0 ] || { echo "package.sh: a Debian of its own takes root" >&2 && exit 1; }
# What is mounted there goes with this process.
[ "${1-}" = --mounts-are-mine ] || exec unshare --mount "$0" --mounts-are-mine

place=$PWD/build/package
root=$place/root

say() { printf '== %s\n' "$*"; }
fail() { printf 'package.sh: %s\n' "$*" >&2 && exit 1; }
inside() { chroot "$root" env LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"; }
mode() { inside stat -c '%U:%G %a' "$1"; }
holds() { [ "$1" = "$2" ] || fail "found '$1', allowed: '$2'"; }
is_there() { [ -e "$root/$1" ] || fail "$1 is not there"; }
is_gone() { [ ! -e "$root/$1" ] || fail "$1 is still there"; }

build() {
    rm -rf "$place/tree" "$place"/*.deb
    mkdir -p "$place/tree"
    git ls-files -z | tar --null -T - -c | tar -x -C "$place/tree"
    (cd "$place/tree" && dpkg-buildpackage -us -uc -b) >"$place/build.log" 2>&1 || { tail -n 30 "$place/build.log" && fail "dpkg-buildpackage failed"; }
    # Who publishes it puts an address of theirs into debian/control.
    lintian --allow-root --fail-on error \
        --suppress-tags bogus-mail-host,bogus-mail-host-in-debian-changelog,root-in-contact "$place"/strata_*.changes
}

make_root() {
    [ -e "$root/made" ] || {
        rm -rf "$root"
        debootstrap --variant=minbase bookworm "$root" >"$place/debootstrap.log" || fail "no Debian (log: $place/debootstrap.log)"
        touch "$root/made"
    }
    mount -t proc proc "$root/proc"
    mount --rbind /sys "$root/sys"
    mount --rbind /dev "$root/dev"
    # Nothing is started by an installation, as there is no systemd.
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d" && chmod +x "$root/usr/sbin/policy-rc.d"
    inside apt-get -q purge -y strata >/dev/null 2>&1 || true
    rm -rf "$root/etc/strata" "$root/var/lib/strata" "$root/run/strata"
}

# install FILE
install_deb() {
    cp "$1" "$root/tmp/strata.deb"
    inside apt-get -q install -y --no-install-recommends /tmp/strata.deb >"$place/install.log" 2>&1 || { tail "$place/install.log" && fail "$1 cannot be installed"; }
}

# An outbound SA, so that there is a state.
configure_gateway() {
    inside install -o root -g strata -m 0640 /dev/stdin /etc/strata/test.yaml <<'YAML'
name: test
ports:
  wan: {device: "net_null0,no-rx=1", mac: "02:00:00:00:01:01", addresses: [192.0.2.1/24], side: unprotected}
  lan: {device: "net_null1,no-rx=1", mac: "02:00:00:00:01:02", addresses: [10.1.0.1/24], side: protected}
ipsec:
  security_associations:
    - {name: to-b, direction: out, spi: 0x2001, source: 192.0.2.1, destination: 192.0.2.2, algorithm: aes-128-gcm,
       key: "hex:0102030405060708090a0b0c0d0e0f1011121314", selectors: {source: "fc00:1::/48", destination: "fc00:2::/48"}}
eal: {hugepages: never}
YAML
}

# Started and stopped as the unit does, whose folders systemd makes.
runs() {
    local words pid
    read -ra words < <(sed -n 's/^ExecStart=//p' "$root/lib/systemd/system/strata@.service")
    mkdir -p "$root/run/strata" && inside chown strata:strata /run/strata
    # By exec, so that what is killed is the gateway.
    (exec chroot "$root" setpriv --reuid=strata --regid=strata --clear-groups --inh-caps=-all --bounding-set=-all -- \
        "${words[@]//%i/test}") >"$place/report" 2>"$place/log" &
    pid=$!
    for _ in $(seq 600); do
        ! grep -q 'control socket' "$place/log" || break
        kill -0 $pid 2>/dev/null || { cat "$place/log" && fail "the gateway does not start"; }
        sleep 0.1
    done
    inside strata show ports --name test | grep -q net_null0 || fail "strata show does not show the ports"
    kill $pid
    wait $pid || { cat "$place/log" && fail "the gateway ended with $?"; }
    grep "$1" "$place/log" >/dev/null || { cat "$place/log" && fail "the log has no line: $1"; }
}

mkdir -p "$place"
if [ -z "${STRATA_DEB-}" ]; then say "building" && build; fi
deb=${STRATA_DEB:-$(ls "$place"/strata_*.deb)}
make_root
say "installing"
install_deb "$deb"
holds "$(mode /etc/strata)" "root:strata 750"
holds "$(mode /var/lib/strata)" "strata:strata 700"
for file in usr/bin/strata lib/systemd/system/strata@.service usr/share/bash-completion/completions/strata \
    usr/share/doc/strata/copyright; do is_there "$file"; done
inside strata --version
say "starting and stopping"
configure_gateway
runs "1 key begins at 1"
say "upgrading"
tests/deploy/later.sh "$deb" "$place/later.deb"
install_deb "$place/later.deb"
inside dpkg-query -W strata | grep -q '+later$' || fail "the later version is not installed"
is_there etc/strata/test.yaml
runs "1 key goes on behind what it had reserved"
say "removing"
inside dpkg -r strata >/dev/null
is_gone usr/bin/strata
is_there etc/strata/test.yaml
is_there var/lib/strata/sequence-numbers
say "purging, with a configuration left and without"
inside dpkg -P strata >/dev/null
is_there var/lib/strata/sequence-numbers
install_deb "$deb"
rm "$root/etc/strata/test.yaml"
inside dpkg -P strata >/dev/null
for folder in etc/strata var/lib/strata run/strata usr/share/doc/strata; do is_gone "$folder"; done
say "package: $(basename "$deb") installs, starts, stops, upgrades, is removed and purged"
