"""`strata run` on this machine, begun and ended by a test.

    with Running(tree, folder, within=namespace.prefix) as gateway:
        ...
        report = gateway.stop()         # SIGTERM, exit 0, and the report at the end
"""

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "replay"))

from harness import program  # noqa: E402


def is_sanitized():
    """Whether AddressSanitizer is in the program."""
    return b"__asan_init" in Path(program()).read_bytes()

PATIENCE = 120  # seconds: to end what hangs, not to measure


class Running:
    """From the line that says so until the `with` block ends."""

    def __init__(self, tree, folder, *, within=(), words=(), strata=None):
        folder = Path(folder)
        config = folder / "gateway.yaml"
        # Beside it, so that no two tests share one, nor the machine's own.
        config.write_text(yaml.safe_dump({"state": {"directory": "state"}, **tree}, sort_keys=False))
        self._log, self._report = folder / "log", folder / "report.json"
        self._command = [*within, strata or program(), "run", config, "--json", *words]
        self._process = None

    def __enter__(self):
        with open(self._report, "w") as report, open(self._log, "w") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=report, stderr=log)
        try:
            self.wait_for(" running;")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def log(self):
        """What it said until now."""
        return self._log.read_text()

    def ended(self):
        """Its exit code; None: it runs."""
        return self._process.poll()

    def report(self):
        """What it printed on standard output."""
        return self._report.read_text()

    def wait_for(self, text, asking=lambda: None):
        """Until its log has this text."""
        self.wait_for_times(text, 1, asking)

    def wait_for_times(self, text, count, asking=lambda: None):
        """Until its log has this text, or what matches a compiled pattern, so many times. asking: makes it say more."""
        wanted = text if isinstance(text, re.Pattern) else re.compile(re.escape(text))
        until = time.monotonic() + PATIENCE
        while len(wanted.findall(self.log())) < count:
            assert self._process.poll() is None, f"strata run ended with {self._process.returncode}:\n{self.log()}"
            assert time.monotonic() < until, f"strata run did not say {text!r} {count} times:\n{self.log()}"
            asking()
            time.sleep(0.05)

    def stand_still(self):
        """When this returns none of its threads goes on."""
        self.signal(signal.SIGSTOP)
        until = time.monotonic() + PATIENCE
        states = lambda: {path.read_text().rpartition(")")[2].split()[0]  # noqa: E731
                          for path in Path(f"/proc/{self.pid}/task").glob("*/stat")}
        while states() != {"T"}:
            assert time.monotonic() < until, states()
            time.sleep(0.01)

    @property
    def pid(self):
        return self._process.pid

    def threads_allowed(self):
        """The CPUs that each of its threads may run on, as the kernel writes them."""
        tasks = Path(f"/proc/{self.pid}/task").iterdir()
        status = [(task / "status").read_text() for task in tasks]
        return [text.split("Cpus_allowed_list:")[1].split()[0] for text in status]

    def signal(self, number):
        self._process.send_signal(number)

    def stop(self):
        """Ends it as an operator does. The report, which must be balanced, with no buffer missing."""
        self.signal(signal.SIGTERM)
        assert self._process.wait(PATIENCE) == 0, f"strata run ended with {self._process.returncode}:\n{self.log()}"
        report = json.loads(self.report())
        assert report["balanced"] and report["errors"] == [] and report["buffers_missing"] == 0, report
        return report
