"""`strata top` as an operator meets it: in a terminal (a pty; pyte, which is not ours, says what is on its screen),
beside a gateway that carries packets; and as text and JSON for scripts."""

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import termios
import time

import pyte
import pytest

import journeys
from asking import NULL, until
from running import PATIENCE, program

UNITS = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9}
BLOCKS = "▁▂▃▄▅▆▇█"


class Terminal:
    """strata top in a terminal of so many columns and lines."""

    def __init__(self, *words, columns=80, lines=24, **environment):
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        # The one that pyte is. Of others it lacks what they can do: to repeat a character, to go back by tabs.
        said = {"TERM": "linux", "LC_ALL": "C.UTF-8", **environment}
        self._process, self._fd = pty.fork()
        if self._process == 0:
            os.execve(program(), [program(), "top", *map(str, words)], {**os.environ, **said})
        self.octets = b""
        self.code = None
        self.resize(columns, lines)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process, signal.SIGKILL)
            os.waitpid(self._process, 0)
        os.close(self._fd)

    def resize(self, columns, lines):
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self._screen.resize(lines, columns)

    def press(self, keys):
        os.write(self._fd, keys.encode())

    def read(self):
        """What is on the screen."""
        while select.select([self._fd], [], [], 0.02)[0]:
            try:
                octets = os.read(self._fd, 1 << 16)
            except OSError:  # the other end is closed
                break
            if not octets:
                break
            self.octets += octets
            self._stream.feed(octets)
        return [line.rstrip() for line in self._screen.display]

    def shows(self, holds):
        """The screen, once this holds: a text that stands somewhere, or a question asked of all lines."""
        ask = (lambda lines: any(holds in line for line in lines)) if isinstance(holds, str) else holds
        return until(self.read, ask)

    def colors(self):
        self.read()
        return {cell.fg for line in self._screen.buffer.values() for cell in line.values()} - {"default"}

    def ends(self):
        """Its exit code."""
        end = time.monotonic() + PATIENCE
        while self.code is None:
            self.read()
            pid, status = os.waitpid(self._process, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
            assert time.monotonic() < end, "it does not end"
        self.read()
        return self.code


def top(place, *words, **named):
    return Terminal("--socket", place.socket, *words, **named)


def number(text):
    """Of what is half written there is none."""
    found = re.fullmatch(r"<?([\d.]+)([kMG]?)", text)
    return float(found[1]) * UNITS[found[2]] if found else float("nan")


def row(lines, begin):
    """The words of the line that begins so."""
    return next((re.split(r" {2,}", line) for line in lines if line.startswith(begin + " ")), None)


def agree(lines):
    """Eight of 32 packets are bad, and what the device brings strata takes."""
    wan, lan, drop = row(lines, "wan"), row(lines, "lan"), row(lines, "esp.auth_failed")
    if not (rates_are_there(lines) and lan and drop and drop[1] == "dropped"):
        return False
    came = number(wan[2])
    went, dropped = number(lan[4]), number(drop[2])
    return went == pytest.approx(came * 3 / 4, rel=0.1) and dropped == pytest.approx(came / 4, rel=0.1)


def rates_are_there(lines):
    wan = row(lines, "wan")
    return wan and wan[2] not in ("-", "0") and any(block in wan[-1] for block in BLOCKS)


@pytest.fixture(scope="module")
def busy(tmp_path_factory):
    """A gateway that opens what a capture brings over and over, a quarter of it with a wrong ICV."""
    from asking import Place

    place = Place(tmp_path_factory.mktemp("gateway"))
    frames, _ = journeys.inbound(24)
    bad = [frame[:-1] + bytes([frame[-1] ^ 1]) for frame in frames[:8]]
    with place.running(place.configuration(wan=place.played(frames + bad))) as strata:
        yield place
        strata.stop()


def test_a_screen_of_80_columns(busy):
    with top(busy) as terminal:
        lines = terminal.shows(agree)
        assert len(lines) == 24 and lines[0].startswith("strata test  up ")
        for title in ("ports", "workers", "stages", "SAs", "drops"):
            assert row(lines, title), title
        assert lines[-1] == "q quit  Tab section  s sort  p pause  1 2 5 seconds  ? help"
        assert row(lines, "wan")[1] == "up"
        terminal.press("q")
        assert terminal.ends() == 0


def test_the_screen_that_was_there_before_comes_back(busy):
    with top(busy, TERM="xterm") as terminal:
        until(lambda: (terminal.read(), b"\x1b[?1049h" in terminal.octets)[1])
        terminal.press("q")
        assert terminal.ends() == 0
        assert b"\x1b[?1049l" in terminal.octets[-200:]


def test_totals_are_the_counters(busy):
    """What stands under `packets` lies between what show says before and after."""
    shown = lambda: json.loads(busy.show("drops", "--json").stdout)[0]["packets"]  # noqa: E731
    with top(busy) as terminal:
        terminal.shows(rates_are_there)
        before = shown()
        seen = lambda lines: int(row(lines, "esp.auth_failed")[3])  # noqa: E731
        lines = terminal.shows(lambda lines: seen(lines) >= before)
        assert seen(lines) <= shown()
        terminal.press("q")
        assert terminal.ends() == 0


def test_it_is_resized(busy):
    with top(busy) as terminal:
        terminal.shows(rates_are_there)
        terminal.resize(132, 50)
        lines = terminal.shows(lambda lines: lines[49].startswith("q quit"))
        assert len(lines) == 50 and max(map(len, lines)) > 80 and row(lines, "from-0")
        terminal.resize(40, 10)
        lines = terminal.shows(lambda lines: lines[9].startswith("q quit") and row(lines, "SAs"))
        assert max(map(len, lines)) <= 40
        terminal.resize(20, 5)
        assert "20x5" in " ".join(terminal.shows("make it"))
        terminal.resize(80, 24)
        terminal.shows(lambda lines: lines[23].startswith("q quit") and row(lines, "drops"))
        terminal.press("q")
        assert terminal.ends() == 0


def test_keys(busy):
    with top(busy) as terminal:
        terminal.shows(rates_are_there)
        terminal.press("?")
        terminal.shows("strata top: keys")
        terminal.press("x")
        terminal.shows(lambda lines: lines[0].endswith("SAs: busiest first"))
        terminal.press("s")
        terminal.shows(lambda lines: lines[0].endswith("SAs: most packets first"))
        terminal.press("\t")
        terminal.shows(lambda lines: lines[0].endswith("drops: busiest first"))
        terminal.press("\x1b\t\x1b[D")  # Shift-Tab, left
        steps = ("classify", "esp_open", "end_dx4", "ip4_forward")
        terminal.shows(lambda lines: lines[0].endswith("stages: the gateway's order") and
                       all(row(lines, step) for step in steps))
        terminal.press("5")
        terminal.shows("every 5 s")
        terminal.press("1p")
        terminal.shows("PAUSED")
        terminal.press("p")
        terminal.shows(lambda lines: "PAUSED" not in lines[0] and "every 1 s" in lines[0])
        terminal.press("\x03")  # as q does
        assert terminal.ends() == 0


def test_paused_nothing_changes(busy):
    with top(busy) as terminal:
        terminal.shows(rates_are_there)
        terminal.press("p")
        terminal.shows("PAUSED")
        up = lambda: terminal.read()[0].split()[3]  # noqa: E731

        def stays():
            """What was asked before may still come, but after it nothing."""
            seen = up()
            time.sleep(1.5)
            return (seen == up()) and seen

        paused = until(stays)
        terminal.press("p")
        until(up, lambda now: now != paused)
        terminal.press("q")
        assert terminal.ends() == 0


@pytest.mark.parametrize("environment, has_colors, is_ascii", [
    ({}, True, False),
    ({"NO_COLOR": "1"}, False, False),
    ({"TERM": "vt100"}, False, False),
    ({"LC_ALL": "C"}, True, True),
], ids=["plain", "NO_COLOR", "vt100", "ASCII"])
def test_what_the_terminal_has(busy, environment, has_colors, is_ascii):
    with top(busy, **environment) as terminal:
        terminal.shows(lambda lines: row(lines, "wan") and row(lines, "wan")[2] not in ("-", "0"))
        assert bool(terminal.colors()) == has_colors
        assert "".join(terminal.read()).isascii() == is_ascii
        terminal.press("q")
        assert terminal.ends() == 0


def test_a_gateway_that_goes_and_comes_back(place):
    with place.running(place.configuration(wan=NULL)) as strata:
        with top(place) as terminal:
            terminal.shows("every 1 s")
            strata.stop()
            terminal.shows(lambda lines: "asking again each second: no gateway runs at" in " ".join(lines))
            with place.running(place.configuration(wan=NULL)) as again:
                terminal.shows(lambda lines: lines[1].startswith("in ") and row(lines, "wan"))
                again.stop()
            terminal.press("q")
            assert terminal.ends() == 0


def test_a_gateway_that_hangs_does_not_hold_the_screen(place):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place.socket))
        listener.listen()
        with top(place) as terminal:
            terminal.shows(lambda lines: "the gateway does not answer" in " ".join(lines))
            terminal.press("q")
            assert terminal.ends() == 0


def test_more_sas_than_an_answer_has(place):
    """The busiest one stands on top, whatever its number, and the rest are counted."""
    tree = place.configuration(wan=place.played(journeys.inbound(8)[0][7:8]))
    like = tree["ipsec"]["security_associations"][0]
    more = [{**like, "name": f"more-{n}", "spi": 0x10000 + n,
             "selectors": {"source": f"fc03:{n:x}::/48", "destination": "fc00:1::/48"}} for n in range(2500)]
    tree["ipsec"]["security_associations"][0:0] = more
    with place.running(tree) as strata:
        with top(place) as terminal:
            lines = terminal.shows(lambda lines: row(lines, "from-7") and number(row(lines, "from-7")[3]) > 0)
            head = next(place for place, line in enumerate(lines) if line.startswith("SAs "))
            assert re.match(r"SAs \d+/2516 ", lines[head]) and lines[head + 1].startswith("from-7 ")
            terminal.press("q")
            assert terminal.ends() == 0
        strata.stop()


# --- for scripts ------------------------------------------------------------------------------------------------------


def run(place, *words, **environment):
    return subprocess.run([program(), "top", "--socket", str(place.socket), *words], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=PATIENCE, env={**os.environ, **environment})


def test_once_is_text(busy):
    done = run(busy, "--once")
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.isascii() and "\x1b" not in done.stdout
    lines = done.stdout.splitlines()
    assert number(row(lines, "wan")[2]) > 0 and row(lines, "to-7") and row(lines, "ip4_forward")
    assert all(len(line) <= 120 for line in lines)


def are_in_proportion(said):
    """A quarter of what comes is dropped, and the rest goes on."""
    wan = said["ports"][0]["received_per_second"]
    (drop,) = said["drops"]
    stages = {stage["step"]: stage["packets_per_second"] for stage in said["stages"]}
    return (wan > 0 and drop["packets_per_second"] == pytest.approx(wan / 4, rel=0.1)
            and stages["end_dx4"] == pytest.approx(stages["esp_open"] * 3 / 4, rel=0.1))


def test_json_has_the_rates(busy):
    # The tables of one glance are read one after the other, and a machine may be slow between them.
    said = until(lambda: json.loads(run(busy, "--json").stdout), are_in_proportion)
    assert list(said) == ["name", "seconds", "ports", "workers", "stages", "sas", "drops"] and said["name"] == "test"
    sas = {sa["name"]: sa["packets_per_second"] for sa in said["sas"]}
    assert len(sas) == 16 and all(sas[f"from-{n}"] > 0 and sas[f"to-{n}"] == 0 for n in range(8))
    stages = {stage["step"]: stage["packets_per_second"] for stage in said["stages"]}
    assert stages["end_dx4"] > 0 and stages["esp_seal"] == 0


def test_where_no_screen_can_be(busy, place):
    done = run(busy)
    assert done.returncode == 1 and "standard output is no terminal; --once prints" in done.stderr
    for term in ("dumb", "no-such-terminal"):
        with top(busy, TERM=term) as terminal:
            lines = terminal.shows(lambda lines: "--once prints" in "".join(lines))
            assert f"TERM is {term}" in "".join(lines) and terminal.ends() == 1
    for words in ([], ["--once"], ["--json"]):
        done = run(place, *words)
        assert (done.returncode, done.stdout) == (1, "") and "there is no such socket" in done.stderr
    for words in (["--interval", "0"], ["--interval", "x"], ["--name", "a", "--socket", "b"], ["ports"]):
        assert run(place, *words).returncode == 2, words
