"""A gateway's metrics, read as docs/metrics.md says, over HTTP, and parsed by Prometheus' own client.

    with place.running() as strata:
        metrics = place.scrape()
        metrics["strata_port_received_packets_total", {"port": "wan"}]
"""

import http.client
import socket

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from asking import Place
from running import PATIENCE


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Metrics:
    """What one answer says: values by name and labels."""

    def __init__(self, text):
        self.families = list(text_string_to_metric_families(text))
        samples = [sample for family in self.families for sample in family.samples]
        self.values = {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}
        assert len(self.values) == len(samples), "a series is there twice"

    def __getitem__(self, asked):
        """One value: by name, or by name and all labels."""
        name, labels = asked if isinstance(asked, tuple) else (asked, {})
        return self.values[name, frozenset(labels.items())]

    def by(self, name, label):
        """All values of a name, by one of their labels."""
        return {dict(labels)[label]: value for (of, labels), value in self.values.items() if of == name}

    def names(self):
        return {name for name, _ in self.values}


class Measured(Place):
    """A folder with a gateway's files, its socket there, and its metrics on a port of its own."""

    def __init__(self, folder):
        super().__init__(folder)
        self.port = free_port()

    def configuration(self, metrics=None, **sections):
        return super().configuration(metrics={"port": self.port, **(metrics or {})}, **sections)

    def get(self, path="/metrics", method="GET", **headers):
        """The response, read."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        response.text = response.read().decode()
        connection.close()
        return response

    def scrape(self):
        response = self.get(Accept="application/openmetrics-text; version=1.0.0")
        assert response.status == 200, response.text
        return Metrics(response.text)
