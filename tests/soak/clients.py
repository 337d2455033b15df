"""Clients of a gateway: those that trace, capture and scrape, and those that behave badly. None of them may cost a packet,
and when they have gone nothing of them may be left."""

import contextlib
import json
import signal
import socket
import subprocess
import time
import urllib.request

from running import program
from scene import Client

from accounting import run

TRACED = 20
STAGES = ("rx", "tx", "Host", "EspIn", "Ip6", "Sr6", "Ip4", "Steered", "Sr6Out", "drop")
PATIENCE = 120
FULL_DISK = 'mount -t tmpfs -o size=64k soak "$1" && shift && exec "$@"'


def strata(gateway, *words):
    return [program(), *words, "--socket", str(gateway.socket)]


# --- those who look on ------------------------------------------------------------------------------------------------


def trace(soak):
    gateway = soak.any_gateway()
    with soak.one_traces:
        done = run(strata(gateway, "trace", "--count", str(TRACED), "--json"))
    assert done.returncode == 0 and len(done.stdout.splitlines()) == TRACED, done
    return f"{gateway.name}: {TRACED} packets"


def trace_cut_off(soak):
    """The client is killed while it traces."""
    gateway = soak.any_gateway()
    with soak.one_traces, subprocess.Popen(strata(gateway, "trace"), stdout=subprocess.PIPE,
                                           stderr=subprocess.DEVNULL) as client:
        client.stdout.readline()
        client.send_signal(signal.SIGKILL)
    return gateway.name


def capture(soak):
    """To a file; a client that is killed in the middle is as good."""
    gateway, stage, count = soak.any_gateway(), soak.draw.choice(STAGES), soak.draw.randrange(1, 400)
    path = soak.folder / "capture.pcapng"
    path.unlink(missing_ok=True)
    command = strata(gateway, "capture", "--at", stage, "--count", str(count), str(path))
    killed = soak.draw.random() < 0.3
    with soak.one_captures, subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                             stderr=subprocess.STDOUT, text=True) as client:
        if killed:
            soak.pass_time(0.5)
            client.send_signal(signal.SIGKILL)
        said, _ = client.communicate(timeout=PATIENCE)
    assert killed or client.returncode == 0 and f"{count} packet" in said, said
    return f"{gateway.name} at {stage}, " + ("killed" if killed else f"{count} packets")


def capture_to_a_full_disk(soak):
    gateway = soak.any_gateway()
    place = soak.folder / "small"
    place.mkdir(exist_ok=True)
    command = strata(gateway, "capture", "--at", "rx", str(place / "capture.pcapng"))
    with soak.one_captures:
        done = run(["unshare", "-m", "sh", "-c", FULL_DISK, "sh", place, *command])
    assert done.returncode == 1 and "No space left on device" in done.stderr, done
    return gateway.name


def scrape(soak, gateway=None):
    """What Prometheus does; of clients that let go in the middle there are others (rude_to_metrics)."""
    gateway = gateway or soak.any_gateway()
    with gateway.place.entered():
        with urllib.request.urlopen(f"http://127.0.0.1:{gateway.metrics_port}/metrics", timeout=PATIENCE) as answer:
            text = answer.read().decode()
    assert "strata_generated_packets_total" in text, text
    return f"{gateway.name}: {len(text)} octets"


def show(soak):
    gateway = soak.any_gateway()
    tables = ("ports", "workers", "sas", "sids", "policies", "routes", "neighbors", "stages", "drops", "mtu")
    for table in soak.draw.sample(tables, 4):
        done = run(strata(gateway, "show", table, "--json"))
        assert done.returncode == 0 and isinstance(json.loads(done.stdout), list), done
    return gateway.name


# --- those who behave badly -------------------------------------------------------------------------------------------


def half_a_line(client):
    client.send(b'{"jsonrpc": "2.0", "method": "show.dr')


def nonsense(client):
    client.send(b"\x00\xff{[[[\n" * 50)


def asks_and_never_reads(client):
    with contextlib.suppress(OSError):
        client._socket.settimeout(0.5)
        for _ in range(200):
            client.send(b'{"jsonrpc": "2.0", "method": "rpc.discover", "id": 1}\n' * 10)


def subscribes_and_never_reads(client):
    client.send(b'{"jsonrpc": "2.0", "method": "subscribe", "params": {"events": ["drops", "sa", "link", "neighbor"], '
                b'"drops_per_second": 0}, "id": 1}\n')


def asks_for_what_is_not_there(client):
    client.refused("show.nothing")
    client.refused("sa.delete", name="nobody")
    client.refused("sa.add", entry={"name": "x"})
    client.refused("route.add", entry={"prefix": "10.1.0.0/33", "next_hop": "10.1.0.2", "port": "lan"})


RUDE = (half_a_line, nonsense, asks_and_never_reads, subscribes_and_never_reads, asks_for_what_is_not_there)


def rude_clients(soak):
    gateway, count = soak.any_gateway(), soak.draw.randrange(1, 12)
    kinds = [soak.draw.choice(RUDE) for _ in range(count)]
    with contextlib.ExitStack() as stack:
        for kind in kinds:
            kind(stack.enter_context(Client(gateway.socket)))
        soak.pass_time(soak.draw.random())
    return f"{gateway.name}: {', '.join(sorted({kind.__name__ for kind in kinds}))}"


def clients_that_come_and_go(soak):
    gateway = soak.any_gateway()
    for _ in range(60):
        client = Client(gateway.socket)
        if soak.draw.random() < 0.5:
            client.send(b'{"jsonrpc": "2.0", "method": "show.sas", "id": 1}\n')
        client.close()
    return gateway.name


def rude_to_metrics(soak):
    """Half a request, and none, for a while."""
    gateway = soak.any_gateway()
    with gateway.place.entered():
        sockets = [socket.create_connection(("127.0.0.1", gateway.metrics_port)) for _ in range(8)]
    for n, one in enumerate(sockets):
        with contextlib.suppress(OSError):
            one.send((b"GET /metrics HTTP/1.1\r\nHos", b"\x00" * 64, b"GET /metrics HTTP/1.1\r\n\r\n", b"\r\n")[n % 4])
    time.sleep(soak.draw.random())
    for one in sockets:
        one.close()
    return gateway.name
