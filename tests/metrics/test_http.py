"""Over HTTP: who asks for what, who may not wait, and who finds the port taken."""

import select
import socket
import subprocess

from prometheus_client.parser import text_string_to_metric_families as parse_text

from asking import until
from reading import Metrics, free_port
from running import PATIENCE

CLIENTS = 64  # at one time


def client(place):
    return socket.create_connection(("127.0.0.1", place.port), timeout=PATIENCE)


def rest_of(connection):
    """What comes until the gateway closes."""
    said = b""
    try:
        while more := connection.recv(1 << 16):
            said += more
    except ConnectionResetError:
        pass
    connection.close()
    return said


def test_both_formats(running):
    """OpenMetrics for who asks for it, the older text for all others; promtool finds nothing to say of the names."""
    openmetrics = running.get(Accept="application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5")
    assert openmetrics.headers["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert openmetrics.text.endswith("# EOF\n")
    for headers in ({}, {"Accept": "*/*"}):
        plain = running.get(**headers)
        assert plain.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    names = {family.name: family.type for family in Metrics(openmetrics.text).families}
    assert {family.name.removesuffix("_total"): family.type for family in parse_text(plain.text)} == names
    judged = subprocess.run(["promtool", "check", "metrics"], input=plain.text, capture_output=True, text=True)
    assert (judged.returncode, judged.stdout, judged.stderr) == (0, "", "")


def test_units_are_the_names_last_word(running):
    units = {family.name: family.unit for family in running.scrape().families}
    assert units["strata_port_received_bytes"] == "bytes"
    for name, unit in units.items():
        wanted = [word for word in ("bytes", "packets", "ratio", "seconds") if name.endswith("_" + word)]
        assert [unit] == (wanted or [""]), name


def test_what_it_does_not_do(running):
    assert running.get("/").status == 404 and "/metrics" in running.get("/other").text
    refused = running.get(method="POST")
    assert (refused.status, refused.headers["Allow"]) == (405, "GET, HEAD")
    head = running.get(method="HEAD")
    assert (head.status, head.text) == (200, "") and int(head.headers["Content-Length"]) > 1000


def test_on_loopback_alone(running):
    """127.0.0.2 is this machine too, and nobody listens there."""
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.2", running.port)) != 0


def test_garbage(running):
    connections = []
    for said in (b"\0" * 1000, b"GET", b"GET /metrics\r\n\r\n", b"\r\n" * 5000,
                 b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
                 b"GET /metrics HTTP/1.1\r\n" + b"X: y\r\n" * 100_000 + b"\r\n",
                 b"POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n" + b"z" * 100_000):
        connections.append(client(running))
        try:
            connections[-1].sendall(said)
            connections[-1].shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it has closed already
        assert running.scrape()["strata_sids"] == 1
    assert not [said for said in map(rest_of, connections) if b"strata_sa_info" in said]


def test_many_who_never_end_their_request(running):
    """They hold all places, and lose them; the packets and the control socket do not notice."""
    before = running.scrape()["strata_worker_received_packets_total", {"worker": "0"}]
    held = [client(running) for _ in range(CLIENTS)]
    for connection in held:
        connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\nX: ")
    with running.client() as asking:
        assert asking.ask("hello")["name"] == "test"
        count = lambda: sum(row["received"] for row in asking.rows("show.workers"))  # noqa: E731
        first = count()
        until(count, lambda now: now > first)
    assert running.scrape()["strata_worker_received_packets_total", {"worker": "0"}] > before
    assert [rest_of(connection) for connection in held] == [b""] * len(held)


def test_one_who_never_ends_it_but_goes_on(running):
    """Something comes now and then, so it is never idle; it loses its place all the same."""
    connection = client(running)
    connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\nX: ")

    def is_cut():
        try:
            connection.sendall(b"y")
            return bool(select.select([connection], [], [], 0.2)[0])
        except OSError:
            return True

    until(is_cut, bool)
    assert rest_of(connection) == b""


def test_many_who_do_not_read(running):
    """Each asks, and reads nothing of the answer until others were served."""
    slow = [client(running) for _ in range(CLIENTS // 2)]
    for connection in slow:
        connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
    for _ in range(50):
        assert running.scrape()["strata_sids"] == 1
    assert all(rest_of(connection).startswith(b"HTTP/1.1 200 OK\r\n") for connection in slow)


# --- the port ---------------------------------------------------------------------------------------------------------


def test_a_port_that_is_taken(place, running):
    """One that was asked for has to be; the usual one need not."""
    tree = place.configuration(metrics={"port": running.port})
    said = place.starts_not(tree)
    assert (f"strata run: no metrics over HTTP: 127.0.0.1, port {running.port}: Address already in use; "
            "another program listens there, or another gateway: give this one a metrics.port of its own") in said


def test_the_usual_port_is_not_needed(place):
    """Of two gateways that say nothing of it both run, and one at the most has it: others of this machine may."""
    beside = type(place)(place.folder / "beside")
    beside.folder.mkdir()
    tree = place.configuration()
    del tree["metrics"]
    with place.running(tree) as strata, beside.running({**tree, "control": {"socket": str(beside.socket)}}) as second:
        taken = " no metrics over HTTP: 127.0.0.1, port 14500: Address already in use; "
        has_it = [" metrics at http://127.0.0.1:14500/metrics" in log for log in (strata.log(), second.log())]
        assert [taken in log for log in (strata.log(), second.log())] == [not has for has in has_it]
        assert sum(has_it) < 2
        strata.stop()
        second.stop()


def test_an_address_that_is_not_there(place):
    tree = place.configuration(metrics={"address": "192.0.2.77", "port": free_port()})
    assert "no interface that is up has this address: set metrics.address, or bring it up" in place.starts_not(tree)


def test_ipv6_and_none(place):
    with place.running(place.configuration(metrics={"address": "::1"})) as strata:
        assert f"metrics at http://[::1]:{place.port}/metrics" in strata.log()
        with socket.create_connection(("::1", place.port), timeout=PATIENCE) as connection:
            connection.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            assert b"strata_build_info" in rest_of(connection)
        strata.stop()
    with place.running(place.configuration(metrics={"http": False})) as strata:
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", place.port)) != 0
        assert "metrics at " not in strata.log() and "no metrics" not in strata.log()
        strata.stop()
