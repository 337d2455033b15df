"""Linux's own failure with SRv6 in IPsec, as docs/linux.md tells it: each row is run."""

import re
from pathlib import Path

import failure
import linux
import pytest

ROOT = Path(__file__).resolve().parents[2]
UNPROTECTED = "associations; ipv6_policies"


@pytest.fixture(scope="module")
def lab():
    try:
        with linux.boot() as guest:
            yield failure.Lab(guest)
    except linux.Missing as why:
        pytest.skip(f"no Linux guest: {why}")


def cases():
    """Each row with and without SRH; what tells the rows apart is also shown for End.DT4."""
    for row in failure.ROWS:
        for mode in failure.MODES:
            yield pytest.param(row, mode, "End.DX4", id=f"{row.name}, {mode}, End.DX4")
    for row in failure.ROWS[:2] + failure.ROWS[4:5]:
        yield pytest.param(row, "encap.red", "End.DT4", id=f"{row.name}, encap.red, End.DT4")


@pytest.mark.parametrize("row, mode, behavior", sorted(cases(), key=lambda case: "lwtunnel" in case.id))
def test_row(lab, row, mode, behavior):
    got = lab.run(row, mode, behavior)
    assert got.encrypted == (failure.PINGS if row.encrypted else 0), got
    assert got.answered == (failure.PINGS if row.works else 0), got
    assert got.counters == ({} if row.works else {row.counter: failure.PINGS}), got
    assert got.refused == ({} if row.works else {row.dropped_in: failure.PINGS}), got


@pytest.mark.parametrize("setup, marked", [(f"{UNPROTECTED}; no_policy_is_checked", True), ("", False)],
                         ids=["out of IPsec", "in clear"])
def test_the_security_path_is_still_with_the_ipv4_packet(lab, setup, marked):
    """Asked of the kernel itself, in its IPv4 forwarding: did this packet come through IPsec?"""
    lab.set_up("encap", "End.DX4", setup)
    lab.call("watch_the_security_path")
    assert lab.ping().answered == failure.PINGS
    seen = lab.call("ip netns exec gw-b nft list table ip look")
    counts = dict(re.findall(r"meta ipsec (exists|missing) counter packets (\d+)", seen))
    assert counts == {"exists": str(failure.PINGS if marked else 0), "missing": str(0 if marked else failure.PINGS)}


def wire(lab, ping):
    """What left gateway A for gateway B while ping() ran, as tcpdump tells it, and ping's outcome."""
    with lab.guest.start("ip netns exec gw-a tcpdump -lnn -i wan -Q out ip or ip6") as listening:
        listening.wait_for("listening on")
        outcome = ping()
        listening.signal("INT")
        listening.wait()
        return listening.output(), outcome


def test_ipv4_made_on_the_gateway_leaves_in_clear(lab):
    """And End.DX4 of the other gateway takes what came in clear, although a policy demands IPsec for its address."""
    lab.set_up("encap", "End.DX4", UNPROTECTED)
    before = lab.guest.echo_requests("host-b")
    seen, own = wire(lab, lambda: lab.ping(source="gw-a", words="-I 10.1.0.1", patience=1))
    readable = r"IP6 fc00:1::1 > fc00:2::d4: RT6 .* IP 10\.1\.0\.1 > 10\.2\.0\.2: ICMP echo request"
    assert len(re.findall(readable, seen)) == failure.PINGS
    assert "ESP" not in seen
    assert (own.encrypted, own.counters) == (0, {})
    assert lab.guest.echo_requests("host-b") == before + failure.PINGS

    # What the gateway forwards for host A is encrypted, with the same policies and the same SAs.
    seen, forwarded = wire(lab, lambda: lab.ping(patience=1))
    sealed = r"IP 192\.0\.2\.1\.4500 > 192\.0\.2\.2\.4500: UDP-encap: ESP\(spi=0x00001001"
    assert len(re.findall(sealed, seen)) == failure.PINGS
    assert "10.2.0.2" not in seen
    assert forwarded.encrypted == failure.PINGS
    assert lab.guest.echo_requests("host-b") == before + failure.PINGS


def test_through_an_xfrm_interface_it_is_encrypted_but_end_dx4_takes_clear_packets_still(lab):
    lab.set_up("encap", "End.DX4", "xfrm_interfaces")
    assert lab.ping(source="gw-a", words="-I 10.1.0.1", patience=1).encrypted == failure.PINGS

    before = lab.guest.echo_requests("host-b")
    lab.call("ip -n gw-a xfrm policy flush; sends_in_clear a 1 2 encap")
    seen, got = wire(lab, lambda: lab.ping(patience=1))
    assert len(re.findall(r"IP6 fc00:1::1 > fc00:2::d4: RT6", seen)) == failure.PINGS and "ESP" not in seen
    assert (got.encrypted, got.counters) == (0, {})
    assert lab.guest.echo_requests("host-b") == before + failure.PINGS


def test_the_policy_does_refuse_what_is_in_clear_for_another_address(lab):
    """The twin: that the policy which End.DX4 does not ask is there, and asked for the gateway's other address."""
    lab.set_up("encap", "End.DX4", UNPROTECTED)
    lab.call("ip -n gw-a xfrm policy flush")
    got = lab.ping("fc00:2::1", source="gw-a", words="-I fc00:1::1", patience=1)
    assert (got.answered, got.encrypted, got.counters) == (0, 0, {"XfrmInTmplMismatch": failure.PINGS})


def test_the_document_has_these_rows():
    text = (ROOT / "docs/linux.md").read_text()
    between = re.search(r"<!-- rows begin[^>]*-->\n(.*?)\n<!-- rows end -->", text, re.S)
    assert between and between.group(1).strip() == failure.table()
