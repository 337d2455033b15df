#!/bin/sh
# Linux at both ends: two gateways that carry IPv4 in SRv6 in ESP, and a host behind each, in namespaces of one kernel.
#
#     host-a             gw-a                                  gw-b             host-b
#    10.1.0.2 ---- 10.1.0.1 | 192.0.2.1 ======== 192.0.2.2 | 10.2.0.1 ---- 10.2.0.2
#                  SID fc00:1::d4                SID fc00:2::d4
#
# Functions to be called after `. four_namespaces.sh`, as root on a machine that is there for this. failure.py calls them
# in a guest; docs/linux.md says what they show.

key_ab=0x000102030405060708090a0b0c0d0e0f10111213 # 16 octets of key, 4 of salt (RFC 4106 section 8.1)
key_ba=0x202122232425262728292a2b2c2d2e2f30313233

in_gw() { ip netns exec "gw-$1" sh -c "$2"; }

# --- the network, once ------------------------------------------------------------------------------------------------

network() {
    set -e
    for name in host-a gw-a gw-b host-b; do
        ip netns add $name
        # Addresses are usable at once, and nothing but the pings is on the wires.
        ip netns exec $name sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 \
            net.ipv6.conf.default.router_solicitations=0
        ip -n $name link set lo up
    done
    ip link add name eth0 netns host-a type veth peer name lan netns gw-a
    ip link add name wan netns gw-a type veth peer name wan netns gw-b
    ip link add name lan netns gw-b type veth peer name eth0 netns host-b
    host a 1
    host b 2
    gateway a 1 2
    gateway b 2 1
}

host() { # SIDE NUMBER
    ip -n "host-$1" addr add "10.$2.0.2/24" dev eth0
    ip -n "host-$1" link set eth0 up
    ip -n "host-$1" route add default via "10.$2.0.1"
}

gateway() { # SIDE NUMBER PEER
    ip -n "gw-$1" addr add "10.$2.0.1/24" dev lan
    ip -n "gw-$1" addr add "192.0.2.$2/24" dev wan
    ip -n "gw-$1" addr add "fd00::$2/64" dev wan
    ip -n "gw-$1" addr add "fc00:$2::1/128" dev lo
    ip -n "gw-$1" link set lan up
    ip -n "gw-$1" link set wan up
    in_gw "$1" "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
        net.ipv6.conf.all.seg6_enabled=1 net.ipv6.conf.wan.seg6_enabled=1"
    ip -n "gw-$1" -6 route add "fc00:$3::/48" via "fd00::$3" dev wan
    ip -n "gw-$1" sr tunsrc set "fc00:$2::1"
    in_gw "$1" espinudp
}

# --- SRv6, without IPsec yet ------------------------------------------------------------------------------------------

# MODE: encap (with SRH) or encap.red (without, for one segment). BEHAVIOR: End.DX4 or End.DT4, at gateway B.
srv6() { # MODE BEHAVIOR
    set -e
    sends_in_clear a 1 2 "$1"
    sends_in_clear b 2 1 "$1"
    [ "$2" = End.DX4 ] || end_dt4 "$1"
}

sends_in_clear() { # SIDE NUMBER PEER MODE
    ip -n "gw-$1" -batch - <<COMMANDS
route replace 10.$3.0.0/24 encap seg6 mode $4 segs fc00:$3::d4 dev wan
route replace fc00:$3::/48 via fd00::$3 dev wan
route replace fc00:$2::d4 encap seg6local action End.DX4 nh4 10.$2.0.2 dev lan
COMMANDS
}

end_dt4() { # MODE
    in_gw b 'sysctl -qw net.vrf.strict_mode=1'
    ip -n gw-b -batch - <<COMMANDS
link add vrf9 type vrf table 9
link set vrf9 up
link set lan master vrf9
route replace table 9 10.1.0.0/24 encap seg6 mode $1 segs fc00:1::d4 dev wan
route replace table 9 fc00:1::/48 via fd00::1 dev wan
route replace fc00:2::d4 encap seg6local action End.DT4 vrftable 9 dev vrf9
COMMANDS
}

# End.DX4 at gateway B gives the packet to the gateway itself. End.DT4 needs no change: the address decides.
sid_leads_to_the_gateway() { # BEHAVIOR
    [ "$1" = End.DT4 ] ||
        ip -n gw-b -6 route replace fc00:2::d4 encap seg6local action End.DX4 nh4 10.2.0.1 dev lan
}

# Each gateway decrypts, and another namespace beside it has the SID: between them a veth, which takes from the packet's
# buffer all that the kernel has noted there. The packet itself stays as it is.
sids_behind_veths() {
    set -e
    sid_behind_a_veth a 1
    sid_behind_a_veth b 2
}

sid_behind_a_veth() { # SIDE NUMBER
    ip netns add "sid-$1"
    ip netns exec "sid-$1" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
    ip link add name inner netns "gw-$1" type veth peer name inner netns "sid-$1"
    ip -n "gw-$1" -batch - <<COMMANDS
addr add 10.9.0.1/24 dev inner
addr add fd09::1/64 dev inner
link set inner up
route replace fc00:$2::d4 via fd09::2 dev inner
COMMANDS
    # Linux looks nh4 up, and asks by ARP for the packet's own destination unless that route has a next hop.
    ip -n "sid-$1" -batch - <<COMMANDS
addr add 10.9.0.2/24 dev inner
addr add fd09::2/64 dev inner
link set inner up
route add default via 10.9.0.1
route add fc00:$2::d4 encap seg6local action End.DX4 nh4 10.$2.0.2 dev inner
COMMANDS
    ip netns exec "sid-$1" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
        net.ipv6.conf.all.seg6_enabled=1 net.ipv6.conf.inner.seg6_enabled=1
}

# --- IPsec ------------------------------------------------------------------------------------------------------------

# WORDS: more for each of the four SAs, as `if_id 42`.
associations() { # WORDS...
    set -e
    for gw in gw-a gw-b; do
        { association 1 2 0x1001 $key_ab "$*" && association 2 1 0x1002 $key_ba "$*"; } | ip -n $gw -batch -
    done
}

association() { # FROM TO SPI KEY WORDS
    echo "xfrm state add src 192.0.2.$1 dst 192.0.2.$2 proto esp spi $3 reqid 1 mode tunnel" \
        "aead 'rfc4106(gcm(aes))' $4 128 encap espinudp 4500 4500 0.0.0.0 replay-window 32 flag af-unspec $5"
}

# The SAs with a selector that names the IPv6 packets which are in them.
associations_with_selector() {
    set -e
    for gw in gw-a gw-b; do
        { association 1 2 0x1001 $key_ab 'sel src fc00:1::/48 dst fc00:2::/48' &&
            association 2 1 0x1002 $key_ba 'sel src fc00:2::/48 dst fc00:1::/48'; } | ip -n $gw -batch -
    done
}

ipv6_policies() { # WORDS...
    set -e
    policies a fc00:1::/48 fc00:2::/48 'out fwd in' "$*"
    policies b fc00:1::/48 fc00:2::/48 'out fwd in' "$*"
}

# What the kernel wants to hear of the IPv4 packet inside, although no SA carries IPv4.
ipv4_policies() {
    set -e
    policies a 10.1.0.0/24 10.2.0.0/24 'fwd in'
    policies b 10.1.0.0/24 10.2.0.0/24 'fwd in'
}

policies() { # SIDE PREFIX_A PREFIX_B DIRECTIONS WORDS
    for direction in $4; do
        case $1-$direction in
            a-out | b-in | b-fwd) policy "$direction" "${5-}" 1 2 "$2" "$3" ;;
            *) policy "$direction" "${5-}" 2 1 "$3" "$2" ;;
        esac
    done | ip -n "gw-$1" -batch -
}

policy() { # DIRECTION WORDS FROM TO FROM_PREFIX TO_PREFIX
    echo "xfrm policy add src $5 dst $6 dir $1 $2 tmpl src 192.0.2.$3 dst 192.0.2.$4 proto esp reqid 1 mode tunnel"
}

ipv4_policies_without_template() {
    set -e
    for direction in in fwd; do
        ip -n gw-a xfrm policy add src 10.2.0.0/24 dst 10.1.0.0/24 dir $direction
        ip -n gw-b xfrm policy add src 10.1.0.0/24 dst 10.2.0.0/24 dir $direction
    done
}

# Routes through an xfrm interface, with what belongs to it (if_id 42).
xfrm_interfaces() { # MODE
    set -e
    associations if_id 42
    ipv6_policies if_id 42
    for gw in gw-a gw-b; do
        ip -n $gw link add xf0 type xfrm dev wan if_id 42
        ip -n $gw link set xf0 up mtu 1400
        ip netns exec $gw sysctl -qw net.ipv6.conf.xf0.seg6_enabled=1
    done
    ip -n gw-a -6 route replace fc00:2::/48 dev xf0
    ip -n gw-b -6 route replace fc00:1::/48 dev xf0
    ip -n gw-b -6 route replace table 9 fc00:1::/48 dev xf0
    ip -n gw-a route replace 10.2.0.0/24 encap seg6 mode "$1" segs fc00:2::d4 dev xf0
}

# Netfilter sees packets of seg6local routes. It cannot be taken back without a restart.
netfilter_sees_srv6() { sysctl -qw net.netfilter.nf_hooks_lwtunnel=1; }

no_policy_is_checked() {
    set -e
    in_gw a 'sysctl -qw net.ipv4.conf.wan.disable_policy=1'
    in_gw b 'sysctl -qw net.ipv4.conf.wan.disable_policy=1'
    ! ip -n gw-b link show vrf9 >/dev/null 2>&1 || in_gw b 'sysctl -qw net.ipv4.conf.vrf9.disable_policy=1'
}

# Back to the network alone, without what the functions above added to it, whatever that was.
undo() {
    for gw in gw-a gw-b; do
        ip -n $gw -force -batch - >/dev/null 2>&1 <<'COMMANDS' || true
xfrm state flush
xfrm policy flush
link del xf0
link del inner
link del vrf9
netns del sid-a
netns del sid-b
COMMANDS
        in_gw ${gw#gw-} 'nft flush ruleset; sysctl -qw net.ipv4.conf.wan.disable_policy=0'
    done
}

# --- looking ----------------------------------------------------------------------------------------------------------

# Counts, where gateway B forwards, the IPv4 packets that still say through which IPsec they came, and the others.
watch_the_security_path() {
    ip netns exec gw-b nft -f - <<'RULES'
table ip look {
    chain forwarded {
        type filter hook forward priority 0;
        ip daddr 10.2.0.2 meta ipsec exists counter
        ip daddr 10.2.0.2 meta ipsec missing counter
    }
}
RULES
}

# Where the kernel frees IPv4 packets that went nowhere, and why.
drops=/sys/kernel/tracing/events/skb/kfree_skb
histogram='hist:keys=location.sym,reason if protocol == 0x800'

watch_drops() {
    mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing
    echo "!$histogram" >$drops/trigger 2>/dev/null || true
    echo "$histogram" >$drops/trigger
}

# What all of this shows of gateway B: its counters, its SAs, and where packets ended.
look() {
    ip netns exec gw-b cat /proc/net/xfrm_stat
    ip -n gw-b -s xfrm state
    cat $drops/hist
}
