"""Floods, with good traffic beside them: of the good packets none is lost, of the others each ends for its cause, memory
stays where it is, and the log says no more of it than it may.

net_pcap plays captures over and over, as fast as the gateway takes them: good packets stand between bad ones. What it has
received tells which packets these were, so that each count is known to the packet.
"""

import collections

import pytest

import journeys
from asking import until
from floods import LAN, PEERS, WAN, good_inbound, good_outbound, replay, with_a_window
from test_clients import memory_kib

GOOD, BAD = 60, 4  # good packets in a capture; bad ones of a kind behind each of them
ROUNDS = 20  # times that each capture is played, before memory is looked at and behind
AUDITED = ("esp.auth_failed", "esp.replayed", "esp.no_sa")
AUDITS_A_SECOND, ICMP_A_SECOND, ICMP_BURST = 10, 100, 50


def capture_of(good, kinds):
    """The frames of a capture, and of what kind each of them is: None, a good one."""
    frames, kinds_of = [], []
    for i, frame in enumerate(good):
        frames.append(frame)
        kinds_of.append(None)
        for kind in kinds:
            frames += [kind(i * BAD + k) for k in range(BAD)]
            kinds_of += [kind] * BAD
    return frames, kinds_of


def of_each(kinds_of, received):
    """How many of each kind are among so many that were played, over and over from the first on."""
    rounds, rest = divmod(received, len(kinds_of))
    begun = collections.Counter(kinds_of[:rest])
    return {kind: rounds * count + begun[kind] for kind, count in collections.Counter(kinds_of).items()}


def ended_for(report, cause):
    return sum(report[fate].get(cause, 0) for fate in ("dropped", "consumed", "punted"))


def carried(report, names):
    return sum(count["packets"] for name, count in report["security_associations"].items() if name in names)


@pytest.mark.parametrize("workers", [1, 2])
def test_good_packets_beside_all_floods_at_once(place, workers, monkeypatch):
    # Or AddressSanitizer keeps what was freed.
    monkeypatch.setenv("ASAN_OPTIONS", "quarantine_size_mb=0:thread_local_quarantine_size_kb=0", prepend=":")
    wan, wan_kinds = capture_of(good_inbound(GOOD), WAN)
    lan, lan_kinds = capture_of(good_outbound(GOOD), LAN)
    tree = place.configuration(place.played(wan, 0), place.played(lan, 1), workers={"count": workers},
                               icmp={"errors_per_second": ICMP_A_SECOND, "burst": ICMP_BURST})

    with place.running(with_a_window(tree)) as strata, place.client() as client:
        def played(rounds):
            received = {row["name"]: row["received"] for row in client.rows("show.ports")}
            return received["wan"] >= rounds * len(wan) and received["lan"] >= rounds * len(lan)

        until(lambda: played(ROUNDS))
        before = memory_kib(strata.pid)
        until(lambda: played(10 * ROUNDS))
        assert memory_kib(strata.pid) < before + 4096
        report = strata.stop()  # balanced, and no buffer missing
    on_wan = of_each(wan_kinds, report["ports"]["wan"]["received"])
    on_lan = of_each(lan_kinds, report["ports"]["lan"]["received"])
    judge_log(strata.log(), report)
    judge_errors(report)
    lost = report["dropped"].get("handoff.full", 0) + report["dropped"].get("tx.full", 0)
    assert lost == 0 or workers > 1
    opened = carried(report, [f"from-{n}" for n in PEERS])
    sealed_ones = carried(report, [f"to-{n}" for n in range(journeys.PEERS)])
    assert on_wan[None] - lost <= opened <= on_wan[None]
    assert on_lan[None] - lost <= sealed_ones <= on_lan[None]
    for kinds, counts in ((WAN, on_wan), (LAN, on_lan)):
        for kind, cause in kinds.items():
            taken = min(counts[kind], 8) if kind is replay else 0  # those that were the first of their number
            if cause:
                assert counts[kind] - lost - taken <= ended_for(report, cause) <= counts[kind], (cause, report)


def judge_log(log, report):
    """Each worker tells ten of a cause in a second, and counts the others."""
    for cause in AUDITED:
        told = log.count(f"audit {cause}:")
        assert 0 < told <= len(report["workers"]) * AUDITS_A_SECOND * (report["seconds"] + 2), cause
    assert report["audit_suppressed"] > 1000


def judge_errors(report):
    errors = ended_for(report, "ip4.ttl_exceeded") + ended_for(report, "ip4.no_route")
    assert errors - report["icmp_errors_limited"] <= ICMP_BURST + ICMP_A_SECOND * (report["seconds"] + 2)
    assert report["icmp_errors_limited"] > 1000
