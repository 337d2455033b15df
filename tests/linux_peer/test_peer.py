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
        yield strata


def ping_words(source, target, size, count=PINGS):
    return f"ping -c {count} -i 0.1 -W 10 -s {size} -M do -I {source} {target}"


def ping_from_here(here, words):
    done = subprocess.run([*here.host.prefix, *words.split()], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.stdout


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
        said = ping_from_here(here, ping_words(tunnel.host_a, tunnel.host_b, size))
        assert answered(said) == PINGS, f"{said}\n{strata.log()}"
    for size in SIZES:
        said = guest.run(f"ip netns exec host-b {ping_words(tunnel.host_b, tunnel.host_a, size)}").output
        assert answered(said) == PINGS, f"{said}\n{strata.log()}"
    each_way = 2 * len(SIZES) * PINGS
    assert linux_counts(guest, tunnel) == [count + each_way for count in before]
    assert linux.xfrm_counters(guest.check("cat /proc/net/xfrm_stat")) == counters
