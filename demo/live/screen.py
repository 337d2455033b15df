"""What the live demo tells, and how it went: parts, each with its reason, and in them the checks."""

import os
import subprocess
import sys
import time

NAME = 40  # columns
FAULTS = (AssertionError, OSError, subprocess.SubprocessError)  # what was not seen, or could not be looked for


class Screen:
    def __init__(self, out=sys.stdout):
        self._out = out
        self._live = out.isatty()
        self._colors = self._live and "NO_COLOR" not in os.environ
        self._start = time.monotonic()
        self.good, self.bad = 0, []

    def say(self, text=""):
        print(text, file=self._out, flush=True)

    def part(self, title, why):
        self.say()
        self.say(self._colored("1", title))
        for line in why.splitlines():
            self.say(f"  {line}")

    def check(self, name, do):
        """Runs it. What it returns was seen; an AssertionError says what was not."""
        if self._live:
            print(f"  ..      {name}", end="\r", file=self._out, flush=True)
        try:
            seen = do()
        except FAULTS as error:
            self.failed(name, error)
            return
        self.good += 1
        self.say(f"  {self._colored('32', 'ok')}      {name:<{NAME}}  {seen}")

    def failed(self, name, error):
        self.bad.append(name)
        self.say(f"  {self._colored('31;1', 'FAILED')}  {name:<{NAME}}  {error}")

    def table(self, rows):
        """Rows of texts, the first one the heads; the first column left, the others right."""
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        for row in rows:
            cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))]
            self.say("  " + "  ".join(cells).rstrip())

    def verdict(self):
        """The last line; the exit code."""
        seconds = round(time.monotonic() - self._start)
        self.say()
        if not self.bad:
            self.say(f"{self._colored('32;1', 'PASS')}: {self.good} checks in {seconds} s")
            return 0
        others = f"{self.good} other checks were good; {seconds} s"
        self.say(f"{self._colored('31;1', 'FAILED')}: {', '.join(self.bad)} ({others})")
        return 1

    def _colored(self, code, text):
        return f"\033[{code}m{text}\033[0m" if self._colors else text
