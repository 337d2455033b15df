"""A Linux gateway with static keys speaks with strata: pings in both directions through each kind of tunnel."""

import re
import subprocess

import linux
import peer
import pytest

import netns
from running import Running

PINGS = 2
SIZES = (56, 1400)  # octets of ICMP payload
WHY_NOT = netns.why_not()
pytestmark = pytest.mark.skipif(WHY_NOT is not None, reason=f"no gateway here: {WHY_NOT}")


@pytest.fixture(scope="module")
def here():
    with netns.Namespace() as gateway, netns.Namespace() as host:
        yield peer.Here(gateway, host)


@pytest.fixture(scope="module")
def guest(here):
    try:
        with here.guest() as guest:
            peer.prepare(guest)
            yield guest
    except linux.Missing as why:
        pytest.skip(f"no Linux guest: {why}")


@pytest.fixture(scope="module")
def strata(here, guest, tmp_path_factory):
    with Running(peer.configuration(), tmp_path_factory.mktemp("strata"), within=here.gateway.prefix) as strata:
        here.beside_strata()
        yield strata


def ping_words(source, target, size=56, patience=10):
    return f"ping -c {PINGS} -i 0.1 -W {patience} -s {size} -M do -I {source} {target}"


def ping_from(namespace, words):
    command = [*namespace.prefix, *words.split()]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout


def answered(said):
    found = re.search(r"(\d+) packets transmitted, (\d+) received", said)
    assert found, said
    return int(found.group(2))


def linux_counts(guest, tunnel):
    """Packets of the two SAs at Linux: to strata, from strata."""
    states = guest.check("ip -s xfrm state")
    return [linux.sa_packets(states, tunnel.spi(gateway)) for gateway in (1, 2)]


@pytest.mark.parametrize("tunnel", peer.TUNNELS, ids=str)
def test_pings(here, guest, strata, tunnel):
    """From the host behind strata to the one behind Linux and back, small and large ones."""
    counters = linux.xfrm_counters(guest.check("cat /proc/net/xfrm_stat"))
    before = linux_counts(guest, tunnel)
    for size in SIZES:
        said = ping_from(here.host, ping_words(tunnel.host_a, tunnel.host_b, size))
        assert answered(said) == PINGS, f"{said}\n{strata.log()}"
    for size in SIZES:
        said = guest.run(f"ip netns exec host-b {ping_words(tunnel.host_b, tunnel.host_a, size)}").output
        assert answered(said) == PINGS, f"{said}\n{strata.log()}"
    each_way = 2 * len(SIZES) * PINGS
    assert linux_counts(guest, tunnel) == [count + each_way for count in before]
    assert linux.xfrm_counters(guest.check("cat /proc/net/xfrm_stat")) == counters


# --- what must not pass; the last of these ends the gateway and reads its account -------------------------------------


def test_what_has_no_sa_does_not_leave(here, guest, strata):
    """Neither a host's packet nor one that the gateway's own kernel has made, which a Linux gateway sends in clear."""
    tunnel = peer.TUNNELS[0]
    own, host = (here.gateway, peer.OWN_ADDRESS), (here.host, tunnel.host_a)
    with guest.start("tcpdump -lnn -i eth0 -Q in not arp") as listening:
        listening.wait_for("listening on")
        for namespace, source in (own, host):  # that the way is there, with an SA
            assert answered(ping_from(namespace, ping_words(source, tunnel.host_b))) == PINGS, strata.log()
        for namespace, source in (own, host):
            assert answered(ping_from(namespace, ping_words(source, "10.9.0.2", patience=1))) == 0
        listening.signal("INT")
        listening.wait()
    seen = [line for line in listening.output().splitlines() if " IP" in line]
    sealed = [line for line in seen if f"UDP-encap: ESP(spi={tunnel.spi(2):#010x}" in line]
    assert seen == sealed and len(sealed) == 2 * PINGS, seen


def test_what_comes_in_clear_does_not_pass(here, guest, strata):
    """SRv6 to a SID that takes protected traffic only, forwarded by Linux and made there; and plain IPv4."""
    tunnel = peer.TUNNELS[0]
    from_host_b = f"ip netns exec host-b {ping_words(tunnel.host_b, tunnel.host_a, patience=1)}"
    from_linux = ping_words(f"10.2.{tunnel.number}.1", tunnel.host_a, patience=1)
    lan = here.host.wire("eth0")
    assert answered(guest.run(from_host_b).output) == PINGS, strata.log()
    assert len(ipv4(lan.waiting())) == PINGS  # that a packet which passes is seen

    guest.check(f". /peer.sh; srv6_in_clear {peer.WAN_MAC} {tunnel.sids(1)[-1]}")
    assert answered(guest.run(from_host_b).output) == 0
    assert answered(guest.run(from_linux).output) == 0
    guest.check(f". /peer.sh; ipv4_in_clear 10.1.{tunnel.number}.0/24")
    assert answered(guest.run(from_host_b).output) == 0
    assert answered(guest.run(from_linux).output) == 0
    assert ipv4(lan.waiting()) == []

    dropped = strata.stop()["dropped"]
    causes = ("policy.no_sa", "policy.unprotected", "policy.boundary")
    assert {cause: dropped.get(cause, 0) for cause in causes} == dict.fromkeys(causes, 2 * PINGS), dropped


def ipv4(frames):
    return [frame.hex() for frame in frames if frame[12:14] == b"\x08\x00"]
