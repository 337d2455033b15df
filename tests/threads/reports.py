"""What ThreadSanitizer has to say of the programs that a test starts: in files, one a process."""

import os


class Reports:
    def __init__(self, folder, monkeypatch):
        self._folder = folder / "reports"
        self._folder.mkdir()
        # All else that it is to do, ./dev tsan says.
        monkeypatch.setenv("TSAN_OPTIONS", f"{os.environ['TSAN_OPTIONS']}:log_path={self._folder}/report")

    def text(self):
        return "".join(path.read_text() for path in sorted(self._folder.iterdir()))

    def taken(self):
        """The text, which is then no fault any more."""
        text = self.text()
        for path in self._folder.iterdir():
            path.unlink()
        return text

    def assert_none(self):
        text = self.text()
        count = text.count("WARNING: ThreadSanitizer")
        assert not text, f"{count} reports of ThreadSanitizer, of which the first begins:\n{text[:6000]}"
