"""DPDK's telemetry socket, asked as its exporters do."""

import json
import socket

from running import PATIENCE


class Telemetry:
    """A client of a telemetry socket: one message a question, one an answer (DPDK's howto/telemetry)."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(PATIENCE)
        self._socket.connect(str(path))
        self.hello = json.loads(self._socket.recv(1024))

    def ask(self, command):
        self._socket.send(command.encode())
        (answer,) = json.loads(self._socket.recv(self.hello["max_output_len"])).items()
        assert answer[0] == command.split(",")[0], answer
        return answer[1]

    def close(self):
        self._socket.close()
