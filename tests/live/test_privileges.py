"""`strata run --user`: what is left of rights once the devices are open, in each thread, and that all goes on."""

import contextlib
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest

import journeys
import netns
from running import PATIENCE, Running, program
from test_run import configuration, forwards

import gateway as g

pytestmark = pytest.mark.skipif(netns.why_not() is not None, reason=str(netns.why_not()))

USER = pwd.getpwnam("nobody")
NET_ADMIN = 1 << 12
NULL = [f"net_null{n},no-rx=1" for n in range(2)]


@pytest.fixture
def folder():
    """One that others than root find; pytest's own they do not."""
    with tempfile.TemporaryDirectory() as path:
        os.chmod(path, 0o755)
        yield Path(path)


@pytest.fixture
def place():
    with netns.Namespace() as gateway, netns.Namespace() as outside:
        for name in "ab":
            gateway.veth(f"{name}0", f"{name}1", to=outside)
        yield gateway, outside.wire("a1"), outside.wire("b1")


def without_leaks():
    """LeakSanitizer traces the process when it ends, which is among what is given up."""
    return ["env", "ASAN_OPTIONS=" + os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"]


def as_root(folder, tree, within=()):
    # The usual place of control sockets is other gateways' too, and would be given to the user.
    tree = {"control": {"enabled": False}, **tree}
    return Running(tree, folder, within=[*within, *without_leaks()], words=["--user", USER.pw_name])


def threads(pid):
    """What the kernel says of each: a mapping by name."""
    found = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        lines = (line.split(":", 1) for line in (task / "status").read_text().splitlines())
        found[int(task.name)] = {key: value.split() for key, value in lines}
    return found


def assert_confined(pid, kept):
    of = threads(pid)
    assert len(of) >= 3, of.keys()  # that decides, that takes interrupts, a worker
    for thread, status in of.items():
        name = status["Name"]
        assert status["Uid"] == [str(USER.pw_uid)] * 4 and status["Gid"] == [str(USER.pw_gid)] * 4, name
        assert "0" not in status["Groups"], name
        assert (status["NoNewPrivs"], status["Seccomp"]) == (["1"], ["2"]), name
        for which in ("CapPrm", "CapEff", "CapInh", "CapAmb"):
            mine = kept if thread == pid and which in ("CapPrm", "CapEff") else 0
            assert int(status[which][0], 16) == mine, (name, which)
    # Of a process whose memory goes into a core, or to a debugger of the same user, this is the user's.
    assert os.stat(f"/proc/{pid}/mem").st_uid == 0


def test_packet_sockets_need_nothing_more(folder, place):
    gateway, a, b = place
    with as_root(folder, {**configuration(), "workers": {"count": 2}}, gateway.prefix) as strata:
        assert_confined(strata.pid, 0)
        forwards(a, b)
        gateway.run("ip", "link", "set", "dev", "a0", "down")
        strata.wait_for("port a: link is down")
        strata.stop()


@pytest.mark.skipif(not os.path.exists("/dev/net/tun"), reason="the kernel has no TAPs here: /dev/net/tun is not there")
def test_a_tap_is_put_in_order_at_the_end(folder):
    with netns.Namespace() as here:
        with as_root(folder, configuration(a="net_tap0,iface=tap0", b=NULL[1]), here.prefix) as strata:
            assert_confined(strata.pid, NET_ADMIN)
            strata.stop()
        assert "not permitted" not in strata.log()
        assert "tap0" not in here.run("ip", "link")


def test_who_is_no_root_gives_up_what_it_was_given(folder, place):
    """As systemd starts it: the user already, with ambient capabilities."""
    gateway, a, b = place
    copy = shutil.copy(program(), folder / "strata")
    rights = ["setpriv", f"--reuid={USER.pw_uid}", f"--regid={USER.pw_gid}", "--clear-groups",
              "--inh-caps=-all,+net_admin,+net_raw", "--ambient-caps=-all,+net_admin,+net_raw"]
    os.chown(folder, USER.pw_uid, USER.pw_gid)
    with Running(configuration(), folder, within=[*gateway.prefix, *without_leaks(), *rights],
                 words=["--user", USER.pw_name], strata=copy) as strata:
        assert_confined(strata.pid, 0)
        forwards(a, b)
        strata.stop()


def sealing(folder):
    tree = journeys.configuration({"device": NULL[0], "mac": g.WAN_MAC}, {"device": NULL[1], "mac": g.LAN_MAC})
    return {**tree, "eal": {"hugepages": "never"}, "control": {"socket": str(folder / "run/gateway.sock")}}


def owner_of_the_usual_folder():
    """None: it is not there."""
    with contextlib.suppress(FileNotFoundError):
        return os.stat("/run/strata").st_uid
    return None


def test_its_files_are_the_users_and_a_restart_finds_them(folder):
    usual = owner_of_the_usual_folder()
    (folder / "run").mkdir()
    os.chown(folder / "run", USER.pw_uid, USER.pw_gid)
    said = []
    for _ in range(2):
        with as_root(folder, sealing(folder)) as strata:
            strata.wait_for("control socket")
            socket = os.stat(folder / "run/gateway.sock")
            assert (socket.st_uid, socket.st_gid, stat.S_IMODE(socket.st_mode)) == (USER.pw_uid, USER.pw_gid, 0o660)
            shown = subprocess.run([program(), "show", "sas", "--socket", folder / "run/gateway.sock"],
                                   capture_output=True, text=True, timeout=PATIENCE)
            assert (shown.returncode, shown.stderr) == (0, "")
            strata.stop()
        said.append(strata.log())
        assert not (folder / "run/gateway.sock").exists()
        assert {path.stat().st_uid for path in [folder / "state", *(folder / "state").iterdir()]} == {USER.pw_uid}
    assert owner_of_the_usual_folder() == usual  # other gateways' sockets may be there
    assert "begin at 1" in said[0] or "begins at 1" in said[0]
    assert "go on behind" in said[1] and "0 keys begin at 1" in said[1]


def test_a_folder_that_is_not_the_users_is_refused(folder):
    (folder / "state").mkdir(mode=0o700)
    (folder / "run").mkdir(mode=0o777)
    (folder / "run").chmod(0o777)
    with pytest.raises(AssertionError, match=f"chown {USER.pw_uid}|-o {USER.pw_uid} "), contextlib.ExitStack() as stack:
        stack.enter_context(as_root(folder, sealing(folder)))


def test_a_user_that_is_not_there(folder):
    path = folder / "gateway.yaml"
    path.write_text("ports: {a: {device: 'net_null0'}}\ncontrol: {enabled: false}\n")
    done = subprocess.run([program(), "run", path, "--user", "nobody-of-this-name"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert "strata run: user nobody-of-this-name is not known on this machine; make it (adduser" in done.stderr


def test_what_needs_root_to_the_end_is_told(folder):
    path = folder / "gateway.yaml"
    path.write_text("ports: {a: {device: 'net_af_xdp0,iface=a0'}}\ncontrol: {enabled: false}\n")
    done = subprocess.run([program(), "run", path, "--user", USER.pw_name], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert "port a: net_af_xdp needs root's rights to take its program off the interface" in done.stderr
