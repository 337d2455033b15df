"""The container and the Kubernetes example, as far as they can be judged without an engine: names agree, the gateway in
it is a valid one, and the pod's own command starts it with the rights that the pod has."""

import json
import os
import pathlib
import re
import subprocess
import time

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
STRATA = pathlib.Path(os.environ.get("STRATA", ROOT / "build/release/strata")).resolve()
PATIENCE = 120
KEY = "00" * 35 + "%02x"
MANIFESTS = list(yaml.safe_load_all((ROOT / "deploy/kubernetes/gateway.yaml").read_text()))


def of_kind(kind, name=None):
    return [item for item in MANIFESTS if item["kind"] == kind and name in (None, item["metadata"]["name"])]


@pytest.fixture(scope="module")
def pod():
    (stateful,) = of_kind("StatefulSet")
    return stateful["spec"]


@pytest.fixture(scope="module")
def container(pod):
    (found,) = pod["template"]["spec"]["containers"]
    return found


def gateway():
    (config,) = of_kind("ConfigMap", "strata")
    return config["data"]["gateway.yaml"]


# --- names ------------------------------------------------------------------------------------------------------------


def test_what_the_nodes_offer_is_what_the_pod_takes(pod, container):
    (plugin,) = of_kind("ConfigMap", "sriovdp-config")
    offered = {f'{entry["resourcePrefix"]}/{entry["resourceName"]}'
               for entry in json.loads(plugin["data"]["config.json"])["resourceList"]}
    networks = {item["metadata"]["name"]: item for item in of_kind("NetworkAttachmentDefinition")}
    wanted = {item["metadata"]["annotations"]["k8s.v1.cni.cncf.io/resourceName"] for item in networks.values()}
    limits = container["resources"]["limits"]
    assert offered == wanted == {name for name in limits if "/" in name}
    asked = pod["template"]["metadata"]["annotations"]["k8s.v1.cni.cncf.io/networks"].split(", ")
    assert sorted(asked) == sorted(networks)
    for name, network in networks.items():
        assert json.loads(network["spec"]["config"])["name"] == name
    # The device plugin's names for what it has dealt out.
    variables = {"PCIDEVICE_" + re.sub(r"[./]", "_", name).upper() for name in offered}
    assert set(re.findall(r"\$(PCIDEVICE_\w+)", container["command"][-1])) == variables


def test_volumes_and_labels(pod, container):
    spec = pod["template"]["spec"]
    volumes = {volume["name"] for volume in spec["volumes"]}
    volumes |= {claim["metadata"]["name"] for claim in pod["volumeClaimTemplates"]}
    mounts = [mount for each in (container, *spec["initContainers"]) for mount in each["volumeMounts"]]
    assert {mount["name"] for mount in mounts} == volumes
    assert pod["selector"]["matchLabels"] == pod["template"]["metadata"]["labels"]
    assert pod["replicas"] == 1 and "fsGroup" not in json.dumps(spec)
    (keys,) = (volume["secret"] for volume in spec["volumes"] if volume["name"] == "keys")
    assert keys["defaultMode"] == 0o400  # else strata refuses them


def test_what_it_asks_for_is_enough(container):
    """CPUs for the workers and one more, huge pages for DPDK's memory, the port that the metrics are at."""
    tree = yaml.safe_load(gateway())
    limits = container["resources"]["limits"]
    assert int(limits["cpu"]) == tree["workers"]["count"] + 1
    assert int(limits["hugepages-2Mi"].removesuffix("Gi")) * 1024 >= tree["eal"]["memory"]
    (port,) = container["ports"]
    said = subprocess.run([STRATA, "manual", "strata.yaml.5"], capture_output=True, text=True, check=True).stdout
    assert str(port["containerPort"]) in said
    probes = (container[probe]["exec"]["command"] for probe in ("startupProbe", "livenessProbe"))
    assert {command[0] for command in probes} == {"strata"}


def test_the_image_starts_as_the_program_understands():
    """The package's program, with words that it takes."""
    text = (ROOT / "deploy/container/Containerfile").read_text()
    assert json.loads(re.search(r"^ENTRYPOINT (.*)$", text, re.M)[1]) == ["/usr/bin/strata"]
    words = json.loads(re.search(r"^CMD (.*)$", text, re.M)[1])
    said = subprocess.run([STRATA, words[0], "--help"], capture_output=True, text=True, check=True).stdout
    assert words[0] == "run" and all(word in said for word in words if word.startswith("--"))
    package = (ROOT / "debian/control").read_text()
    assert re.search(r"/src/(\w+)_\*\.deb", text)[1] == re.search(r"^Package: (\w+)$", package, re.M)[1]


# --- the command ------------------------------------------------------------------------------------------------------


def rights(container):
    kept = ",".join("+" + name.lower() for name in container["securityContext"]["capabilities"]["add"])
    return f"setpriv --bounding-set=-all,{kept} --inh-caps=-all --no-new-privs"


SANDBOX = """
set -e
for place in /etc /run /var/lib; do mkdir -p $place/strata; mount -t tmpfs strata $place/strata; done
mkdir -p /etc/strata/template /etc/strata/keys
cp "$FOLDER/gateway.yaml" /etc/strata/template/
for name in from-b to-b; do install -m 0400 "$FOLDER/$name" /etc/strata/keys/; done
$PREPARE
{rights} sh -ec "$COMMAND" &
pid=$!
for i in $(seq {patience}); do {rights} $PROBE > "$FOLDER/shown" 2> "$FOLDER/why" && break; kill -0 $pid; sleep 1; done
kill -TERM $pid
wait $pid
ls -ln /var/lib/strata/gateway > "$FOLDER/state"
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="as in the pod: by root")
def test_the_pods_command_starts_it(pod, container, tmp_path):
    """With devices that need no NIC, in folders of its own; asked by the pod's own probe."""
    text = gateway()
    assert text.count("hugepages: required") == 1
    (tmp_path / "gateway.yaml").write_text(text.replace("hugepages: required, memory: 1024", "hugepages: never"))
    for number, name in enumerate(("from-b", "to-b")):
        (tmp_path / name).write_text(KEY % number)
    (first,) = pod["template"]["spec"]["initContainers"]
    environment = {
        "PATH": f"{STRATA.parent}:{os.environ['PATH']}", "FOLDER": str(tmp_path),
        "PCIDEVICE_EXAMPLE_COM_STRATA_WAN": "net_null0,no-rx=1",
        "PCIDEVICE_EXAMPLE_COM_STRATA_LAN": "net_null1,no-rx=1",
        # A user that every machine has.
        "COMMAND": container["command"][-1].replace("--user strata", "--user nobody"),
        "PREPARE": " ".join(first["command"]).replace("-o strata -g strata", "-o nobody -g nogroup"),
        "PROBE": " ".join(container["startupProbe"]["exec"]["command"]),
        "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0",
    }
    begun = time.monotonic()
    done = subprocess.run(["unshare", "--mount", "--net", "sh", "-c",
                           SANDBOX.format(rights=rights(container), patience=PATIENCE)],
                          env=environment, capture_output=True, text=True, timeout=2 * PATIENCE)
    said = done.stdout + done.stderr + (tmp_path / "why").read_text()
    assert done.returncode == 0, f"{time.monotonic() - begun:.0f} s\n{said}"
    assert re.search(r"^wan .*\n", (tmp_path / "shown").read_text(), re.M), said
    assert "65534" in (tmp_path / "state").read_text() and "balanced" in said
