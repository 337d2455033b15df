#!/usr/bin/python3
"""Makes the seeds of tests/fuzz/corpus anew: make_corpus.py [FOLDER].

Seeds are called seed-*; all other files there are what the fuzzers found, made small by `./dev fuzz --keep`, and are
left alone. Frames come from demo/ and tests/replay/captures, or are made by scapy; nothing here is strata's.
"""

import json
import struct
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent / "replay"))

from scapy.layers.inet import ICMP, IP, TCP, UDP  # noqa: E402
from scapy.packet import Raw  # noqa: E402
from scapy.utils import PcapReader  # noqa: E402

import gateway as g  # noqa: E402

CAPTURES = ROOT / "tests" / "replay" / "captures"

# As in script.hpp and arrivals.hpp.
FRAME, SEALED = 0, 1
REVERSED, DOUBLED, OVERLAPPING, INCOMPLETE, SCARCE, CHAINED, TOGETHER = (1 << i for i in range(7))
NO_PAUSE, MICRO, MILLI10, MILLI150, MILLI600, SECONDS6, SECONDS70, MINUTES10 = range(8)
TRAILER, WRONG_ICV, OTHER_WAY, FAR_AHEAD = 1, 2, 4, 8
WAN, LAN, LAN2, KERNEL = range(4)
PLAIN, WITH_KERNEL, SHUT = range(3)
STEP_BY_STEP = 3  # added to a gateway
FROM_B, FROM_C, FROM_D, FROM_E = range(4)


def step(octets, *, kind=FRAME, place=WAN, pause=NO_PAUSE, cut=0, manner=0):
    return struct.pack("<5BH", kind, place, pause, cut, manner, len(octets)) + octets


def sealed(text, *, sa=FROM_B, number=0, how=TRAILER, tos=0, **more):
    return step(struct.pack("<bBB", number, how, tos) + text, kind=SEALED, place=sa, **more)


def script(*steps, gateway=PLAIN):
    return bytes([gateway]) + b"".join(steps)


def frames(path):
    with PcapReader(str(path)) as reader:
        return [bytes(packet) for packet in reader]


def many(of, **how):
    """Scripts of eight frames each, all in one burst."""
    for at in range(0, len(of), 8):
        yield script(*(step(frame, manner=TOGETHER, **how) for frame in of[at : at + 8]))


def lan(packet, *, src="02:00:00:00:02:02", dst=g.LAN_MAC, **more):
    return step(g.ether(packet, src=src, dst=dst), place=LAN, **more)


def ip(dst, size=100, *, src="10.1.0.2", flags="DF", **more):
    return g.inner4(size, src=src, dst=dst, flags=flags, **more)


def syn(dst, mss=1460):
    header = IP(src="10.1.0.2", dst=dst, id=9)
    return bytes(header / TCP(sport=4000, dport=80, flags="S", seq=7, options=[("NOP", None), ("MSS", mss)]))


def inbound():
    yield from many(frames(ROOT / "demo" / "wan.pcap"))
    yield from many(frames(CAPTURES / "every-end.wan.pcap")[:64])
    yield from many(frames(CAPTURES / "host.wan.pcap"))
    echo = g.ether(g.inner4(84, src="192.0.2.9", dst="192.0.2.1"))
    yield script(step(echo), step(echo, manner=CHAINED), gateway=WITH_KERNEL)
    yield script(step(echo), gateway=SHUT)
    ike = g.udp4(b"\0\0\0\0ike", sport=500, dport=500)
    yield script(step(g.ether(ike)), step(g.ether(g.udp4(b"\xff"))), step(g.ether(g.udp4(b"x", dport=99))))
    clear = g.inner6(ip("10.1.0.2", src="198.51.100.5"), src="fc00:9::1", dst="fc00:1::c1")
    yield script(step(g.ether(clear, kind=0x86DD)), step(g.ether(clear, kind=0x86DD)), gateway=STEP_BY_STEP)
    dns = IP(src="198.51.100.5", dst="10.1.0.2", ttl=9) / UDP(sport=53, dport=53) / Raw(b"bypass")
    yield script(step(g.ether(bytes(dns))), step(g.ether(bytes(dns)[:-3] + b"abc")))
    through = g.inner4(1200, src="203.0.113.7", dst="198.51.100.8", flags=0)
    yield script(step(g.ether(through)), step(g.ether(through), manner=TOGETHER))


def inners():
    """What a peer may put into its packets."""
    four = ip("10.1.0.2", src="10.2.0.2")
    yield g.inner6(four)
    yield g.inner6(four, headers=[g.srh(["fc00:1::d4"], tlvs=g.PADN_TLV)])
    yield g.inner6(four, headers=[g.hop_by_hop(), g.srh(["fc00:1::d4", "fc00:2::1"]), g.dst_opts()])
    yield g.inner6(four, headers=[g.srh(["fc00:1::d4", "fc00:1::e1"], 1)])
    yield g.inner6(four, headers=[g.fragment_header(), g.routing(0, 0)])
    yield g.inner6(ip("10.1.0.2", 1380, src="10.2.0.2", flags=0), tc=3, dst="fc00:1:0:64::7")
    yield g.inner6(ip("10.1.0.2", 1380, src="10.2.0.2"), dst="fc00:1:0:64::7")
    yield g.inner6(g.inner4(84, src="10.2.0.2", dst="10.1.0.1", flags=0, tos=2), tc=1)
    yield g.inner6(g.inner4(100, src="10.2.0.2", dst="10.1.0.2", ttl=1))
    yield g.inner6(g.inner4(100, src="10.2.0.2", dst="10.1.0.9"), dst="fc00:1::d5")
    yield g.inner6(four, dst="fc00:1::d6")
    yield g.inner6(four, dst="fc00:1::1", upper=58)
    yield g.inner6(bytes(8), upper=59)
    yield g.inner6(ip("10.1.0.2", src="10.2.0.2", options=b"\x44\x04\x05\x00"))
    quote = g.inner6(ip("10.2.0.5", 1300), src="fc00:1::1", dst="fc00:2::d4")
    yield g.six_too_big(quote[:200], 1300)
    yield bytes(IP(src="10.2.0.2", dst="10.1.0.2") / ICMP())


def broken_inners():
    """What End.DX4 refuses, once each."""
    four = ip("10.1.0.2", src="10.2.0.2")
    yield g.inner6(four, headers=[g.dst_opts()] * 9)
    yield g.inner6(four, headers=[g.fragment_header(8, 1)])
    yield g.inner6(four, headers=[(g.DST_OPTS, bytes([0, 0, 0xC7, 4, 0, 0, 0, 0]))])
    yield g.inner6(four, headers=[g.routing(0, 1)])
    yield g.inner6(four, headers=[g.srh(["fc00:1::d4"], last_entry=5)])
    yield g.inner6(four, headers=[g.dst_opts(), g.hop_by_hop()])
    yield g.inner6(four[:30], headers=[g.srh(["fc00:1::d4"])], upper=6)
    yield g.inner6(b"", headers=[(g.DST_OPTS, bytes([0, 9]) + bytes(6))])
    yield g.inner6(four, src="ff02::1")
    yield g.inner6(four)[:50]


def path_mtu():
    """A packet through a tunnel, and a router on its way that says that it was too large; then one that is."""
    for spi, sender, upper in ((0x2001, "10.2.0.5", "udp"), (0x2002, "10.4.0.5", "esp")):
        esp = struct.pack("!IIQ", spi, 1, 1)
        if upper == "udp":
            quote = g.udp4(esp, src="192.0.2.1", dst="192.0.2.2")
        else:
            quote = g.outer4(esp, g.ESP, src="192.0.2.1", dst="203.0.113.3")
        quote = g.patch4(quote, 2, struct.pack("!H", 1450))
        told = g.icmp_error(3, 4, quote, src="192.0.2.254", dst="192.0.2.1", mtu=1300)
        yield script(lan(ip(sender)), step(g.ether(told)), lan(ip(sender, 1300)), lan(ip(sender, 1300), pause=MINUTES10))


def opened():
    for i, inner in enumerate(inners()):
        yield script(sealed(inner), sealed(inner, number=-1), gateway=i % 2 * STEP_BY_STEP)
    source = {FROM_B: "fc00:2::9", FROM_C: "fc00:3::9", FROM_D: "fc00:4::9", FROM_E: "fc00:5::9"}
    four = ip("10.1.0.2", src="10.2.0.2")
    for sa, src in source.items():
        inner = g.inner6(four, src=src)
        yield script(*(sealed(inner, sa=sa, number=n, manner=TOGETHER) for n in (0, 5, -1, 100, -128, 0)))
        yield script(sealed(inner, sa=sa, how=TRAILER | FAR_AHEAD), *[sealed(inner, sa=sa)] * 12)
    yield script(sealed(g.inner6(four), how=TRAILER | WRONG_ICV), sealed(g.inner6(four), how=TRAILER | OTHER_WAY))
    yield script(sealed(g.inner6(four) + bytes([1, 2, 2, 41]), how=0), sealed(bytes([1, 2, 3, 3, 59]), how=0))
    yield script(sealed(g.inner6(four), cut=10), sealed(g.inner6(four), cut=20, manner=REVERSED | DOUBLED))
    yield script(*(sealed(inner) for inner in broken_inners()))
    yield script(*(sealed(g.inner6(four) + bytes([0, after]), how=0) for after in (59, 4, 0)))
    parts = g.cut(g.inner4(900, src="10.2.0.2", dst="10.1.0.1", flags=0), 400)
    yield script(*(sealed(g.inner6(part)) for part in parts))
    yield script(*(sealed(g.inner6(part)) for part in parts), gateway=WITH_KERNEL)


def outbound():
    yield from many(frames(CAPTURES / "host.lan.pcap"), place=LAN)
    for size in (60, 576, 1380, 1500):
        for flags in ("DF", 0):
            yield script(
                *(lan(ip(to, size, flags=flags), manner=TOGETHER) for to in ("10.2.0.5", "10.4.0.5", "10.5.0.5")),
                gateway=STEP_BY_STEP if flags else PLAIN,
            )
    yield script(lan(syn("10.2.0.5")), lan(syn("10.2.0.5", 600), manner=TOGETHER), lan(syn("10.4.0.5")))
    yield script(*(lan(ip(to)) for to in ("10.6.0.5", "10.7.0.5", "10.9.0.5", "10.3.0.2", "203.0.113.9", "8.8.8.8")))
    yield script(lan(ip("10.9.0.5", 1500, flags=0)), lan(ip("10.9.0.5", 1500, flags="MF")), lan(ip("10.9.0.5", 1500)))
    yield script(lan(ip("10.9.0.5", 1500, flags=0), manner=SCARCE), lan(ip("10.7.0.5"), manner=SCARCE))
    yield script(lan(ip("10.1.0.1")), lan(ip("10.2.0.5", ttl=1)), lan(ip("10.1.0.1", src="10.3.0.9")))
    refused = [lan(ip("8.8.8.8", ident=i), manner=TOGETHER) for i in range(12)]
    yield script(*refused)
    needed = g.icmp_error(3, 4, ip("10.2.0.5", 1400), src="10.1.0.9", dst="10.1.0.1", mtu=1300)
    yield script(lan(needed), lan(needed), gateway=WITH_KERNEL)
    kernel = [g.ether(packet, dst="02:00:00:00:03:01") for packet in (
        g.inner4(84, src="192.0.2.1", dst="192.0.2.254"),
        g.inner4(84, src="10.1.0.1", dst="10.2.0.5"),
        g.inner4(1500, src="10.1.0.1", dst="10.3.0.2", flags=0),
        g.inner4(84, src="10.9.9.9", dst="10.3.0.2"),
    )]
    asks = g.arp(1, "02:00:00:00:09:09", "10.1.0.1", "10.1.0.2")
    yield script(*(step(frame, place=KERNEL, manner=TOGETHER) for frame in [*kernel, asks]), gateway=WITH_KERNEL)


def arp():
    asked = g.arp(1, "02:00:00:00:07:07", "10.1.0.7", "10.1.0.1")
    answers = g.arp(2, "02:00:00:00:07:07", "10.1.0.7", "10.1.0.1", hwdst=g.LAN_MAC, to=g.LAN_MAC)
    waits = [lan(ip("10.1.0.7", src="10.1.0.2", ident=i), manner=TOGETHER) for i in range(6)]
    yield script(step(asked, place=LAN), *waits)
    yield script(*waits, step(answers, place=LAN, pause=MILLI10))
    yield script(*waits, step(answers, place=LAN, pause=SECONDS6), step(asked, place=LAN, pause=SECONDS70))
    probe = g.arp(1, "02:00:00:00:07:07", "0.0.0.0", "10.1.0.1")
    claims = g.arp(1, "02:00:00:00:07:07", "10.1.0.1", "10.1.0.1")
    foreign = g.arp(1, "02:00:00:00:07:07", "172.16.0.1", "10.1.0.1")
    yield script(*(step(frame, place=LAN) for frame in (probe, claims, foreign, asked[:30])))
    yield script(*(step(frame, place=LAN) for frame in (probe, claims, foreign, asked)), gateway=SHUT)
    peer = g.arp(2, "02:00:00:00:99:99", "192.0.2.99", "192.0.2.1", hwdst=g.WAN_MAC, to=g.WAN_MAC)
    far = [lan(ip("10.7.0.5", ident=i)) for i in range(3)]
    yield script(*far, step(peer, place=WAN, pause=MILLI10), lan(ip("10.7.0.5")), gateway=STEP_BY_STEP)
    crowd = [step(g.arp(1, f"02:00:00:00:08:{i:02x}", f"10.1.0.{i}", "10.1.0.1"), place=LAN) for i in range(20, 40)]
    yield script(*crowd)
    yield script(step(g.arp(1, "02:00:00:00:09:09", "10.1.0.1", "10.1.0.2"), place=KERNEL), gateway=WITH_KERNEL)


def fragments():
    yield from path_mtu()
    big = g.ether(g.inner4(1400, src="192.0.2.9", dst="192.0.2.1", flags=0))
    for manner in (0, REVERSED, DOUBLED, OVERLAPPING, INCOMPLETE, REVERSED | OVERLAPPING):
        yield script(step(big, cut=40, manner=manner), gateway=PLAIN)
    yield script(step(big, cut=40), gateway=WITH_KERNEL)
    yield script(step(big, cut=40), gateway=SHUT)
    yield script(step(big, cut=1))
    yield script(step(big, cut=60, manner=INCOMPLETE), step(big, pause=MILLI600, cut=60, manner=INCOMPLETE))
    others = [
        step(g.ether(g.inner4(200, src="192.0.2.9", dst="192.0.2.1", flags=0, ident=i)), cut=8, manner=INCOMPLETE)
        for i in range(20)
    ]
    yield script(*others)
    inner = g.inner6(ip("10.1.0.2", 1200, src="10.2.0.2"))
    yield script(sealed(inner, cut=64), sealed(inner, cut=100, manner=REVERSED), gateway=STEP_BY_STEP)
    yield script(sealed(inner, cut=64, manner=SCARCE))
    for to in ("10.9.0.5", "10.2.0.5", "10.4.0.5"):
        for size in (1500, 3000):
            yield script(lan(ip(to, size, flags=0)), lan(ip(to, size, flags=0, options=bytes([0x94, 4, 0, 0]))))


def wire():
    """Each view with what it is about in front."""
    clean = frames(CAPTURES / "good.wan.pcap")[0]
    four = syn("10.2.0.5")
    six = g.inner6(four, headers=[g.hop_by_hop(), g.srh(["fc00:1::d4"], tlvs=g.PADN_TLV), g.fragment_header()])
    big = g.six_too_big(g.inner6(four), 1300)
    error = g.icmp_error(3, 4, four, src="192.0.2.9", dst="192.0.2.1", mtu=1300)[20:]
    asked = g.arp(1, "02:00:00:00:07:07", "10.1.0.7", "10.1.0.1")
    tagged = g.ether(four, vlans=((0x88A8, 1), (0x8100, 2)))
    header = g.srh(["fc00:1::d4", "fc00::1"], 1, tlvs=g.PADN_TLV)[1]
    texts = [b"02:00:00:00:01:01", b"192.0.2.1/24", b"10.1.0.1", b"fc00:1::d4/128", b"::ffff:10.0.0.1", b"::/0"]
    for view, octets in [
        (0, clean[:60]), (0, tagged[:30]), (1, asked[14:]), (2, four), (2, g.inner4(60, options=bytes(8))), (3, six),
        (3, g.inner6(four)), (4, header), (5, clean[42:90]), (5, bytes([1, 2, 3, 3, 41])), (6, clean[34:90]),
        (7, error), (7, four), (8, big), (9, b"\x02\x00" + four), (10, four), (11, b"\x0e"),
        *((12, text) for text in texts),
    ]:
        yield bytes([view]) + octets


def config():
    for path in [*sorted((ROOT / "config" / "examples").glob("*.yaml")), ROOT / "demo" / "gateway.yaml"]:
        lines = path.read_text().splitlines()
        yield "\n".join(line for line in lines if not line.lstrip().startswith("#")).encode() + b"\n"
    text = (HERE / "gateway.yaml").read_text()
    yield text[text.index("neighbors:") :].encode()
    yield b"""ports: &all
  wan: {device: a, addresses: [192.0.2.1/24], side: unprotected, mtu: 9000, queues: 2, promiscuous: true}
  lan: {device: b, addresses: [10.1.0.1/24, "fc00::1/64"], descriptors: {rx: 64, tx: 64}, offloads: false}
  kernel: {device: c, host: true}
name: "a.b"
workers: {count: 2, cpus: [1, 2], rebalance: true}
eal: {hugepages: never, memory: 600, arguments: ["--log-level=7"]}
control: {enabled: true, socket: /tmp/x.sock}
metrics: {http: false, telemetry: true}
state: {directory: /var/lib/strata}
"""
    yield b"ports: {a: {device: *x, side: ['\\u00e9', |\n  text\n]}}\n"


def block(kind, body):
    body += bytes(-len(body) % 4)
    return struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))


def capture():
    whole = (ROOT / "demo" / "lan.expected.pcap").read_bytes()
    yield whole[:600]
    yield (CAPTURES / "kernel.wan.pcap").read_bytes()
    yield whole[:24]
    header, frame = whole[:24], whole[40:120]
    yield struct.pack(">IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1) + struct.pack(">4I", 1, 2, 80, 90) + frame
    yield header + struct.pack("<4I", 0xFFFFFFFF, 999999999, 300, 300) + frame
    section = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    interface = block(1, struct.pack("<HHI", 1, 0, 0) + struct.pack("<HHB3x", 9, 1, 9) + bytes(4))
    packet = struct.pack("<5I", 0, 1, 2, len(frame), len(frame)) + frame
    yield section + interface + block(6, packet) + block(6, packet + struct.pack("<HH4s", 1, 4, b"drop") + bytes(4))
    yield section + interface + block(3, struct.pack("<I", len(frame)) + frame)


def control():
    def line(method, number=1, **params):
        return json.dumps({"jsonrpc": "2.0", "method": method, "params": params, "id": number}).encode() + b"\n"

    names = ["hello", "report", "rpc.discover", "subscribe", "show.config", "reload", "diff", "trace", "capture"]
    names += [f"show.{what}" for what in ("ports", "workers", "sas", "sids", "policies", "routes", "neighbors", "drops")]
    for name in names:
        yield b"\0" + line(name)
    yield b"\0" + b"".join(line(f"show.{name}", i, offset=i, limit=2) for i, name in enumerate(("sas", "routes", "mtu")))
    batch = b"[" + b",".join(line(name).strip() for name in names[:4]) + b"]\n"
    yield b"\1" + batch
    yield b"\0" + line("route.add", entry={"prefix": "10.20.0.0/16", "next_hop": "10.1.0.2", "port": "lan"})
    yield b"\0" + b'{"jsonrpc":"2.0","method":"hello"}\n[]\n{}\n"x"\n[1,2]\nnull\n\xff\xfe\n' + line("hello")
    yield b"\2" + b"[" * 40 + b"]" * 40 + b"\n" + line("hello") + line("hello")[:20]


TARGETS = (arp, capture, config, control, fragments, inbound, opened, outbound, wire)


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "corpus"
    for target in TARGETS:
        place = folder / target.__name__
        place.mkdir(parents=True, exist_ok=True)
        for old in place.glob("seed-*"):
            old.unlink()
        for i, seed in enumerate(target()):
            (place / f"seed-{i:02}").write_bytes(seed)


if __name__ == "__main__":
    main()
