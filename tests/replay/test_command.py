"""The command `strata replay`: its captures of every kind, its exits, its sentences."""

import json
import os
import shutil
import stat
import struct
import subprocess
import tempfile
from pathlib import Path

import pytest
from scapy.layers.l2 import Ether
from scapy.utils import PcapNgWriter

import gateway as g
from gateway import Config, Sa
from harness import MICRO, NANO, START_NS, capture_bytes, program, read_capture, replay, write_config

SA = Sa()
FRAMES = [g.good(SA, seq, g.inner4(60 + seq, seq=seq)) for seq in range(1, 11)]
OUT = [g.on_lan(g.inner4(60 + seq, seq=seq)) for seq in range(1, 11)]


@pytest.fixture
def config(tmp_path):
    return write_config(Config(), tmp_path)


def put(tmp_path, data, name="in.pcap"):
    path = tmp_path / name
    path.write_bytes(data)
    return path


def run(config, tmp_path, source, *more, check=0):
    return replay(config, "--in", f"wan={source}", "--out", f"lan={tmp_path / 'lan.pcap'}", *more, check=check)


def one_sentence(done):
    """Exit 1 with one line on standard error that a person can read."""
    assert done.returncode == 1, (done.returncode, done.stdout, done.stderr)
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, done.stderr
    return lines[0]


@pytest.mark.parametrize("magic", [MICRO, NANO])
@pytest.mark.parametrize("order", ["<", ">"])
def test_pcap_of_either_byte_order_and_unit(config, tmp_path, magic, order):
    source = put(tmp_path, capture_bytes(FRAMES, magic=magic, order=order))
    run(config, tmp_path, source)
    frames, times = read_capture(tmp_path / "lan.pcap")
    assert frames == OUT
    assert times == [START_NS + 1000 * i for i in range(len(FRAMES))]


def test_pcapng(config, tmp_path):
    path = tmp_path / "in.pcapng"
    writer = PcapNgWriter(str(path))
    for frame in FRAMES:
        writer.write(Ether(frame))
    writer.close()
    run(config, tmp_path, path)
    assert read_capture(tmp_path / "lan.pcap")[0] == OUT


def pcapng_nano(frames):
    """Section header, one Ethernet interface with if_tsresol 9, enhanced packets (draft-ietf-opsawg-pcapng 4)."""

    def block(kind, body):
        total = 12 + len(body)
        return struct.pack("<II", kind, total) + body + struct.pack("<I", total)

    option = struct.pack("<HHB3x", 9, 1, 9) + struct.pack("<HH", 0, 0)
    out = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)) + block(
        1, struct.pack("<HHI", 1, 0, 0) + option
    )
    for i, frame in enumerate(frames):
        time = START_NS + 1001 * i
        body = struct.pack("<IIIII", 0, time >> 32, time & 0xFFFFFFFF, len(frame), len(frame)) + frame
        out += block(6, body + bytes(-len(body) % 4))
    return out


def test_pcapng_in_nanoseconds(config, tmp_path):
    run(config, tmp_path, put(tmp_path, pcapng_nano(FRAMES), "in.pcapng"))
    frames, times = read_capture(tmp_path / "lan.pcap")
    assert frames == OUT and times[1] - times[0] == 1001


def test_an_empty_capture(config, tmp_path):
    report = json.loads(run(config, tmp_path, put(tmp_path, capture_bytes([])), "--json").stdout)
    assert (report["received"], report["sent"], report["balanced"]) == (0, 0, True)
    assert read_capture(tmp_path / "lan.pcap")[0] == []


def test_the_same_input_gives_the_same_file_twice(config, tmp_path):
    source = put(tmp_path, capture_bytes(FRAMES))
    run(config, tmp_path, source)
    first = (tmp_path / "lan.pcap").read_bytes()
    for burst in (64, 1, 7):
        run(config, tmp_path, source, "--burst", burst)
        assert (tmp_path / "lan.pcap").read_bytes() == first


def test_several_ports_in_the_order_of_time(config, tmp_path):
    """Packets of two captures meet in one gateway in the order of their times."""
    late = [
        g.mac(g.LAN2_MAC) + g.mac(g.LAN2_HOST_MAC) + b"\x08\x00" + g.inner4(60, src="10.3.0.2", ident=i)
        for i in range(10)
    ]
    wan = put(tmp_path, capture_bytes(FRAMES, times=[START_NS + 2000 * i for i in range(10)]), "wan.pcap")
    lan2 = put(tmp_path, capture_bytes(late, times=[START_NS + 2000 * i + 1000 for i in range(10)]), "lan2.pcap")
    for burst in (1, 8, 64):
        replay(
            config,
            "--in",
            f"lan2={lan2}",
            "--in",
            f"wan={wan}",
            "--out",
            f"lan={tmp_path / 'lan.pcap'}",
            "--burst",
            burst,
            check=0,
        )
        expected = [frame for pair in zip(OUT, (g.on_lan(frame[14:]) for frame in late)) for frame in pair]
        assert read_capture(tmp_path / "lan.pcap")[0] == expected


def test_packets_cut_by_the_snap_length_are_told(config, tmp_path):
    data = capture_bytes(FRAMES[:1])
    for frame in FRAMES[1:3]:
        data += struct.pack("<IIII", 1700000000, 2000, 60, len(frame)) + frame[:60]
    data += capture_bytes(FRAMES[3:])[24:]
    done = run(config, tmp_path, put(tmp_path, data), "--json", check=1)
    line, report = one_sentence(done), json.loads(done.stdout)
    assert "in.pcap: 2 frames were cut" in line
    assert f"number 2, 60 of {len(FRAMES[1])} octets" in line
    assert len(report["errors"]) == 1 and report["errors"][0] in line
    assert report["dropped"] == {"ip4.truncated": 2} and (report["received"], report["sent"]) == (10, 8)


LARGEST = 65535 - 128  # what fits into a buffer of DPDK behind its headroom


def unknown_type(length):
    return FRAMES[0][:12] + b"\x12\x34" + bytes(length - 14)


def test_frames_too_large_to_replay_are_told_once(config, tmp_path):
    frames = [unknown_type(LARGEST), *(unknown_type(LARGEST + 1 + i) for i in range(3)), FRAMES[0]]
    done = run(config, tmp_path, put(tmp_path, capture_bytes(frames)), "--json", check=1)
    line, report = one_sentence(done), json.loads(done.stdout)
    assert "in.pcap: 3 frames were left out" in line and str(LARGEST) in line
    assert f"number 2, {LARGEST + 1} octets" in line
    assert len(report["errors"]) == 1 and report["errors"][0] in line
    assert report["dropped"] == {"eth.unknown_type": 1} and (report["received"], report["sent"]) == (2, 1)


@pytest.mark.parametrize("poison", ["00", "a5"])
def test_the_largest_frame_is_opened_like_any_other(tmp_path, poison):
    config = write_config(Config(mtu=LARGEST - 22), tmp_path)  # Ethernet with two tags is 22
    around = len(g.good(SA, 1, g.inner4(1000))) - 1000  # ESP pads to 4 octets: as much for every fourth size
    payload = g.inner4((LARGEST - around) // 4 * 4, seq=1)
    frame = g.good(SA, 1, payload)
    assert LARGEST - 4 < len(frame) <= LARGEST
    run(config, tmp_path, put(tmp_path, capture_bytes([frame])), "--poison", poison)
    assert read_capture(tmp_path / "lan.pcap")[0] == [g.on_lan(payload)]


def test_expect_that_matches(config, tmp_path):
    source, wanted = put(tmp_path, capture_bytes(FRAMES)), put(tmp_path, capture_bytes(OUT, magic=MICRO), "wanted.pcap")
    done = run(config, tmp_path, source, "--expect", f"lan={wanted}", "--json")
    assert json.loads(done.stdout)["expect"] == [{"port": "lan", "match": True}]


@pytest.mark.parametrize("case", ["octet", "missing", "extra", "order"])
def test_expect_that_differs(config, tmp_path, case):
    wanted = list(OUT)
    if case == "octet":
        wanted[3] = g.patch(wanted[3], 14 + 8, b"\x07")
    elif case == "missing":
        wanted.append(OUT[0])
    elif case == "extra":
        wanted.pop()
    else:
        wanted[4], wanted[5] = wanted[5], wanted[4]
    source, expected = put(tmp_path, capture_bytes(FRAMES)), put(tmp_path, capture_bytes(wanted), "wanted.pcap")
    done = run(config, tmp_path, source, "--expect", f"lan={expected}", check=1)
    text = done.stdout + done.stderr
    number = {"octet": "4", "missing": "11", "extra": "10", "order": "5"}[case]
    assert f"packet {number}" in text, text
    if case == "octet":
        assert "ttl" in text.lower() and "7" in text and "63" in text
    report = json.loads(run(config, tmp_path, source, "--expect", f"lan={expected}", "--json", check=1).stdout)
    assert report["expect"][0]["port"] == "lan" and report["expect"][0]["match"] is False


def test_missing_capture(config, tmp_path):
    done = run(config, tmp_path, tmp_path / "nowhere.pcap", check=1)
    assert "nowhere.pcap" in one_sentence(done)


def test_missing_configuration(tmp_path):
    done = run(tmp_path / "nowhere.yaml", tmp_path, put(tmp_path, capture_bytes(FRAMES)), check=1)
    assert "nowhere.yaml" in one_sentence(done)


def test_unknown_port(config, tmp_path):
    source = put(tmp_path, capture_bytes(FRAMES))
    for flags in (
        ["--in", f"wam={source}"],
        ["--in", f"wan={source}", "--out", f"lam={tmp_path / 'x.pcap'}"],
        ["--in", f"wan={source}", "--expect", f"lam={source}"],
    ):
        line = one_sentence(replay(config, *flags))
        assert "wam" in line or "lam" in line


@pytest.mark.parametrize("link", [101, 113, 276, 228])
def test_link_type_other_than_ethernet(config, tmp_path, link):
    line = one_sentence(run(config, tmp_path, put(tmp_path, capture_bytes(FRAMES, link=link)), check=1))
    assert "link type" in line and "Ethernet" in line


@pytest.mark.parametrize("cut", [1, 20, 100])
def test_truncated_capture_still_reports_what_was_read(config, tmp_path, cut):
    data = capture_bytes(FRAMES)[:-cut]
    done = run(config, tmp_path, put(tmp_path, data), "--json", check=1)
    assert "in.pcap" in one_sentence(done)
    report = json.loads(done.stdout)
    assert (report["received"], report["sent"], report["balanced"]) == (9, 9, True)
    assert report["errors"] and "in.pcap" in report["errors"][0]
    assert read_capture(tmp_path / "lan.pcap")[0] == OUT[:9]


@pytest.mark.parametrize("data", [b"", b"x", b"not a capture at all, but text", capture_bytes([])[:23]])
def test_not_a_capture(config, tmp_path, data):
    assert "in.pcap" in one_sentence(run(config, tmp_path, put(tmp_path, data), check=1))


def test_output_that_cannot_be_written(config, tmp_path):
    source = put(tmp_path, capture_bytes(FRAMES))
    line = one_sentence(
        replay(config, "--in", f"wan={source}", "--out", f"lan={tmp_path / 'no' / 'such' / 'folder.pcap'}")
    )
    assert "folder.pcap" in line
    if Path("/dev/full").exists():
        assert "/dev/full" in one_sentence(replay(config, "--in", f"wan={source}", "--out", "lan=/dev/full"))


def same_file(tmp_path, kind, path):
    """Another name of a file."""
    other = tmp_path / f"{kind}.pcap"
    if kind == "itself":
        return path
    if kind == "symlink":
        other.symlink_to(path)
    elif kind == "hard link":
        other.hardlink_to(path)
    else:
        folder = tmp_path / "folder"
        folder.symlink_to(tmp_path)
        return folder / path.name
    return other


@pytest.mark.parametrize("kind", ["itself", "symlink", "hard link", "folder"])
@pytest.mark.parametrize("victim", ["input", "expectation", "configuration"])
def test_an_output_never_replaces_what_is_read(config, tmp_path, kind, victim):
    source, wanted = put(tmp_path, capture_bytes(FRAMES)), put(tmp_path, capture_bytes(OUT), "wanted.pcap")
    path = {"input": source, "expectation": wanted, "configuration": config}[victim]
    was = path.read_bytes()
    other = put(tmp_path, b"not to be touched either", "other.pcap")
    reads = ["--in", f"wan={source}", "--expect", f"lan={wanted}"]
    done = replay(config, *reads, "--out", f"lan2={other}", "--out", f"lan={same_file(tmp_path, kind, path)}")
    line = one_sentence(done)
    assert "same file" in line and path.name in line and "--out lan=" in line and done.stdout == ""
    assert path.read_bytes() == was and other.read_bytes() == b"not to be touched either"


@pytest.mark.parametrize("kind", ["itself", "symlink", "hard link", "folder"])
@pytest.mark.parametrize("exists", [True, False])
def test_two_outputs_never_write_the_same_file(config, tmp_path, kind, exists):
    if kind == "hard link" and not exists:
        pytest.skip("there is nothing to link to")
    source, out = put(tmp_path, capture_bytes(FRAMES)), tmp_path / "out.pcap"
    if exists:
        out.write_bytes(b"old")
    again = same_file(tmp_path, kind, out)
    line = one_sentence(replay(config, "--in", f"wan={source}", "--out", f"lan={out}", "--out", f"lan2={again}"))
    assert "same file" in line and "--out lan=" in line and "--out lan2=" in line
    assert out.read_bytes() == b"old" if exists else not out.exists()


def test_what_is_no_regular_file_may_be_written_twice(config, tmp_path):
    source = put(tmp_path, capture_bytes(FRAMES))
    replay(config, "--in", f"wan={source}", "--out", "lan=/dev/null", "--out", "lan2=/dev/null", check=0)
    both = tmp_path / "a" / ".." / "b.pcap", tmp_path / "b2.pcap"
    (tmp_path / "a").mkdir()
    replay(config, "--in", f"wan={source}", "--out", f"lan={both[0]}", "--out", f"lan2={both[1]}", check=0)


def test_one_capture_may_be_read_at_two_ports(config, tmp_path):
    source = put(tmp_path, capture_bytes(FRAMES))
    report = json.loads(run(config, tmp_path, source, "--in", f"lan2={source}", "--json").stdout)
    assert report["received"] == 20


@pytest.mark.parametrize("missing", ["input", "expectation"])
def test_nothing_is_written_when_something_cannot_be_read(config, tmp_path, missing):
    source, out = put(tmp_path, capture_bytes(FRAMES)), put(tmp_path, b"old", "out.pcap")
    nowhere = tmp_path / "nowhere.pcap"
    inputs, wanted = (nowhere, source) if missing == "input" else (source, nowhere)
    line = one_sentence(replay(config, "--in", f"wan={inputs}", "--out", f"lan={out}", "--expect", f"lan={wanted}"))
    assert "nowhere.pcap" in line and out.read_bytes() == b"old"


@pytest.mark.parametrize("flags", [[], ["--json"], ["--explain"]])
def test_standard_output_that_cannot_be_written(config, tmp_path, flags):
    source = put(tmp_path, capture_bytes(FRAMES * 50))
    command = [program(), "replay", config, "--in", f"wan={source}", "--out", f"lan={tmp_path / 'lan.pcap'}", *flags]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    done.stdout = ""
    assert "standard output" in one_sentence(done)
    assert read_capture(tmp_path / "lan.pcap")[0] == OUT


@pytest.mark.parametrize("command", [["--version"], ["--help"], ["graph"]])
def test_standard_output_of_other_commands(command):
    with open("/dev/full", "w") as full:
        done = subprocess.run([program(), *command], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    done.stdout = ""
    assert "standard output" in one_sentence(done)


def test_a_closed_standard_output_is_not_mixed_with_a_capture(config, tmp_path):
    """The first file opened would be given its number, and the report would be written into that."""
    source = put(tmp_path, capture_bytes(FRAMES))
    shell = 'exec "$@" >&-'
    command = [program(), "replay", config, "--in", f"wan={source}", "--out", f"lan={tmp_path / 'lan.pcap'}"]
    done = subprocess.run(["/bin/sh", "-c", shell, "sh", *command], capture_output=True, text=True, timeout=60)
    assert "standard output" in one_sentence(done)
    assert read_capture(tmp_path / "lan.pcap")[0] == OUT


def test_wrong_usage_is_exit_2(config, tmp_path):
    source = put(tmp_path, capture_bytes(FRAMES))
    for arguments in (
        [],
        [config, "--in", "no-equals-sign"],
        [config, "--in", f"wan={source}", "--in", f"wan={source}"],
        [config, "--in", f"wan={source}", "--out", f"lan={source}", "--out", f"lan={source}"],
        [config, "--in", f"wan={source}", "--expect", f"lan={source}", "--expect", f"lan={source}"],
        [config, "--in", f"wan={source}", "--burst", "65"],
        [config, "--in", f"wan={source}", "--burst", "0"],
        [config, "--in", f"wan={source}", "--poison", "zz"],
        [config, "--no-such-flag"],
    ):
        done = replay(*arguments)
        assert done.returncode == 2 and done.stderr.strip(), (arguments, done)


def test_mistaken_configuration(tmp_path):
    config = tmp_path / "bad.yaml"
    config.write_text("ports:\n  wan: {device: x, addresses: [192.0.2.1/24], sidee: unprotected}\n")
    done = run(config, tmp_path, put(tmp_path, capture_bytes(FRAMES)), check=1)
    assert "bad.yaml:2:" in done.stderr and "sidee" in done.stderr


def test_help_and_explain_in_words(config, tmp_path):
    assert "--expect" in replay("--help", check=0).stdout
    frames = FRAMES[:2] + [FRAMES[0]]
    text = run(config, tmp_path, put(tmp_path, capture_bytes(frames)), "--explain").stdout
    assert "esp.replayed" in text and "this sequence number was received before" in text
    assert "balanced" in text


def test_keys_are_never_shown(config, tmp_path):
    source = put(tmp_path, capture_bytes(FRAMES))
    for flags in (["--explain"], ["--explain", "--json"]):
        done = run(config, tmp_path, source, *flags)
        assert SA.keymat[:8].hex() not in (done.stdout + done.stderr).lower()


def dpdk_folders():
    """All that DPDK has ever left for anybody, where it can be looked at."""
    places = [Path("/var/run/dpdk"), Path("/tmp/dpdk"), Path(f"/run/user/{os.geteuid()}/dpdk")]
    return {path for place in places if os.access(place, os.R_OK | os.X_OK) for path in place.iterdir()}


def run_alone(folder, command, **more):
    """Runs the command with an own folder for temporary files, and shows that nothing is left behind."""
    temporary = folder / "temporary"
    temporary.mkdir()
    temporary.chmod(0o777)
    environment = {"PATH": "/usr/bin:/bin", "TMPDIR": str(temporary)}
    before = dpdk_folders()
    process = subprocess.Popen(
        command, env=environment, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more
    )
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (0, "")
    assert list(temporary.iterdir()) == []
    # Other programs may use DPDK at the same time: ours would have the number of its process.
    assert not [path for path in dpdk_folders() - before if path.name.endswith(f"-{process.pid}")]
    return stdout


def test_nothing_is_left_behind(config, tmp_path):
    source, wanted = put(tmp_path, capture_bytes(FRAMES)), put(tmp_path, capture_bytes(OUT), "wanted.pcap")
    run_alone(tmp_path, [program(), "replay", config, "--in", f"wan={source}", "--expect", f"lan={wanted}"])


def test_without_a_folder_for_temporary_files(config, tmp_path):
    source = put(tmp_path, capture_bytes(FRAMES))
    environment = {"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path / "nowhere")}
    command = [program(), "replay", config, "--in", f"wan={source}"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert "TMPDIR" in one_sentence(done)


@pytest.mark.skipif(os.geteuid() != 0, reason="this is another user already")
def test_it_runs_without_root():
    folder = Path(tempfile.mkdtemp(prefix="strata-replay-"))
    try:
        folder.chmod(0o777)
        binary = folder / "strata"
        shutil.copy(program(), binary)
        binary.chmod(binary.stat().st_mode | stat.S_IROTH | stat.S_IXOTH)
        config = write_config(Config(), folder)
        config.chmod(0o644)
        source = put(folder, capture_bytes(FRAMES))
        source.chmod(0o644)
        command = [binary, "replay", config, "--in", f"wan={source}", "--out", f"lan={folder / 'lan.pcap'}", "--json"]
        stdout = run_alone(folder, command, user=65534, group=65534, extra_groups=[])
        assert read_capture(folder / "lan.pcap")[0] == OUT and json.loads(stdout)["balanced"] is True
    finally:
        shutil.rmtree(folder)
