"""strata on drivers of NICs, in a guest: each kind of NIC, bound to vfio-pci, with an IOMMU and without one.

What goes in and what must come out is in tests/live/journeys.py; it is sent and received at the NICs' other ends.
"""

import json

import pytest
import yaml

import machine as m

import gateway as g
import journeys
import netns

WHY_NOT = netns.why_not()
pytestmark = pytest.mark.skipif(WHY_NOT is not None, reason=f"no guest with NICs here: {WHY_NOT}")
MTU = 9000  # of all that is outside


@pytest.fixture(scope="module", params=m.MODES)
def machine(request):
    with netns.Namespace() as outside:
        try:
            made = m.Machine(request.param, outside, MTU)
        except m.Missing as missing:
            pytest.skip(f"no guest with NICs here: {missing}")
        with made as booted:
            booted.prepare()
            yield booted


@pytest.fixture(params=m.KINDS)
def kind(request):
    return m.KINDS[request.param]


def settings(machine, kind, wan=None, lan=None, **sections):
    """The gateway on the two NICs of a kind, whose own addresses are others than the configuration's."""
    one, other = machine.nics[kind]
    return journeys.configuration(
        {"device": one.address, "mac": g.WAN_MAC, "queues": kind.queues, **(wan or {})},
        {"device": other.address, "mac": g.LAN_MAC, "queues": kind.queues, **(lan or {})},
        eal={"hugepages": "required", "memory": 256},
        state={"unsafe_lab_without_state": True},
        **sections,
    )


def run(machine, tree):
    """A started strata; both links are up."""
    machine.write("/tmp/gateway.yaml", yaml.safe_dump(tree, sort_keys=False))
    job = machine.start("strata run /tmp/gateway.yaml --json")
    for port in tree["ports"]:
        job.wait_for(f"port {port}: link is up")
    return job


def ended(job):
    """The report of a strata that was asked to end."""
    job.signal("TERM")
    code = job.wait()
    assert code == 0, job.errors() + job.output()
    return job.output()


def pass_through(machine, kind, count, sizes, at_once=64):
    """Both journeys, a burst after another."""
    wan, lan = (machine.outside.wire(nic.tap) for nic in machine.nics[kind])
    for source, target, (frames, expected), judge in (
        (wan, lan, journeys.inbound(count, sizes), journeys.judge_inbound),
        (lan, wan, journeys.outbound(count, sizes), journeys.judge_outbound),
    ):
        came = []
        for start in range(0, count, at_once):
            source.send(*frames[start : start + at_once])
            came += target.collect(len(frames[start : start + at_once]))
        judge(came, expected)
    return wan, lan


def test_both_journeys(machine, kind):
    """More packets than a ring has descriptors, of all sizes that fit."""
    count = 640
    short = {"descriptors": {"rx": 256, "tx": 256}}
    with run(machine, settings(machine, kind, wan=short, lan=short)) as job:
        wires = pass_through(machine, kind, count, sizes=(20, 46, 64, 85, 576, 1024, *journeys.largest(1500)))
        text = ended(job)
        assert kind.driver in job.errors()
    report = journeys.judge_report(text, count, count)
    assert [wire.waiting() for wire in wires] == [[], []]
    assert report["sent"] == 2 * count + report["generated"], text
    for port in ("wan", "lan"):
        device = report["devices"][port]
        assert (device["received"], device["sent"]) == (count, report["ports"][port]["sent"]), text
        assert device["missed"] == device["no_buffers"] == device["bad"] == device["not_sent"] == 0, text


def test_large_frames(machine, kind):
    count = 64
    large = {"mtu": MTU}
    with run(machine, settings(machine, kind, wan=large, lan=large)) as job:
        pass_through(machine, kind, count, sizes=(64, 1998, 2048, 4000, 8192, 8000, *journeys.largest(MTU)), at_once=16)
        text = ended(job)
    journeys.judge_report(text, count, count)


def findings(machine, tree):
    """What strata doctor says of the ports, by grade, and its exit code."""
    machine.write("/tmp/gateway.yaml", yaml.safe_dump(tree, sort_keys=False))
    code, output = machine.run("strata doctor /tmp/gateway.yaml --json")
    told = [found for found in json.loads(output)["findings"] if found["about"].startswith("port ")]
    return code, [(found["grade"], found["finding"], found["mend"]) for found in told]


def test_doctor(machine, kind):
    """It names who has a NIC that is not bound, and the command; strata run says the same and ends."""
    tree = settings(machine, kind)
    one, other = machine.nics[kind]
    code, told = findings(machine, tree)
    assert code == 0 and [grade for grade, *_ in told] == ["fine", "fine"], told
    machine.check("modprobe -a virtio_pci virtio_net vmxnet3")
    machine.release(one)
    try:
        code, told = findings(machine, tree)
        ((_, finding, mend),) = [found for found in told if found[0] == "stops"]
        whose = "has no driver"
        if kind.kernel_driver:
            whose = f"still belongs to the kernel (driver {kind.kernel_driver}, interface"
        assert code == 1 and finding.startswith(f"{one.address} {whose}"), told
        assert mend[-1].startswith(f"dpdk-devbind.py -b vfio-pci {one.address}"), told
        code, said = machine.run("strata run /tmp/gateway.yaml")
        last = f"strata run: port wan: DPDK found no driver that takes the device {one.address}"
        assert code == 1 and finding in said and said.splitlines()[-1] == last, said
    finally:
        machine.bind(one)
    assert findings(machine, tree)[0] == 0


def test_doctor_without_the_no_iommu_mode(machine):
    """vfio-pci has the NICs, and does not let them be used."""
    if machine.mode != "no-iommu":
        pytest.skip("this machine has an IOMMU")
    tree = settings(machine, m.KINDS["e1000e"])
    switch = "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode"
    machine.check(f"echo 0 >{switch}")
    try:
        code, told = findings(machine, tree)
        assert code == 1 and [grade for grade, *_ in told] == ["stops", "stops"], told
        assert "there is no IOMMU, and vfio is not allowed to do without" in told[0][1], told
        assert f"echo 1 > {switch}" in told[0][2], told
    finally:
        machine.check(f"echo 1 >{switch}")


def test_frames_for_others(machine, kind):
    """The NIC takes its own address only, the one of the configuration; all of them when it is promiscuous."""
    frames, expected = journeys.inbound(64)
    for_others = [g.mac("02:00:00:00:09:09") + frame[6:] for frame in frames]
    for promiscuous, seen in ((False, 0), (True, len(for_others))):
        with run(machine, settings(machine, kind, wan={"promiscuous": promiscuous})) as job:
            wan, lan = (machine.outside.wire(nic.tap) for nic in machine.nics[kind])
            wan.send(*for_others, *frames)
            journeys.judge_inbound(lan.collect(len(frames)), expected)
            text = ended(job)
        report = journeys.judge_report(text, len(frames), 0)
        assert report["dropped"].get("eth.other_host", 0) == seen, text


def test_header_sums(machine, kind):
    """Whether a NIC looks at them or not, what is wrong has the same end and the rest goes on."""
    frames, expected = journeys.inbound(64)
    wrong = [frame[:24] + bytes([frame[24] ^ 1]) + frame[25:] for frame in frames]
    for offloads in (True, False):
        with run(machine, settings(machine, kind, wan={"offloads": offloads})) as job:
            wan, lan = (machine.outside.wire(nic.tap) for nic in machine.nics[kind])
            wan.send(*wrong, *frames)
            journeys.judge_inbound(lan.collect(len(frames)), expected)
            text = ended(job)
            (said,) = [line for line in job.errors().splitlines() if "port wan: 0000:" in line]
        assert said.endswith(", checks IPv4 headers") == (offloads and kind.sums), said
        report = journeys.judge_report(text, len(frames), 0)
        assert report["dropped"] == {"ip4.bad_checksum": len(wrong)}, text


def test_queues_are_all_used(machine):
    """The TAP spreads flows over the NIC's queues; what is behind each of them arrives."""
    kind = m.KINDS["virtio-net-pci"]
    tap = machine.nics[kind][0].tap
    before = machine.sent_by_queue(tap)
    with run(machine, settings(machine, kind)) as job:
        pass_through(machine, kind, 64, sizes=(84,))
        text = ended(job)
    journeys.judge_report(text, 64, 64)
    by_queue = [after - b for after, b in zip(machine.sent_by_queue(tap), before)]
    assert sum(by_queue) == 64 and sum(1 for count in by_queue if count) == kind.queues, by_queue
