#!/bin/sh
# The Linux gateway in front of strata, before its tunnels: to be called after `. peer.sh`. peer.py has the picture.

gateway() {
    set -e
    sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv6.conf.all.accept_dad=0 \
        net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.default.router_solicitations=0 \
        net.ipv6.conf.all.seg6_enabled=1 net.ipv6.conf.default.seg6_enabled=1
    ip addr add 192.0.2.2/24 dev eth0
    ip link set eth0 up
    ip addr add fc00:2::1/128 dev lo
    ip sr tunsrc set fc00:2::1
    ip netns add host-b
    ip link add name lan type veth peer name eth0 netns host-b
    ip link set lan up
    ip -n host-b link set lo up
    ip -n host-b link set eth0 up
    espinudp
}

# What it must not let in: SRv6 to one of its SIDs in clear, past all IPsec.
srv6_in_clear() { # MAC of the other gateway, its SID
    ip -6 neigh replace fe80::1 lladdr "$1" dev eth0 && ip -6 route replace "$2" via fe80::1 dev eth0
}

# The same for IPv4 without anything around it.
ipv4_in_clear() { # prefix
    ip route replace "$1" via 192.0.2.1 dev eth0
}
