"""Two gateways, each in a namespace of its own, and four ends of wires outside, which the program itself holds:

    host A --- lan [A] wan ---- the wire ---- wan [B] lan --- host B
     a.lan                  a.wan    b.wan                  b.lan

A has one worker, B two. The hosts and the wire between are the program (hosts.py, wire.py), so that each frame is seen.
"""

import contextlib
import ipaddress
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "live"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "control_socket"))

from asking import Client, until  # noqa: E402
from netns import Namespace  # noqa: E402
from running import Running  # noqa: E402

import packets  # noqa: E402

TUNNELS = 4
ALGORITHMS = (("aes-128-gcm", 20), ("aes-256-gcm", 36), ("chacha20-poly1305", 36), ("aes-256-gcm", 36))
SOFT_PACKETS = 4000  # of tunnel 2: then its next key is due
DEAD = 77  # in each LAN nobody has 10.x.0.77
OTHER = {"a": "b", "b": "a"}
NOT_APPLIED = -32007  # docs/control.md


class Keys:
    """The SAs of one tunnel in one direction, over all its keys. SPIs and keys are drawn once and never again."""

    next_spi = 0x1000
    given = []  # key material of all SAs there ever were, as hexadecimal

    def __init__(self, sender, tunnel):
        self.sender, self.tunnel, self.generation = sender, tunnel, 0
        self.renew()

    def renew(self):
        Keys.next_spi += 1
        self.generation += 1
        self.spi = Keys.next_spi
        self.key = os.urandom(ALGORITHMS[self.tunnel][1]).hex()
        Keys.given.append(self.key)

    def entry(self, direction, addresses):
        """As in a configuration file."""
        receiver = OTHER[self.sender]
        entry = {
            "name": f"{direction}-{self.tunnel}-{self.generation}",
            "direction": direction,
            "spi": self.spi,
            "source": addresses[self.sender],
            "destination": addresses[receiver],
            "algorithm": ALGORITHMS[self.tunnel][0],
            "key": f"hex:{self.key}",
            "esn": self.tunnel in (1, 2),
            "replay_window": 4096 if self.tunnel == 2 else 1024,
            "selectors": {"source": net6(self.sender, 0), "destination": net6(receiver, self.tunnel)},
        }
        if self.tunnel != 3:
            entry["udp_encap"] = {}
        if self.tunnel == 2 and direction == "out":
            entry["lifetime"] = {"soft": {"packets": SOFT_PACKETS}}
        return entry


def net6(side, tunnel):
    """Of the SIDs of a side."""
    return f"fc00:{1 + 'ab'.index(side)}:{tunnel}::/48"


def sid(side, tunnel, last="d4"):
    return str(ipaddress.ip_address(f"fc00:{1 + 'ab'.index(side)}:{tunnel}::{last}"))


class Gateway:
    """One of the two, over all its starts."""

    def __init__(self, name, folder, place, outside):
        self.name, self.folder, self.place = name, folder, place
        n = 1 + "ab".index(name)
        self.net, self.far = f"10.{n}", f"10.{3 - n}"
        self.wan_address, self.lan_address = f"192.0.2.{n}", f"{self.net}.0.1"
        self.mac = {port: packets.mac(f"02:00:00:00:0{n}:0{i}") for i, port in enumerate(("wan", "lan"), 1)}
        self.host_mac = packets.mac(f"02:00:00:00:0{n}:aa")
        self.metrics_port, self.workers = 14500, n
        self.life, self.lives, self.strata, self.tree = 0, [], None, None
        folder.mkdir(parents=True)
        self.state = folder / "state"
        self.state.mkdir(mode=0o700)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k,mode=0700", "soak", self.state], check=True)
        for port in ("wan", "lan"):
            outside.veth(f"{name}{port}", port, to=place)
            place.run("ethtool", "-K", port, "tx", "off")
        place.keep_kernel_out("wan", "lan")

    def first_tree(self, keys, addresses, name):
        queues = {"queues": 2} if self.workers > 1 else {}
        pairs = ",qpairs=2" if self.workers > 1 else ""
        ports = {}
        for number, (port, own, side) in enumerate((("wan", self.wan_address, "unprotected"),
                                                    ("lan", self.lan_address, "protected"))):
            ports[port] = {"device": f"net_af_packet{number},iface={port},framesz=4096,framecnt=2048{pairs}",
                           "addresses": [f"{own}/24"], "side": side, "mac": self.mac[port].hex(":"), **queues}
        other = OTHER[self.name]
        hop = {"next_hop": f"{self.net}.0.2", "port": "lan"}
        self.tree = {
            "name": name,
            "ports": ports,
            "ipsec": {"security_associations":
                      [keys[self.name, k].entry("out", addresses) for k in range(TUNNELS)] +
                      [keys[other, k].entry("in", addresses) for k in range(TUNNELS)]},
            "srv6": {
                "source": sid(self.name, 0, "1"),
                "local_sids": [{"sid": sid(self.name, k) + "/128", "behavior": "End.DX4", **hop}
                               for k in range(TUNNELS)],
                "policies": [{"name": f"to-{k}", "prefixes": [f"{self.far}.{k}.0/24"], "segments": [sid(other, k)],
                              "mode": "H.Encaps" if k == 1 else "H.Encaps.Red"} for k in range(TUNNELS)],
            },
            "routes": [{"prefix": f"{self.net}.0.0/16", **hop}],
            "arp": {"reachable_s": 30, "tries": 10},  # one that stands still for a while is no lost neighbor
            "workers": {"count": self.workers, "rebalance": self.workers > 1},
            "eal": {"hugepages": "never"},
            "control": {"socket": str(self.socket)},
            "metrics": {"port": self.metrics_port, "address": "127.0.0.1", "telemetry": True},
            "state": {"directory": str(self.state)},
        }

    @property
    def socket(self):
        return self.folder / "gateway.sock"

    @property
    def config(self):
        return self.life_folder / "gateway.yaml"

    @property
    def life_folder(self):
        return self.folder / f"life-{self.life}"

    @property
    def entries(self):
        return self.tree["ipsec"]["security_associations"]

    def start(self):
        self.life += 1
        self.life_folder.mkdir()
        self.strata = Running(self.tree, self.life_folder, within=self.place.prefix)
        self.strata.__enter__()
        self.lives.append(self.life_folder / "log")

    def kill(self):
        """kill -9."""
        self.strata.__exit__()
        return self.strata.log()

    def stop(self):
        return self.strata.stop()

    def write(self, text=None):
        """The configuration's file, another one at once: what is in force, unless said."""
        made = self.config.with_suffix(".new")
        made.write_text(text or yaml.safe_dump(self.tree, sort_keys=False))
        made.rename(self.config)

    def client(self):
        return Client(self.socket)

    def answer(self, method, **params):
        """While a worker stands still, nothing is changed, nor is an account made: it is asked for again."""
        with self.client() as client:
            return until(lambda: client.call(method, **params),
                         lambda answer: "stands still" not in answer.get("error", {}).get("message", ""))

    def ask(self, method, **params):
        answer = self.answer(method, **params)
        assert "result" in answer, f"gateway {self.name}, {method}: {answer}"
        return answer["result"]

    def refused(self, method, **params):
        """Why nothing of it was done."""
        answer = self.answer(method, **params)
        assert answer.get("error", {}).get("code") == NOT_APPLIED, f"gateway {self.name}, {method}: {answer}"
        return answer["error"]["message"]

    def rows(self, method):
        with self.client() as client:
            return client.rows(method)

    def told(self):
        """All that it said in all its lives."""
        return "".join(path.read_text() for path in self.lives)


class Scene:
    def __init__(self, folder, outside, places):
        self.folder, self.outside = folder, outside
        self.gateways = {name: Gateway(name, folder / name, places[name], outside) for name in "ab"}
        self.addresses = {name: gateway.wan_address for name, gateway in self.gateways.items()}
        self.keys = {(sender, k): Keys(sender, k) for sender in "ab" for k in range(TUNNELS)}
        outside.keep_kernel_out(*(f"{name}{port}" for name in "ab" for port in ("wan", "lan")))
        for name, gateway in self.gateways.items():
            gateway.first_tree(self.keys, self.addresses, f"soak-{os.getpid()}-{name}")

    def set_link(self, gateway, port, state, *, far):
        """far: at the other end of the wire, where no gateway is."""
        if far:
            self.outside.run("ip", "link", "set", "dev", f"{gateway.name}{port}", state)
        else:
            gateway.place.run("ip", "link", "set", "dev", port, state)


@contextlib.contextmanager
def scene(folder):
    """With both gateways running, until the `with` block ends."""
    folder = Path(folder)
    with contextlib.ExitStack() as stack:
        outside = stack.enter_context(Namespace())
        places = {name: stack.enter_context(Namespace()) for name in "ab"}
        made = Scene(folder, outside, places)
        for gateway in made.gateways.values():
            stack.callback(ended, gateway)
        for gateway in made.gateways.values():
            gateway.start()
        yield made


def ended(gateway):
    if gateway.strata and gateway.strata.ended() is None:
        gateway.strata.signal(signal.SIGCONT)
        gateway.strata.__exit__()
    shutil.copytree(gateway.state, gateway.folder / "state-at-the-end")
    subprocess.run(["umount", "-l", gateway.state], check=True)
    shutil.rmtree(f"/var/run/dpdk/{gateway.tree['name']}", ignore_errors=True)


__all__ = ["Client", "Keys", "Scene", "scene", "until"]
