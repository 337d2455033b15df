"""The guest does what the tests that stand on it believe."""

import shutil
import subprocess
import time
from pathlib import Path

import pytest

import guest as q


def made_image(**contents):
    try:
        return q.Image(q.kernel(), **contents)
    except q.Missing as missing:
        return pytest.skip(f"no guest here: {missing}")


@pytest.fixture(scope="module")
def booted():
    image = made_image(modules=["virtio_net", "dummy"], programs=["/usr/sbin/ip"])
    image.write("/srv/given", "as it was\n")
    with q.Guest(image, cpus=2, append="strata.probe=1") as machine:
        yield machine


def test_outputs_and_exit_codes_come_back(booted):
    assert booted.run("echo out; echo err >&2; exit 7") == q.Result(7, "out\nerr\n")
    assert booted.run("true") == q.Result(0, "")
    assert booted.run("printf 'no newline at the end'") == q.Result(0, "no newline at the end")
    assert booted.run("no-such-program").code == 127
    with pytest.raises(q.GuestError, match="ended with 3"):
        booted.check("exit 3")


def test_what_the_kernel_says_does_not_mix_with_outputs(booted):
    said = booted.check("echo '<0>from the kernel' >/dev/kmsg; seq 1 2000; echo '<0>from the kernel' >/dev/kmsg")
    assert said.split() == [str(n) for n in range(1, 2001)]
    assert "from the kernel" in booted.console()


def test_octets_go_in_and_come_out_as_they_are(booted):
    content = bytes(range(256)) * 37
    booted.write("/tmp/octets", content)
    assert booted.read("/tmp/octets") == content
    assert booted.read("/srv/given") == b"as it was\n"
    with pytest.raises(q.GuestError, match="there is no /tmp/nothing"):
        booted.read("/tmp/nothing")


def test_a_command_that_hangs_is_an_error():
    """In a guest of its own, because the line is of no use afterwards."""
    with q.Guest(made_image()) as machine:
        with pytest.raises(q.GuestError, match="no end after 1 s"):
            machine.run("sleep 1000", timeout=1)


def test_a_kernel_that_dies_is_an_error():
    with q.Guest(made_image()) as machine:
        with pytest.raises(q.GuestError, match="(?s)qemu ended with 0.*sysrq triggered crash"):
            machine.run("echo c >/proc/sysrq-trigger")


def test_modules_bring_what_they_need(booted):
    assert booted.run("lsmod").output.count("\n") == 1, "nothing is loaded unasked"
    booted.check("modprobe virtio_net")
    assert "net_failover" in booted.check("lsmod"), "virtio_net needs it"
    assert booted.run("modprobe e1000").code != 0, "this one was not asked for"
    with pytest.raises(q.Missing, match="no module no_such_module"):
        q.Image(q.kernel(), modules=["no_such_module"])


def test_programs_bring_their_libraries(booted):
    assert "iproute2" in booted.check("ip -V"), "not busybox's"
    with pytest.raises(q.Missing, match="/no/such/program is not there"):
        q.Image(q.kernel(), programs=["/no/such/program"])


def test_commands_run_beside_others(booted):
    command = "trap 'echo ending; exit 5' TERM; echo begun; echo aside >&2; while :; do sleep 0.2; done"
    with booted.start(command) as job:
        job.wait_for("begun")
        assert booted.run("echo meanwhile").output == "meanwhile\n"
        assert job.ended() is None
        job.signal("TERM")
        assert job.wait() == 5
        assert job.output() == "begun\nending\n"
        assert job.errors().startswith("aside\n")
    with booted.start("sleep 1000") as job:
        job.signal("TERM")
        assert job.wait() == 128 + 15
    with booted.start("sleep 1000") as job:
        pid = job.pid
        assert booted.run(f"kill -0 {pid}").code == 0
    assert booted.run(f"kill -0 {pid}").code != 0, "it ended with the block"


def test_words_reach_the_kernel(booted):
    assert "strata.probe=1" in booted.check("cat /proc/cmdline")
    assert booted.check("nproc") == "2\n"


def test_a_missing_program_is_said_with_its_package(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None if name == q.QEMU else "/usr/bin/" + name)
    with pytest.raises(q.Missing, match="qemu-system-x86_64 is not there .*qemu-system-x86"):
        q.require()


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_qemu_ends_with_whoever_started_it():
    """Killed outright, the starter cannot end it; the kernel does."""
    made_image()
    script = (
        "import sys, time; sys.path.insert(0, sys.argv[1]); import guest as q\n"
        "with q.Guest(q.Image(q.kernel())) as machine:\n"
        "    print(machine.pid, flush=True)\n"
        "    time.sleep(1000)\n"
    )
    command = ["/usr/bin/python3", "-c", script, str(Path(__file__).parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as starter:
        pid = int(starter.stdout.readline())
        assert is_running(pid)
        starter.kill()
    until = time.monotonic() + 60
    while is_running(pid):
        assert time.monotonic() < until
        time.sleep(0.1)
