"""strata's answer to a capture beside the model's: octets by port, time and order, causes, counters."""

import json
import struct
from collections import Counter
from pathlib import Path

import gateway as g
import octets as o
from cryptography.exceptions import InvalidTag
from harness import capture_bytes, causes, read_capture, replay, write_config
from journey import Model
from scenario import configuration
from settings import Settings, number4
from traffic import draw

FATES = ("dropped", "consumed", "punted")


class Different(AssertionError):
    """The model and strata do not say the same."""


def same(what, mine, strata):
    if mine != strata:
        if isinstance(mine, dict):
            keys = [key for key in sorted({*mine, *strata}) if mine.get(key) != strata.get(key)]
            mine, strata = ({key: table.get(key) for key in keys} for table in (mine, strata))
        raise Different(f"{what}\n  the model {mine}\n  strata    {strata}")


class Tunnels:
    """Opens what strata has sealed. Numbers go up by one for each SA, IDs do not repeat, a flow keeps its label."""

    def __init__(self):
        self.labels, self.idents = {}, {}

    def open(self, leaf, frame, sequence):
        """The frame is what the leaf says: header by header (RFC 791, 3948, 4303, 6437, 6864)."""
        sealed, packet = leaf.sealed, frame[14:]
        keys = sealed.sa.keys
        same("addresses of the frame", leaf.frame.hex(), frame[:14].hex())
        udp = keys.udp and struct.pack("!HH", *keys.udp) + struct.pack("!HH", len(packet) - 20, 0)
        ident = o.be16(packet, 4)
        header = struct.pack("!BBHHHBBHII", 0x45, sealed.tos, len(packet), ident, 0x4000 if sealed.df else 0,
                             sealed.sa.ttl, g.UDP_ if udp else g.ESP, 0, *map(number4, (keys.source, keys.destination)))
        same("outer header", (o.with_checksum(header) + (udp or b"")).hex(), packet[: 28 if udp else 20].hex())
        self.check_ident((keys.source, keys.destination, bool(udp)), ident, sealed.df)
        esp = packet[28 if udp else 20 :]
        same("SPI and sequence number", (keys.spi, sequence & 0xFFFFFFFF), struct.unpack("!II", esp[:8]))
        aad = esp[:4] + struct.pack("!Q", sequence) if keys.esn else esp[:8]
        try:
            text = g._aead(keys.algorithm, keys.keymat).decrypt(keys.keymat[-4:] + esp[8:16], esp[16:], aad)
        except InvalidTag:
            raise Different("the peer could not open it") from None
        pad = -(len(sealed.ipv6) + 2) % 4
        trailer = bytes(range(1, pad + 1)) + bytes([pad, g.IPV6])
        label = struct.unpack("!I", text[:4])[0] & 0xFFFFF
        wanted = struct.pack("!I", struct.unpack("!I", sealed.ipv6[:4])[0] | label) + sealed.ipv6[4:] + trailer
        same("IPv6 packet and trailer", wanted.hex(), text.hex())
        if not label or self.labels.setdefault(sealed.flow, label) != label:
            before = self.labels.get(sealed.flow, 0)
            raise Different(f"flow label {label:#x} of {sealed.flow.hex()}, before {before:#x}")

    def check_ident(self, way, ident, df):
        """RFC 6864: with DF it says nothing, ours is 0; else none comes again for long on that way."""
        if df:
            return same("ID beside DF", 0, ident)
        used = self.idents.setdefault(way, [])
        if not ident or ident in used[-60000:]:
            raise Different(f"ID {ident} is 0 or was used lately")
        used.append(ident)
        return None


def run_strata(folder, config_file, packets, ports, *, burst=1, poison="00", explain=False):
    """({port: [(frame, time)]}, report)."""
    arguments = [config_file]
    for port in dict.fromkeys(port for port, _, _ in packets):
        path = folder / f"in-{port}.pcap"
        if not path.exists():
            mine = [(frame, time) for at, frame, time in packets if at == port]
            path.write_bytes(capture_bytes([f for f, _ in mine], times=[t for _, t in mine]))
        arguments += ["--in", f"{port}={path}"]
    outputs = {port: folder / f"out-{port}-{burst}-{poison}.pcap" for port in ports}
    for port, path in outputs.items():
        arguments += ["--out", f"{port}={path}"]
    arguments += ["--json", "--poison", poison] + (["--explain"] if explain else ["--burst", burst])
    done = replay(*arguments, check=0, timeout=900)
    left = {port: list(zip(*read_capture(path))) for port, path in outputs.items()}
    for path in outputs.values():
        path.unlink()
    return left, json.loads(done.stdout)


def questions_first(made):
    """What one moment brings about, its ARP first: whether a question leaves before all else is nobody's rule."""
    return sorted(made, key=lambda one: (one[1], one[0][12:14] != b"\x08\x06"))


def check_port(port, leaves, got, numbers, tunnels):
    """One by one, in order. numbers: of which packet of the capture which time is."""
    assert all(before[1] <= after[1] for before, after in zip(got, got[1:]) if after[1] not in numbers)
    leaves = [leaf for _, _, leaf in questions_first([(leaf.frame, leaf.time, leaf) for leaf in leaves])]
    got = questions_first(got)
    for index, (leaf, (frame, time)) in enumerate(zip(leaves, got)):
        try:
            if leaf.sealed:
                tunnels.open(leaf, frame, leaf.sealed.sequence)
            else:
                same("octets", leaf.frame.hex(), frame.hex())
            same("time", leaf.time, time)
        except Different as different:
            about = numbers.get(leaf.time, "the clock"), numbers.get(time, "the clock")
            what = f"frame {index + 1} out of {port}, of packet {about[0]} (strata: {about[1]})"
            raise Different(f"{what}: {different}") from None
    if len(leaves) != len(got):
        extra = leaves[len(got) :] or got[len(leaves) :]
        time = extra[0].time if leaves[len(got) :] else extra[0][1]
        raise Different(f"{len(got)} frames out of {port}, the model has {len(leaves)}; "
                        f"the first that is too many is of packet {numbers.get(time, 'the clock')}: {extra[0]}")


def expected_report(model):
    fates = causes()
    report = {fate: {c: n for c, n in sorted(model.ends.items()) if n and fates[c] == fate} for fate in FATES}
    sent = Counter(leaf.port for leaf in model.leaves)
    ended = sum(model.ends.values())
    received = sum(model.received.values())
    generated = len(model.leaves) + ended - received
    report.update(received=received, sent=len(model.leaves), generated=generated, parked=0, balanced=True)
    report["ports"] = {p: {"received": model.received[p], "sent": sent[p]} for p in model.settings.ports}
    report["icmp_errors_limited"], report["ecn_anomalies"] = model.limited, model.anomalies
    for key, table in (("security_associations", model.sas), ("local_sids", model.sids)):
        report[key] = {name: {"packets": p, "bytes": b} for name, (p, b) in sorted(table.items())}
    return report


def check_report(model, report):
    for key, mine in expected_report(model).items():
        strata = report[key]
        if key in FATES:
            strata = dict(sorted(strata.items()))
        elif key in ("security_associations", "local_sids"):
            strata = {name: count for name, count in sorted(strata.items()) if count["packets"]}
        same(key, mine, strata)


def flow_of(packet):
    """What order is kept for: a packet's source, destination, protocol and ports; of ICMP its kind, and of an error the
    flow that it is about."""
    upper = packet[o.header_length(packet) :]
    if packet[9] != 1 or o.is_fragment(packet):
        return o.flow(packet)
    about = flow_of(upper[8:]) if upper[:1] in (b"\x03", b"\x0b") and len(upper) >= 28 and upper[8] >> 4 == 4 else b""
    return o.flow(packet) + upper[:2] + about


def flow_in(ipv6):
    """Of the IPv4 packet that the gateway has put into IPv6."""
    return flow_of(ipv6[40 + (8 * (ipv6[41] + 1) if ipv6[6] == g.ROUTING else 0) :])


def canonical(tunnels_of, frame):
    """(a frame as it may be compared with one of another run, its flow): what is sealed is opened, without number, IV,
    ID and ICV. Its flow is that of the innermost packet.

    tunnels_of: the SA (of gateway.py) by its SPI, of those that seal.
    """
    packet = frame[14:]
    if frame[12:14] != b"\x08\x00":
        return frame, b""
    esp = packet[28:] if packet[9] == g.UDP_ else packet[20:]
    keys = tunnels_of.get(esp[:4]) if packet[9] in (g.ESP, g.UDP_) and len(esp) > 34 else None
    if keys is None:
        return frame, flow_of(packet)
    aad = esp[:4] + (bytes(4) if keys.esn else b"") + esp[4:8]  # these tests send less than 2^32
    try:
        text = g._aead(keys.algorithm, keys.keymat).decrypt(keys.keymat[-4:] + esp[8:16], esp[16:], aad)
    except InvalidTag:
        return frame, flow_of(packet)
    return frame[:18] + frame[20:24] + frame[26:34] + esp[:4] + text, flow_in(text)


def check_ends(ends, packets, leaves, report):
    """Each packet's own end, by --explain. It tells of a buffer: of one that turned into an answer, an error or the
    whole of fragments it says what became of that."""
    answered = {leaf.time for leaf in leaves}
    for number, (end, (port, frame, time), told) in enumerate(zip(ends, packets, report["packets"], strict=True), 1):
        strata = told["cause"] or told["end"]
        if end not in (strata, "parked") and time not in answered and strata not in ("parked", "policy.boundary"):
            what = f"packet {number} at {port} ends for {end}, strata: {strata} ({told['summary']})"
            raise Different(f"{what} {frame.hex()}")


class Scenario:
    """A configuration and a capture drawn from a seed, and what the model says of them."""

    def __init__(self, seed, count, rng, *, tree=None, drawing=draw):
        self.seed, self.tree = seed, tree or configuration(rng)
        self.settings = Settings(self.tree)
        self.packets = drawing(rng, self.settings, count)
        self.numbers = {time: number for number, (_, _, time) in enumerate(self.packets, 1)}
        self.model = Model(Settings(self.tree))
        self.ends = [self.model.arrive(*packet) for packet in self.packets]
        self.model.finish()

    def judge(self, folder):
        """Asserts that strata, given one packet at a time, does what the model says."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        config_file = write_config(self.tree, folder)
        left, report = run_strata(folder, config_file, self.packets, list(self.tree["ports"]))
        tunnels = Tunnels()
        for port, got in left.items():
            check_port(port, [leaf for leaf in self.model.leaves if leaf.port == port], got, self.numbers, tunnels)
        check_report(self.model, report)
        return left, report
