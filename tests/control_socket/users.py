"""Another user than the gateway's own, who asks it by its socket: let in, as the socket is of that user's group."""

import json
import os
import shutil
import subprocess

import pytest

from running import PATIENCE, program

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="another user is asked for, which takes root")
NOBODY = 65534
AS_NOBODY = ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"]


def lead_to(place):
    """Everybody gets as far as the socket."""
    for folder in [place.folder, *place.folder.parents]:
        if str(folder).startswith("/tmp/"):
            folder.chmod(folder.stat().st_mode | 0o011)


def let_in(place):
    """And the group of nobody into it."""
    lead_to(place)
    os.chown(place.socket, -1, NOBODY)


def strata_as_nobody(place, *words):
    """By a copy of the program that everybody may run."""
    lead_to(place)  # again: a folder that other tests share may have been closed since
    copy = place.folder / "strata"
    if not copy.exists():
        shutil.copy(program(), copy)
        copy.chmod(0o755)
    return subprocess.run([*AS_NOBODY, copy, *words, "--socket", place.socket], capture_output=True, text=True,
                          timeout=PATIENCE)


def rows_as_nobody(place, *words):
    done = strata_as_nobody(place, *words, "--json")
    assert (done.returncode, done.stderr) == (0, ""), done
    return json.loads(done.stdout)


def say_as_nobody(place, lines):
    """What is answered to lines of the protocol."""
    speak = ("import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); "
             "s.sendall(sys.argv[2].encode()); s.shutdown(socket.SHUT_WR); "
             "print(b''.join(iter(lambda: s.recv(65536), b'')).decode(), end='')")
    lead_to(place)
    done = subprocess.run([*AS_NOBODY, "/usr/bin/python3", "-c", speak, place.socket, lines], capture_output=True,
                          text=True, timeout=PATIENCE, check=True)
    assert len(done.stdout.splitlines()) == len(lines.splitlines())
    return done.stdout.splitlines()
