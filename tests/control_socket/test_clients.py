"""Clients of every kind: many, slow, rude, half, huge, and those who may not. Packets flow meanwhile; none is lost."""

import json
import os
import shutil
import socket
import stat
import subprocess
import threading
import time

import pytest

import journeys
from asking import NULL, until
from running import PATIENCE, Running, program
from users import AS_NOBODY, AS_ROOT, let_in

HELLO = '{"jsonrpc": "2.0", "method": "hello", "id": 1}'


def received(client):
    return client.rows("show.ports")[0]["received"]


def packets_go_on(client):
    """More have come since."""
    before = received(client)
    until(lambda: received(client), lambda now: now > before)


# --- what is no request -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line, code", [
    (b"GET / HTTP/1.1", -32700),
    (b"{", -32700),
    (bytes(range(128, 256)), -32700),
    (b"\x00" * 1000, -32700),
    (b"[" * 100000, -32700),
    (b"1", -32600),
    (b"[]", -32600),
    (b'{"method": "hello", "id": 1}', -32600),
    (b'{"jsonrpc": "2.0", "method": 5, "id": 1}', -32600),
    (b"[" + b",".join([HELLO.encode()] * 101) + b"]", -32600),
    (b'{"jsonrpc": "2.0", "method": "show.keys", "id": 1}', -32601),
    (b'{"jsonrpc": "2.0", "method": "show.sas", "params": [0, 1], "id": 1}', -32602),
    (b'{"jsonrpc": "2.0", "method": "show.sas", "params": {"from": -1}, "id": 1}', -32602),
    (b'{"jsonrpc": "2.0", "method": "show.sas", "params": {"most": 1001}, "id": 1}', -32602),
    (b'{"jsonrpc": "2.0", "method": "subscribe", "params": {"events": ["everything"]}, "id": 1}', -32602),
])
def test_what_is_wrong_is_said_and_the_next_line_is_heard(running, line, code):
    with running.client() as client:
        assert client.say(line)["error"]["code"] == code
        assert client.say(HELLO)["result"]["program"] == "strata"


def test_a_batch(running):
    with running.client() as client:
        asked = [{"jsonrpc": "2.0", "method": "hello", "id": "a"}, {"jsonrpc": "2.0", "method": "hello"}, 1,
                 {"jsonrpc": "2.0", "method": "show.sids", "params": {"most": 1}, "id": 2}]
        answers = client.say(json.dumps(asked))
        assert [answer["id"] for answer in answers] == ["a", None, 2]
        assert [set(answer) - {"jsonrpc", "id"} for answer in answers] == [{"result"}, {"error"}, {"result"}]
        assert client.say(json.dumps([json.loads(HELLO)] * 100))[99]["result"]["program"] == "strata"


def test_a_notification_is_not_answered(running):
    with running.client() as client:
        client.send(b'{"jsonrpc": "2.0", "method": "hello"}\n[{"jsonrpc": "2.0", "method": "nothing"}]\n\n')
        assert client.is_silent(0.5)
        assert client.say(HELLO)["id"] == 1


def test_lines_may_come_in_pieces_and_many_at_once(running):
    with running.client() as client:
        for octet in HELLO.encode():
            client.send(bytes([octet]))
        client.send(b"\n")
        assert json.loads(client.line())["id"] == 1
        client.send(b"".join(HELLO.replace("1}", f"{n}}}").encode() + b"\n" for n in range(2000)))
        assert [json.loads(client.line())["id"] for _ in range(2000)] == list(range(2000))


def test_who_asks_too_often_waits_and_nobody_else(running):
    """2500 requests in batches: 1000 a second are answered, after the first thousand; all of them in the end."""
    batch = json.dumps([json.loads(HELLO)] * 100).encode() + b"\n"
    with running.client() as greedy, running.client() as modest:
        begun = time.monotonic()
        greedy.send(batch * 25)
        for _ in range(20):
            assert modest.ask("hello")["program"] == "strata"
        assert sum(len(json.loads(greedy.line())) for _ in range(25)) == 2500
        assert time.monotonic() - begun > 1.4


def test_who_sends_no_more_still_hears_the_answer(running):
    with running.client() as client:
        client.send(HELLO.encode())  # without a newline
        client.end_sending()
        assert json.loads(client.line())["result"]["program"] == "strata"
        assert client.line() is None


def test_the_largest_line_and_a_larger_one(running):
    padding = " " * ((1 << 20) - len(HELLO))
    with running.client() as client:
        assert client.say(HELLO + padding)["result"]["program"] == "strata"
        client.send((HELLO + padding + " \n").encode())
        assert json.loads(client.line())["error"]["code"] == -32600
        assert client.line() is None


def test_an_endless_line(running):
    """It is cut after 1 MiB, whatever comes."""
    with running.client() as client:
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            for _ in range(1000):
                client.send(b"x" * 65536)
        error = json.loads(client.line())["error"]
        assert error["code"] == -32600 and "longer than 1048576 octets" in error["message"]
        assert client.line() is None
    with running.client() as client:
        packets_go_on(client)


def test_half_a_line_times_out(running):
    with running.client() as half, running.client() as other:
        half.send(HELLO[:20].encode())
        error = json.loads(half.line())["error"]  # within the test's patience
        assert error["code"] == -32002 and "not ended for 10 s" in error["message"]
        assert half.line() is None
        assert other.say(HELLO)["id"] == 1  # it said nothing, which is its right
    assert "a line was begun and not ended for 10 s" in running.strata.log()


# --- many, and slow ones ----------------------------------------------------------------------------------------------


def test_a_hundred_clients_at_once(running):
    clients = [running.client() for _ in range(100)]
    failed = []

    def ask(client):
        try:
            for method in ("hello", "show.sas", "show.ports", "show.neighbors", "show.drops", "report"):
                client.ask(method)
        except Exception as error:  # of a thread: told below
            failed.append(error)

    threads = [threading.Thread(target=ask, args=[client]) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert failed == [] and not any(thread.is_alive() for thread in threads)
    for client in clients:
        assert client.say(HELLO)["id"] == 1
        client.close()


CROWD = """
import socket, sys
clients = []
for n in range(241):
    clients.append(socket.socket(socket.AF_UNIX))
    clients[-1].settimeout(120)
    clients[-1].connect(sys.argv[1])
    if n < 240:
        clients[-1].sendall(b'{"jsonrpc": "2.0", "method": "subscribe", "params": {"events": ["link"]}, "id": 1}\\n')
    print(clients[-1].makefile().readline(), end="", flush=True)
sys.stdin.read()
"""


@AS_ROOT
def test_a_crowd_leaves_places_for_root(place):
    """Each of them listens, which is its right as long as it likes; the last finds no place."""
    with place.running(place.configuration(wan=NULL)) as strata:
        let_in(place)
        command = [*AS_NOBODY, "/usr/bin/python3", "-c", CROWD, place.socket]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as crowd:
            answers = [json.loads(crowd.stdout.readline()) for _ in range(241)]
            assert all("result" in answer for answer in answers[:-1])
            assert answers[-1]["error"]["code"] == -32003 and "240 others" in answers[-1]["error"]["message"]
            with place.client() as client:
                assert client.say(HELLO)["id"] == 1
            crowd.stdin.close()
            assert crowd.wait(PATIENCE) == 0
        strata.stop()


def test_more_clients_than_there_is_room_for(place):
    with place.running(place.configuration(wan=NULL)) as strata:
        clients = [place.client() for _ in range(256)]
        assert all(client.say(HELLO)["id"] == 1 for client in clients)
        with place.client() as late:
            error = json.loads(late.line())["error"]
            assert error["code"] == -32003 and "256 others" in error["message"]
            assert late.line() is None
        done = place.show("ports")
        assert done.returncode == 1 and "256 others are being served" in done.stderr
        clients.pop().close()
        until(lambda: place.show("ports").returncode == 0)
        assert all(client.say(HELLO)["id"] == 1 for client in clients)
        for client in clients:
            client.close()
        strata.stop()


def memory_kib(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(next(line for line in status if line.startswith("VmRSS")).split()[1])


def test_a_client_that_never_reads(place, monkeypatch):
    """It asks for a megabyte of tables and reads none of it, while packets flow: it is cut, nobody else notices, all
    packets are accounted for."""
    # Or AddressSanitizer keeps what was freed, and the memory grows with what `other` asks.
    kept = "quarantine_size_mb=0:thread_local_quarantine_size_kb=0"
    monkeypatch.setenv("ASAN_OPTIONS", f"{os.environ.get('ASAN_OPTIONS', '')}:{kept}")
    frames, _ = journeys.inbound(240)
    routes = [{"prefix": f"172.16.{n}.0/24", "next_hop": "192.0.2.9", "port": "wan"} for n in range(256)]
    with place.running(place.configuration(wan=place.played(frames), routes=routes)) as strata:
        with place.client() as slow, place.client() as other:
            hello = other.ask("hello")
            packets_go_on(other)
            before = memory_kib(hello["pid"])
            asked = b'{"jsonrpc": "2.0", "method": "show.routes", "id": 1}\n' * 1000
            slow.send(asked[: 60 * 1000])
            end = time.monotonic() + PATIENCE
            while "it read nothing for 10 s" not in strata.log():
                assert time.monotonic() < end, strata.log()
                packets_go_on(other)
            assert memory_kib(hello["pid"]) < before + 8192
            assert slow.rest() < 1 << 20  # what the kernel still had for it, and then the end
            assert other.ask("report")["report"]["balanced"]
        report = strata.stop()  # balanced, and no buffer missing
    assert report["dropped"] == {} and report["received"] + report["generated"] == report["sent"] > 0


def test_clients_that_come_and_go(running):
    """A thousand, each in the middle of something."""
    much = b'{"jsonrpc":"2.0","method":"rpc.discover","id":1}\n' * 20
    for n in range(1000):
        client = running.client()
        client.send([b"", b"half", HELLO.encode() + b"\n", much][n % 4])
        client.close()
    with running.client() as client:
        packets_go_on(client)
        pid = client.ask("hello")["pid"]
    until(lambda: len(os.listdir(f"/proc/{pid}/fd")), lambda count: count < 60)


# --- who may, and where -----------------------------------------------------------------------------------------------


def test_the_file(place):
    with place.running() as strata:
        mode = os.stat(place.socket).st_mode
        assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o660
        assert f"control socket {place.socket}" in strata.log()
        strata.stop()
    assert not place.socket.exists()


@AS_ROOT
def test_another_user_is_refused(place):
    """The file's mode stops nobody here: the kernel's word on who comes does."""
    with place.running() as strata:
        for folder in [place.folder, *place.folder.parents]:
            if str(folder).startswith("/tmp/"):
                folder.chmod(folder.stat().st_mode | 0o011)
        asking = [*AS_NOBODY, "/usr/bin/python3", "-c", """if True:
            import socket, sys
            client = socket.socket(socket.AF_UNIX)
            client.connect(sys.argv[1])
            print(client.recv(65536).decode(), client.recv(1))
            """, str(place.socket)]
        refused = subprocess.run(asking, capture_output=True, text=True, timeout=PATIENCE)
        assert refused.returncode != 0 and "PermissionError" in refused.stderr  # by the mode
        place.socket.chmod(0o666)
        refused = subprocess.run(asking, capture_output=True, text=True, timeout=PATIENCE)
        assert '"code":-32004' in refused.stdout and refused.stdout.endswith("b''\n"), refused
        strata.wait_for("control socket: refused uid 65534, pid ")
        assert "neither root, nor uid 0, nor in the group 0" in strata.log()
        os.chown(place.socket, -1, 65534)  # now it is their group's
        with socket.socket(socket.AF_UNIX):
            done = subprocess.run([*AS_NOBODY, *shown(place)], capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 0 and done.stdout.startswith("port  side"), done
        strata.stop()


def shown(place):
    """`strata show ports`, by a copy of the program that everybody may run."""
    copy = place.folder / "strata"
    if not copy.exists():
        shutil.copy(program(), copy)
        copy.chmod(0o755)
    return [str(copy), "show", "ports", "--socket", str(place.socket)]


@AS_ROOT
def test_the_mode_refuses_and_show_says_for_whom_it_is(place):
    with place.running() as strata:
        for folder in [place.folder, *place.folder.parents]:
            if str(folder).startswith("/tmp/"):
                folder.chmod(folder.stat().st_mode | 0o011)
        done = subprocess.run([*AS_NOBODY, *shown(place)], capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 1
        assert "Permission denied; it is for root, for uid 0 and for the group 0" in done.stderr
        strata.stop()


def test_a_second_gateway_at_the_same_place_does_not_start(place):
    with place.running() as strata:
        with place.client() as client:
            pid = client.ask("hello")["pid"]
        said = place.starts_not(place.configuration())
        assert f"another gateway (process {pid}) listens there" in said
        assert "give this one another `name` or --socket" in said
        with place.client() as client:
            assert client.ask("hello")["pid"] == pid
        strata.stop()


def test_what_a_killed_gateway_left_is_replaced(place):
    with place.running() as strata:
        strata.signal(9)
    assert place.socket.exists()
    with place.running() as strata:
        assert place.show("ports").returncode == 0
        strata.stop()


def test_a_folder_that_is_not_there_is_an_error(place):
    said = place.starts_not(place.configuration(), "--socket", str(place.folder / "no/s.sock"))
    assert f"the folder {place.folder}/no: No such file or directory; make it" in said


def test_the_option_wins(place):
    other = place.folder / "other.sock"
    with place.running(words=["--socket", str(other)]) as strata:
        assert place.show("ports", socket=other).returncode == 0 and not place.socket.exists()
        strata.stop()


def test_no_socket_when_none_is_wanted(place):
    with place.running(place.configuration(control={"enabled": False})) as strata:
        assert "control socket" not in strata.log()
        strata.stop()


@pytest.mark.skipif(os.access("/run", os.W_OK) and os.geteuid() != 0, reason="this user may write to /run")
def test_without_rights_it_runs_without_a_socket(place):
    """Nothing was asked for, and /run/strata cannot be made: one line says so, and the gateway runs."""
    tree = place.configuration(name=f"nobody-{os.getpid()}")
    del tree["control"]
    away = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs -o ro none /run && exec "$0" "$@"']
    if os.geteuid() != 0:
        away = []
    with Running(tree, place.folder, within=away) as strata:
        assert "no control socket: the folder /run/strata cannot be made (" in strata.log()
        assert "be root, or set control.socket or --socket" in strata.log()
        strata.stop()


@AS_ROOT
def test_the_usual_place(place):
    name = f"test-{os.getpid()}"
    tree = place.configuration(name=name)
    del tree["control"]
    with place.running(tree) as strata:
        done = subprocess.run([program(), "show", "workers", "--name", name], capture_output=True, text=True)
        assert done.returncode == 0 and done.stdout.startswith("worker"), done.stderr
        second = place.folder / "second"
        second.mkdir()
        with Running(tree, second) as other:
            assert f"no control socket: control socket /run/strata/{name}.sock: another gateway" in other.log()
            other.stop()
        strata.stop()
    assert not os.path.exists(f"/run/strata/{name}.sock")
