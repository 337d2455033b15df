"""What ThreadSanitizer has to say of the programs that a test starts: in files, one a process."""

from pathlib import Path

SUPPRESSED = Path(__file__).resolve().parents[1] / "tsan.supp"
OPTIONS = f"halt_on_error=0:exitcode=66:history_size=4:suppressions={SUPPRESSED}:print_suppressions=0"


class Reports:
    def __init__(self, folder, monkeypatch):
        self._folder = folder / "reports"
        self._folder.mkdir()
        monkeypatch.setenv("TSAN_OPTIONS", f"{OPTIONS}:log_path={self._folder}/report")

    def text(self):
        return "".join(path.read_text() for path in sorted(self._folder.iterdir()))

    def assert_none(self):
        text = self.text()
        count = text.count("WARNING: ThreadSanitizer")
        assert not text, f"{count} reports of ThreadSanitizer, of which the first begins:\n{text[:6000]}"
