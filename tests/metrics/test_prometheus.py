"""A real Prometheus reads a gateway that runs; the dashboard's and the alerts' expressions are asked of it."""

import json
import re
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
import yaml

from asking import until
from reading import free_port
from running import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
OPERATIONS = ROOT / "docs/operations"
ALERTS = OPERATIONS / "alerts.yaml"


def expressions_of_the_dashboard():
    """(panel, expression), with the dashboard's variables as Grafana would put them in."""
    board = json.loads((OPERATIONS / "grafana.json").read_text())
    found = [(panel["title"], target["expr"]) for panel in board["panels"] for target in panel.get("targets", [])]
    found += [(note["name"], note["expr"]) for note in board["annotations"]["list"]]
    filled = [(title, expr.replace("$instance", ".*").replace("$__rate_interval", "1m")) for title, expr in found]
    assert len(filled) > 30 and not [expr for _, expr in filled if "$" in expr]
    return filled


def expressions_of_the_alerts():
    rules = yaml.safe_load(ALERTS.read_text())["groups"][0]["rules"]
    return [(rule["alert"], rule["expr"]) for rule in rules]


class Prometheus:
    def __init__(self, folder, target):
        self.port = free_port()
        config = {"global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
                  "rule_files": [str(ALERTS)],
                  "scrape_configs": [{"job_name": "strata", "static_configs": [{"targets": [target]}]}]}
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        self._log = open(folder / "prometheus.log", "w+")
        self._process = subprocess.Popen(
            ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
             f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn"],
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(PATIENCE)
        self._log.close()

    def api(self, path, **parameters):
        """What it answers; None: it does not yet."""
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE) as response:
                answer = json.load(response)
        except urllib.error.HTTPError as error:
            assert error.code == 503, error.read().decode()
            return None
        except OSError:
            assert self._process.poll() is None, Path(self._log.name).read_text()
            return None
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, expression):
        answer = self.api("query", query=expression)
        return answer["result"] if answer else []


@pytest.fixture(scope="module")
def watched(running, tmp_path_factory):
    with Prometheus(tmp_path_factory.mktemp("prometheus"), f"127.0.0.1:{running.port}") as prometheus:
        until(lambda: prometheus.query('count_over_time(up{job="strata"}[1m]) > 1 and up{job="strata"} == 1'))
        yield prometheus


def test_it_reads_openmetrics(watched):
    until(lambda: watched.api("targets", state="active")["activeTargets"],
          lambda targets: [(target["health"], target["lastError"]) for target in targets] == [("up", "")])
    # Units are told in OpenMetrics alone.
    told = watched.api("metadata", metric="strata_port_received_bytes")
    assert told["strata_port_received_bytes"][0].items() >= {"type": "counter", "unit": "bytes"}.items()


def test_every_series_is_stored(watched, running):
    mine = running.scrape()
    until(lambda: watched.query('count({job="strata", __name__=~"strata_.*"})'),
          lambda theirs: theirs and int(theirs[0]["value"][1]) == len(mine.values))
    (stored,) = until(lambda: watched.query('strata_sa_sequence_left{sa="from-1"}'))
    assert float(stored["value"][1]) == mine["strata_sa_sequence_left", {"sa": "from-1", "direction": "in"}]


MAY_BE_EMPTY = {"Lost by the devices", "Restarts"}  # nothing was lost, nobody started anew


@pytest.mark.parametrize("title, expression", expressions_of_the_dashboard())
def test_panels_show_something(watched, title, expression):
    assert title in MAY_BE_EMPTY or until(lambda: watched.query(expression)), f"{title}: nothing comes of {expression}"


def test_names_and_values_of_labels_are_real(running):
    """An expression that names what is not there is silent for ever."""
    metrics = running.scrape()
    labels = {}
    for name, of in metrics.values:
        for label, value in of:
            labels.setdefault((name, label), set()).add(value)
    for title, expression in expressions_of_the_dashboard() + expressions_of_the_alerts():
        for name, selector in re.findall(r"\b(strata_\w+)(?:\{([^}]*)\})?", expression):
            assert name in metrics.names(), f"{title}: no {name}"
            for label, value in re.findall(r'(\w+)=~?"([^"]*)"', selector):
                if label not in ("job", "instance"):
                    assert set(value.split("|")) <= labels[name, label], f"{title}: {name} has no {label} {value}"


def test_alerts_are_evaluated(watched):
    def rules():
        return watched.api("rules")["groups"][0]["rules"]

    found = until(rules, lambda all_of: all(rule["health"] != "unknown" for rule in all_of))
    assert {rule["name"] for rule in found} == {alert for alert, _ in expressions_of_the_alerts()}
    assert {rule["health"] for rule in found} == {"ok"}, found
    # Just started, and its worker plays as fast as it can: all else is well.
    assert {rule["name"] for rule in found if rule["state"] == "firing"} <= {"StrataRestarted"}, found


def test_alerts_come_when_they_should(tmp_path):
    """promtool with made up series: each alert, and a gateway that is well."""
    checked = subprocess.run(["promtool", "check", "rules", ALERTS], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    cases = (ROOT / "tests/metrics/alerts_test.yaml").read_text()
    assert [alert for alert, _ in expressions_of_the_alerts() if f"alertname: {alert}" not in cases
            and f'alertname="{alert}"' not in cases] == []
    (tmp_path / "alerts_test.yaml").write_text(cases.replace("RULES", str(ALERTS)))
    command = ["promtool", "test", "rules", tmp_path / "alerts_test.yaml"]
    tested = subprocess.run(command, capture_output=True, text=True)
    assert tested.returncode == 0, tested.stdout + tested.stderr
