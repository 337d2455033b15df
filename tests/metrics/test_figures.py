"""The figures against the captures: what scapy counts in them is what is told."""

import yaml
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.ipsec import ESP, SecurityAssociation
from scapy.layers.l2 import Ether

import journeys
from asking import until
from harness import capture_bytes, read_capture
from test_service import Stopped, threads

TO_COME = 30  # numbers of each peer
LOST = {0: {7, 8, 20}, 3: {1}}  # by peer: never sent
TWICE = {1: {5, 6}}
TAMPERED = {2: {11}}


def number_of(frame):
    """The peer and the sequence number."""
    esp = ESP(bytes(Ether(frame)[UDP].payload))
    return esp.spi - 0x1000, esp.seq


def frames_of_a_bad_way():
    frames = []
    for frame in journeys.inbound(TO_COME * journeys.PEERS)[0]:
        n, sequence = number_of(frame)
        if sequence in LOST.get(n, ()):
            continue
        if sequence in TAMPERED.get(n, ()):
            frame = frame[:-1] + bytes([frame[-1] ^ 1])
        frames += [frame] * (2 if sequence in TWICE.get(n, ()) else 1)
    return frames


def opened(frame):
    """The IPv6 packet inside, by scapy; None: the ICV is wrong."""
    n, _ = number_of(frame)
    sa = journeys.inbound_sa(n)
    theirs = SecurityAssociation(ESP, spi=sa.spi, crypt_algo="AES-GCM", crypt_key=sa.keymat,
                                 tunnel_header=IP(src=sa.source, dst=sa.destination))
    packet = Ether(frame)
    outer = IP(src=packet[IP].src, dst=packet[IP].dst, proto=50) / ESP(bytes(packet[UDP].payload))
    try:
        return bytes(theirs.decrypt(IP(bytes(outer)))[IPv6])
    except Exception as error:  # each version of scapy has its own
        assert "Integrity" in type(error).__name__ + str(error) or "InvalidTag" in repr(error), error
        return None


def counted(frames):
    """What a peer's good packets are, each once: by peer, {number: octets of IPv6}."""
    good = {n: {} for n in range(journeys.PEERS)}
    for frame in frames:
        n, sequence = number_of(frame)
        if (six := opened(frame)) is not None:
            good[n][sequence] = len(six)
    return good


def with_captures(place, frames):
    """A gateway that plays the frames once, and writes down what leaves by the lan: those alone, and no ARP."""
    (place.folder / "wan.pcap").write_bytes(capture_bytes(frames))
    tree = place.configuration(wan=f"net_pcap0,rx_pcap={place.folder}/wan.pcap",
                               lan=f"net_pcap1,tx_pcap={place.folder}/lan.pcap")
    tree["arp"] = {"enabled": False}
    for sa in tree["ipsec"]["security_associations"][: journeys.PEERS]:
        sa["replay_window"] = 64
    return tree


def test_figures_are_those_of_the_captures(place):
    frames = frames_of_a_bad_way()
    good = counted(frames)
    packets = sum(len(of) for of in good.values())
    with place.running(with_captures(place, frames)) as strata:
        metrics = until(place.scrape, lambda m: m["strata_port_received_packets_total", {"port": "wan"}] >= len(frames)
                        and m["strata_port_sent_packets_total", {"port": "lan"}] >= packets)
        judge_ports(metrics, frames, packets)
        judge_sas(metrics, good)
        judge_journey(metrics, frames, good)
        strata.stop()
    left, _ = read_capture(place.folder / "lan.pcap")
    assert len(left) == metrics["strata_port_sent_packets_total", {"port": "lan"}]
    assert sum(map(len, left)) == metrics["strata_port_sent_bytes_total", {"port": "lan"}]


def judge_ports(metrics, frames, packets):
    assert metrics["strata_port_received_packets_total", {"port": "wan"}] == len(frames)
    assert metrics["strata_port_received_bytes_total", {"port": "wan"}] == sum(map(len, frames))
    assert metrics["strata_port_sent_packets_total", {"port": "lan"}] == packets
    assert metrics["strata_port_mtu_bytes", {"port": "wan"}] == 1500
    lost = {dict(labels)["reason"] for name, labels in metrics.values if name == "strata_port_lost_packets_total"}
    assert lost == {"missed", "no_buffers", "bad", "not_sent"}


def judge_sas(metrics, good):
    total = {"packets": 0, "bytes": 0}
    for n, of in good.items():
        labels = {"sa": f"from-{n}", "direction": "in"}
        assert metrics["strata_sa_packets_total", labels] == len(of)
        assert metrics["strata_sa_bytes_total", labels] == sum(of.values())
        assert metrics["strata_sa_sequence_left", labels] == 2**32 - 1 - max(of)
        assert metrics["strata_sa_window_fill_ratio", labels] == len(of) / max(of)
        assert 0 < metrics["strata_sa_age_seconds", labels] < 3600
        total["packets"] += len(of)
        total["bytes"] += sum(of.values())
        assert metrics["strata_sa_packets_total", {"sa": f"to-{n}", "direction": "out"}] == 0
        info = {"spi": hex(0x1000 + n), "peer": journeys.peer(n), "algorithm": "aes-128-gcm"}
        assert metrics["strata_sa_info", {**labels, **info}] == 1
    for unit, value in total.items():
        assert metrics[f"strata_sas_{unit}_total", {"direction": "in"}] == value
        assert metrics[f"strata_sid_{unit}_total", {"sid": "fc00:1::d4/128", "behavior": "End.DX4"}] == value
    assert metrics["strata_sas_sequence_left_min", {"direction": "in"}] == 2**32 - 1 - TO_COME
    assert len(metrics.by("strata_sa_window_fill_ratio", "sa")) == journeys.PEERS, "outbound SAs have no window"


def judge_journey(metrics, frames, good):
    stages = metrics.by("strata_stage_packets_total", "stage")
    packets = sum(len(of) for of in good.values())
    assert (stages["classify"], stages["esp_open"], stages["end_dx4"]) == (len(frames), len(frames), packets)
    causes = metrics.by("strata_cause_packets_total", "cause")
    ended = {cause: count for cause, count in causes.items() if count}
    assert ended == {"esp.replayed": sum(map(len, TWICE.values())), "esp.auth_failed": sum(map(len, TAMPERED.values()))}
    assert metrics["strata_worker_received_packets_total", {"worker": "0"}] == len(frames)
    assert metrics["strata_generated_packets_total"] == 0


def test_what_is_sealed(place):
    """Outbound: the lan's frames come again and again, so that counters are held against each other."""
    frames, _ = journeys.outbound(64)
    with place.running(place.configuration(wan="net_null1,no-rx=1", lan=place.played(frames))) as strata:
        until(place.scrape, lambda m: m["strata_sas_packets_total", {"direction": "out"}] > 1000)
        first = place.scrape()
        second = until(place.scrape, lambda m: m["strata_worker_busy_ratio", {"worker": "0"}] > 0)
        until(place.scrape, lambda m: m["strata_generated_packets_total"] > 0)  # ports announce their addresses
        for n in range(journeys.PEERS):
            labels = {"sa": f"to-{n}", "direction": "out"}
            assert second["strata_sa_packets_total", labels] >= first["strata_sa_packets_total", labels] > 0
            assert second["strata_sa_sequence_left", labels] < 2**32 - 1
        assert 0 < second["strata_worker_busy_ratio", {"worker": "0"}] <= 1
        assert second["strata_worker_busy_seconds_total", {"worker": "0"}] > 0
        report = strata.stop()
    last = sum(report["security_associations"][f"to-{n}"]["packets"] for n in range(journeys.PEERS))
    assert second["strata_sas_packets_total", {"direction": "out"}] <= last


def test_more_sas_than_have_series(place):
    with place.running(place.configuration(metrics={"entries": 3})) as strata:
        metrics = place.scrape()
        assert set(metrics.by("strata_sa_packets_total", "sa")) == {"from-0", "from-1", "from-2"}
        assert metrics["strata_sas_without_series"] == 2 * journeys.PEERS - 3
        assert metrics["strata_sas", {"direction": "out"}] == journeys.PEERS
        assert metrics["strata_sids"] == 1 and metrics["strata_sids_without_series"] == 0
        assert metrics["strata_worker_sas", {"worker": "0"}] == 2 * journeys.PEERS
        strata.stop()


def test_a_reload_takes_series_away_and_counts_on(place):
    """Of an SA that goes there is no series any more; the sums over all of them never fall, and others' go on."""
    tree = place.configuration(wan=place.played(journeys.inbound(240)[0]), state={"directory": "state"})
    with place.running(tree) as strata:
        before = until(place.scrape, lambda now: now["strata_sa_packets_total", {"sa": "from-7", "direction": "in"}])
        assert before["strata_sas", {"direction": "in"}] == journeys.PEERS
        gone = next(sa for sa in tree["ipsec"]["security_associations"] if sa["name"] == "from-7")
        tree["ipsec"]["security_associations"].remove(gone)
        (place.folder / "gateway.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
        with place.client() as client:
            assert client.ask("reload")["changes"] == ["- ipsec.security_associations from-7"]
        after = place.scrape()
        assert after["strata_sas", {"direction": "in"}] == journeys.PEERS - 1
        assert "from-7" not in after.by("strata_sa_packets_total", "sa")
        for name in ("strata_sas_packets_total", "strata_sas_bytes_total"):
            assert after[name, {"direction": "in"}] >= before[name, {"direction": "in"}] > 0
        one = ("strata_sa_packets_total", {"sa": "from-0", "direction": "in"})
        until(lambda: place.scrape()[one] > after[one] >= before[one])
        strata.stop()


def test_a_worker_that_stands_still(place):
    """Named, while it does."""
    with place.running(place.configuration(workers={"count": 2})) as strata:
        def standing():
            return place.scrape().by("strata_worker_stands_still", "worker")

        assert standing() == {"0": 0, "1": 0}
        with Stopped(threads(strata.pid)["rte-worker-2"]):
            until(standing, lambda of: of == {"0": 0, "1": 1})
        until(standing, lambda of: of == {"0": 0, "1": 0})
        strata.stop()
