"""RFC duties 1 to 13: ESP. The numbers are those of docs; each case says the octets or the cause."""

import struct

import gateway as g
from gateway import Config, Sa
from harness import ends, run_case, sent

PLAIN = Sa("from-c", spi=0x1002, udp=None, inside="fc00:3::/48", key_from=0x40, algorithm="aes-256-gcm")
CHACHA = Sa("from-d", spi=0x1003, udp=(4501, 4501), inside="fc00:4::/48", key_from=0x60, algorithm="chacha20-poly1305")
THREE = [Sa(), PLAIN, CHACHA]


def ok(sa, seq, inner=None, **more):
    inner = g.inner4(seq=seq) if inner is None else inner
    return sent(g.good(sa, seq, inner, **more), g.on_lan(inner))


def test_good_packets_of_three_tunnels_interleaved_keep_their_order(tmp_path):
    cases = []
    for seq in range(1, 60):
        cases += [ok(sa, seq, g.inner4(20 + (7 * seq + 13 * i) % 300, ident=seq, seq=i)) for i, sa in enumerate(THREE)]
    outcome = run_case(Config(THREE), cases, tmp_path)
    for sa in THREE:
        count = outcome.report["security_associations"][sa.name]
        mine = [40 + len(case.end.frame) - 14 for i, case in enumerate(cases) if THREE[i % 3] is sa]
        assert count == {"packets": 59, "bytes": sum(mine)}
    assert outcome.report["local_sids"]["fc00:1::d4/128"]["packets"] == 3 * 59


def test_duty_01_spi_zero_is_never_an_sa(tmp_path):
    zero = bytes(4) + bytes(range(60))
    cases = [
        ends(g.ether(g.udp4(zero)), "punt.ike"),
        ends(g.ether(g.udp4(bytes(4))), "punt.ike", note="the marker alone"),
        ends(g.ether(g.outer4(zero, g.ESP)), "esp.spi_zero"),
        ends(g.ether(g.outer4(bytes(8), g.ESP)), "esp.spi_zero", "esp.truncated"),
        ok(Sa(), 1),
    ]
    run_case(Config(), cases, tmp_path)


def test_duty_02_unknown_spi_is_dropped_and_audited(tmp_path):
    stranger = Sa(spi=0x7777)
    cases = [
        ends(g.good(stranger, 7), "esp.no_sa"),
        ends(g.wrap(stranger, stranger.seal(8, b"x" * 40), plain=True), "esp.no_sa"),
        ends(
            g.wrap(Sa(), Sa().seal(9, g.inner6(g.inner4())), dst="198.51.100.1"),
            "esp.no_sa",
            note="own, but not the SA's address",
        ),
        ends(g.ether(g.udp4(b"\0\0\x10\x99" + b"\0\0\0\x05")), "esp.no_sa", "esp.truncated"),
        ok(Sa(), 1),
        ok(Sa(), 2, outer={"src": "203.0.113.77", "sport": 40000}),
    ]
    report = run_case(Config(), cases, tmp_path).report
    entries = [entry for entry in report["audit"] if entry["cause"] == "esp.no_sa"]
    first = entries[0]
    assert (int(first["spi"], 16), first["source"], first["destination"], first["sequence"], first["port"]) == (
        0x7777,
        "192.0.2.2",
        "192.0.2.1",
        7,
        "wan",
    )
    assert first["time"] == 1700000000 or abs(first["time"] - 1700000000) < 1e-3
    assert len(entries) + report["audit_suppressed"] >= 3


def test_duty_02_the_encapsulation_is_the_sas(tmp_path):
    sa = Sa()
    cases = [
        ends(g.good(sa, 1, outer={"plain": True}), "esp.encap_mismatch"),
        ends(g.good(sa, 2, outer={"dport": 4501}), "esp.encap_mismatch"),
        ends(g.good(PLAIN, 3, outer={"plain": False}), "esp.encap_mismatch"),
        ends(g.good(CHACHA, 4, outer={"dport": 4500}), "esp.encap_mismatch"),
        ends(g.good(CHACHA, 4, outer={"dport": 4777}), "local.no_port", note="no SA has this port"),
        ok(sa, 1),
        ok(PLAIN, 3),
        ok(CHACHA, 4),
    ]
    run_case(Config(THREE), cases, tmp_path)


def test_duty_03_fragments_offered_to_esp(tmp_path):
    sa = Sa()
    udp = g.udp4(sa.seal(1, g.inner6(g.inner4())), flags=0)
    plain = g.outer4(PLAIN.seal(1, g.inner6(g.inner4(), src=PLAIN.host())), g.ESP, flags=0)
    more, offset, last = b"\x20\x00", b"\x20\x10", b"\x00\x10"
    cases = [
        ends(g.ether(g.patch4(packet, 6, field)), "esp.fragment", note=field.hex())
        for packet in (udp, plain)
        for field in (more, offset, last)
    ]
    icmp = g.outer4(bytes(64), 1, flags=0)
    to_500 = g.udp4(bytes(64), dport=500, flags=0)
    cases += [ends(g.ether(g.patch4(icmp, 6, field)), "ip4.fragment") for field in (more, offset, last)]
    cases += [
        ends(g.ether(g.patch4(to_500, 6, more)), "ip4.fragment"),
        ends(g.ether(g.patch4(to_500, 6, last)), "esp.fragment", note="its ports are not known, it may be ESP"),
    ]
    cases += [ok(sa, 1), ok(PLAIN, 1)]
    run_case(Config(THREE), cases, tmp_path)


def test_duty_04_a_forged_number_does_not_move_the_window(tmp_path):
    sa = Sa()
    forged = bytearray(g.good(sa, 1_000_001))
    forged[-1] ^= 1
    zero = ends(g.good(sa, 0), "esp.seq_zero")
    cases = [ok(sa, 1), ends(bytes(forged), "esp.auth_failed"), ok(sa, 2), zero, ok(sa, 3)]
    run_case(Config(), cases, tmp_path)


def test_duty_05_duplicates_in_one_burst(tmp_path):
    cases = []
    for sa in THREE:
        for seq in (1, 2, 9, 70):
            cases += [ok(sa, seq)] + [ends(g.good(sa, seq), "esp.replayed")] * 2
        cases += [ends(g.good(sa, 2), "esp.replayed")]
        cases += [ok(sa, 3), ends(g.good(sa, 3), "esp.replayed")]
    run_case(Config(THREE), cases, tmp_path)


def test_duty_05_64_copies_in_one_burst(tmp_path):
    sa = Sa()
    run_case(Config(), [ok(sa, 5)] + [ends(g.good(sa, 5), "esp.replayed")] * 63 + [ok(sa, 6)], tmp_path)


def test_duty_05_an_old_copy_has_the_same_cause_in_every_burst(tmp_path):
    """Seen before, and by now left of the window: which of the two it is called must not depend on the burst."""
    sa = Sa(window=64)
    cases = [ok(sa, seq) for seq in range(1, 65)] + [ok(sa, 2000), ends(g.good(sa, 5), "esp.replay_too_old")]
    cases += [ends(g.good(sa, 2000), "esp.replayed"), ok(sa, 1999)]
    run_case(Config([sa]), cases, tmp_path)


def test_duty_05_a_copy_with_other_text(tmp_path):
    sa = Sa()
    broken = bytearray(g.good(sa, 5))
    broken[-20] ^= 0x10
    cases = [ends(bytes(broken), "esp.auth_failed"), ok(sa, 5), ends(bytes(broken), "esp.replayed")]
    run_case(Config(), cases, tmp_path)


def test_duty_09_padding_is_checked(tmp_path):
    sa = Sa()
    six = g.inner6(g.inner4(85))  # 125 octets: one of padding is the least
    inner = g.inner4(85)

    def frame(seq, padding, **more):
        return g.wrap(sa, sa.seal(seq, six, padding=padding, **more))

    cases = [
        sent(frame(1, b"\x01"), g.on_lan(inner)),
        sent(frame(2, bytes(range(1, 6))), g.on_lan(inner)),
        sent(frame(3, bytes(range(1, 254))), g.on_lan(inner)),
        ends(frame(4, b"\x00"), "esp.bad_pad"),
        ends(frame(5, b"\x02"), "esp.bad_pad"),
        ends(frame(6, b"\x01\x02\x03\x04\x06"), "esp.bad_pad"),
        ends(frame(7, b"\x02" + bytes(range(2, 6))), "esp.bad_pad"),
        ends(frame(8, bytes(253)), "esp.bad_pad"),
        ends(frame(9, b"\x01", pad_length=127), "esp.bad_length", note="one more than there is"),
        ends(frame(10, b"\x01", pad_length=255), "esp.bad_length"),
        ends(frame(11, b"\x01", pad_length=126), "esp.bad_pad", note="all there is, and not padding"),
        ends(g.wrap(sa, sa.seal_text(12, b"\x01\x02\x03\x04\x05\x06\x07\x29")), "esp.bad_length"),
        ends(g.wrap(sa, sa.seal_text(13, b"\x01\x02\x02\x29")), "esp.inner_truncated", note="nothing but a trailer"),
        ends(frame(3, bytes(range(1, 254))), "esp.replayed"),
        ends(frame(9, b"\x01"), "esp.replayed", note="authentic, so its number is used"),
        sent(frame(14, b"\x01"), g.on_lan(inner)),
    ]
    run_case(Config(), cases, tmp_path)


def test_duty_10_every_inner_size_and_residue(tmp_path):
    cases = []
    for seq, size in enumerate(range(20, 121), 1):
        cases += [ok(sa, seq, g.inner4(size, ident=size)) for sa in THREE]
    run_case(Config(THREE), cases, tmp_path)


def test_duty_10_every_pad_length(tmp_path):
    sa = Sa()
    cases = []
    for seq, pad in enumerate(range(256), 1):
        inner = g.inner4(80 + (2 - pad) % 4, ident=pad)
        six = g.inner6(inner)
        assert (len(six) + pad + 2) % 4 == 0
        cases.append(sent(g.wrap(sa, sa.seal(seq, six, padding=bytes(range(1, pad + 1)))), g.on_lan(inner)))
    run_case(Config(), cases, tmp_path)


def test_duty_10_ciphertext_not_aligned_or_too_short(tmp_path):
    sa = Sa()
    text = g.inner6(g.inner4(84))
    cases = [
        ends(g.wrap(sa, sa.seal(i, text, padding=bytes(range(1, i + 1)))), "esp.bad_length") for i in (1, 3, 4, 5, 7)
    ]
    esp = sa.seal(20, text)
    for length in range(8, 34):
        cases.append(ends(g.wrap(sa, esp[:length]), "esp.truncated", note=f"{length} octets"))
    for length in range(34, 60):
        cases.append(
            ends(g.wrap(sa, esp[:length]), "esp.auth_failed" if length % 4 == 0 else "esp.bad_length", note=f"{length}")
        )
    cases += [ends(g.wrap(sa, esp[:length]), "esp.truncated") for length in range(0, 8)]
    cases += [ok(sa, 20)]
    run_case(Config(), cases, tmp_path)


def test_duty_11_dummy_packets_are_consumed_and_move_the_window(tmp_path):
    sa = Sa()

    def dummy(seq, text=bytes(50)):
        return g.wrap(sa, sa.seal(seq, text, next_header=g.NO_NEXT))

    cases = [
        ok(sa, 1),
        ends(dummy(2), "esp.dummy"),
        ends(dummy(2), "esp.replayed"),
        ends(dummy(5000), "esp.dummy"),
        ends(dummy(5001, b""), "esp.dummy"),
        ends(g.good(sa, 5000), "esp.replayed"),
    ]
    cases += [ok(sa, 5001 + i) for i in range(1, 65)] + [ends(g.good(sa, 3), "esp.replay_too_old")]
    outcome = run_case(Config(), cases, tmp_path)
    assert outcome.report["consumed"] == {"esp.dummy": 3}


def test_duty_11_other_next_headers(tmp_path):
    sa = Sa()
    cases = [
        ends(g.wrap(sa, sa.seal(seq, g.inner4(84), next_header=protocol)), "esp.next_header", note=str(protocol))
        for seq, protocol in enumerate((0, 4, 6, 17, 43, 50, 58, 60, 255), 1)
    ]
    run_case(Config(), cases + [ok(sa, 50)], tmp_path)


def test_duty_12_tfc_padding_is_cut(tmp_path):
    cases = []
    for seq, extra in enumerate((1, 2, 3, 4, 7, 100, 101, 255, 256, 900), 1):
        inner = g.inner4(60 + seq, ident=seq)
        for sa in THREE:
            for at, tfc in ((0, bytes(extra)), (100, g.octets(seq, extra)), (200, b"\x45" * extra)):
                cases.append(
                    sent(g.wrap(sa, sa.seal(at + seq, g.inner6(inner, src=sa.host()), tfc=tfc)), g.on_lan(inner))
                )
    run_case(Config(THREE), cases, tmp_path)


def test_duty_12_inner_length_more_than_there_is(tmp_path):
    sa = Sa()
    inner = g.inner4(84)
    cases = [
        ends(g.wrap(sa, sa.seal(seq, g.inner6(inner, length=length))), "esp.inner_truncated", note=str(length))
        for seq, length in enumerate((85, 86, 87, 88, 100, 1000, 0xFFFF), 1)
    ]
    six = g.inner6(inner)
    cases += [
        ends(g.wrap(sa, sa.seal(20 + cut, six[:cut])), "esp.inner_truncated", note=f"{cut}")
        for cut in range(124)
        if cut
    ]
    run_case(Config(), cases + [ok(sa, 200)], tmp_path)


def test_duty_12_inner_length_less_than_the_ipv4_packet(tmp_path):
    sa = Sa()
    inner = g.inner4(84)
    cases = [
        ends(g.wrap(sa, sa.seal(1 + length, g.inner6(inner, length=length))), "ip4.truncated", note=str(length))
        for length in range(0, 84)
    ]
    run_case(Config(), cases + [ok(sa, 200)], tmp_path)


def test_duty_13_every_bit_of_the_icv(tmp_path):
    cases = []
    for sa in THREE:
        frame = g.good(sa, 10)
        for bit in range(128):
            broken = bytearray(frame)
            broken[-1 - bit // 8] ^= 1 << bit % 8
            cases.append(ends(bytes(broken), "esp.auth_failed"))
        cases.append(ok(sa, 10))
    outcome = run_case(Config(THREE), cases, tmp_path)
    assert all(
        frame in {case.end.frame for case in cases if hasattr(case.end, "frame")} for frame in outcome.frames["lan"]
    )


def test_duty_13_the_wrong_key_or_salt(tmp_path):
    cases = []
    for sa in THREE:
        other = Sa(sa.name, sa.spi, sa.algorithm, udp=sa.udp, inside=sa.inside, key_from=sa.key_from + 1)
        salted = g._aead(sa.algorithm, sa.keymat).encrypt(
            b"salt" + bytes(8), g.inner6(g.inner4(82)) + b"\x00\x29", struct.pack("!II", sa.spi, 4)
        )
        cases += [
            ends(g.good(other, 3), "esp.auth_failed"),
            ends(g.wrap(sa, struct.pack("!II", sa.spi, 4) + bytes(8) + salted), "esp.auth_failed"),
            ok(sa, 3),
        ]
    run_case(Config(THREE), cases, tmp_path)


def test_duty_14_audit_events(tmp_path):
    """RFC 4303 3.4 and RFC 4301 5.2: time, SPI, addresses, sequence number, for each kind of event."""
    sa = Sa()
    broken = bytearray(g.good(sa, 3))
    broken[-1] ^= 1
    fragment = g.patch4(g.udp4(sa.seal(5, g.inner6(g.inner4())), flags=0), 6, b"\x20\x00")
    bad = {
        "esp.no_sa": g.good(Sa(spi=0x4444), 1),
        "esp.auth_failed": bytes(broken),
        "policy.selector_mismatch": g.good(sa, 4, six={"src": "fc00:3::7"}),
        "esp.fragment": g.ether(fragment),
        "esp.replayed": g.good(sa, 2),
    }
    cases = [ok(sa, 2)] + [ends(frame, cause) for cause, frame in bad.items()]
    audit = {entry["cause"]: entry for entry in run_case(Config(), cases, tmp_path).report["audit"]}
    assert set(audit) == set(bad)
    for number, (cause, entry) in enumerate(((cause, audit[cause]) for cause in bad), 1):
        assert int(entry["spi"], 16) == (0x4444 if cause == "esp.no_sa" else sa.spi), entry
        assert entry["port"] == "wan", entry
        if cause != "policy.selector_mismatch":  # RFC 4301 5.2 asks for the addresses and the SPI only
            sequences = {"esp.no_sa": 1, "esp.auth_failed": 3, "esp.fragment": 5, "esp.replayed": 2}
            assert entry["sequence"] == sequences[cause], entry
        assert (entry["source"], entry["destination"]) in (
            ("192.0.2.2", "192.0.2.1"),
            ("fc00:3::7", "fc00:1::d4"),
        ), entry
        assert abs(entry["time"] - (1700000000 + number * 1e-6)) < 5e-7, entry


def test_duty_11_a_dummy_needs_no_good_padding(tmp_path):
    """RFC 4303 2.6: of a dummy packet nothing but the next header has to be well-formed."""
    sa = Sa()
    cases = [
        ends(g.wrap(sa, sa.seal(1, bytes(40), next_header=g.NO_NEXT, padding=b"\x07\x07", pad_length=2)), "esp.dummy"),
        ends(g.wrap(sa, sa.seal(2, bytes(42), next_header=g.NO_NEXT, padding=b"", pad_length=200)), "esp.dummy"),
        ok(sa, 3),
    ]
    run_case(Config(), cases, tmp_path)


def test_duty_03_udp_fragments_where_no_sa_is_encapsulated(tmp_path):
    """A fragment of UDP can hold ESP only where some SA is reached by UDP."""
    plain = Sa(udp=None)
    behind = g.patch4(g.outer4(bytes(64), g.UDP_), 6, b"\x00\x02")
    esp = g.patch4(g.outer4(plain.seal(1, g.inner6(g.inner4())), g.ESP), 6, b"\x20\x00")
    outcome = run_case(
        Config([plain]), [ends(g.ether(behind), "ip4.fragment"), ends(g.ether(esp), "esp.fragment")], tmp_path
    )
    assert [(entry["spi"], entry["sequence"]) for entry in outcome.report["audit"]] == [(f"0x{plain.spi:x}", 1)]
    (tmp_path / "udp").mkdir()
    outcome = run_case(Config([Sa()]), [ends(g.ether(behind), "esp.fragment")], tmp_path / "udp", explain=False)
    assert [(entry["spi"], entry["sequence"]) for entry in outcome.report["audit"]] == [(None, None)]
