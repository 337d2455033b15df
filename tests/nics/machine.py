"""A guest with NICs, strata and DPDK's drivers in it; the NICs' other ends are TAPs in a namespace."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
for room in ("guest", "live", "replay"):
    sys.path.insert(0, str(ROOT / "tests" / room))

from guest import Guest, Image, Missing, kernel  # noqa: E402
from harness import program  # noqa: E402
from noiommu import vfio_module  # noqa: E402

DRIVERS = ("bus_pci", "bus_vdev", "mempool_ring", "net_virtio", "net_e1000", "net_vmxnet3")
HUGEPAGES = 192  # of 2 MiB


@dataclass(frozen=True)
class Kind:
    """A kind of NIC as qemu makes it, and what DPDK calls its driver."""

    device: str
    driver: str
    options: str = ""
    queues: int = 1
    kernel_driver: str = ""  # that takes it at boot
    sums: bool = False  # it looks at the checksums of IPv4 headers


KINDS = {
    kind.device: kind
    for kind in (
        # Two vectors a queue pair, one for its configuration and one to spare.
        Kind("virtio-net-pci", "net_virtio", ",mq=on,vectors=6,guest_csum=on,mrg_rxbuf=on", 2, "virtio-pci"),
        Kind("e1000e", "net_e1000_em", sums=True),
        Kind("vmxnet3", "net_vmxnet3", kernel_driver="vmxnet3"),
    )
}
MODES = ("iommu", "no-iommu")


@dataclass(frozen=True)
class Nic:
    kind: Kind
    place: int  # on the guest's PCI bus

    @property
    def address(self):
        return f"0000:00:{self.place:02x}.0"

    @property
    def mac(self):
        return f"02:00:00:00:0a:{self.place:02x}"

    @property
    def tap(self):
        return f"tap{self.place}"

    def words(self, mode):
        """For qemu."""
        queues = f",queues={self.kind.queues}" if self.kind.queues > 1 else ""
        options = self.kind.options
        # What virtio's devices do to memory passes by an IOMMU unless they are told otherwise.
        if mode == "iommu" and self.kind.device.startswith("virtio"):
            options += ",disable-legacy=on,iommu_platform=on,ats=on"
        return [
            *("-netdev", f"tap,id=net{self.place},ifname={self.tap},script=no,downscript=no{queues}"),
            *("-device", f"{self.kind.device},netdev=net{self.place},mac={self.mac},addr={self.place:#x}{options}"),
        ]


def nics():
    """Two of each kind."""
    return {kind: (Nic(kind, 4 + 2 * i), Nic(kind, 5 + 2 * i)) for i, kind in enumerate(KINDS.values())}


def plugins():
    """Where EAL looks for its drivers."""
    places = sorted(Path("/usr/lib/x86_64-linux-gnu/dpdk").glob("pmds-*"))
    if not places:
        raise Missing("DPDK's drivers are not there (Debian's package libdpdk-dev)")
    return places[-1]


def image(mode):
    made = Image(
        kernel(),
        modules=["virtio_net", "virtio_pci", "vmxnet3", "vfio", "vfio_pci", "vfio_iommu_type1"],
        programs=["/bin/ip", program()],
    )
    for name in DRIVERS:
        made.program(plugins() / f"librte_{name}.so")
    if mode == "no-iommu":
        path = next(path for path in made.kernel.needs if path.endswith("/vfio.ko"))
        made.add(vfio_module(made.kernel), f"/lib/modules/{made.kernel.release}/{path}")
    made.link("/usr/bin/strata", program())
    return made


class Machine(Guest):
    """The guest, its modules not loaded yet; .outside is the namespace with the TAPs."""

    def __init__(self, mode, outside, mtu=1500):
        self.nics = nics()
        self.mode = mode
        self.outside = outside
        every = [nic for pair in self.nics.values() for nic in pair]
        for nic in every:
            outside.tap(nic.tap, queues=nic.kind.queues)
            outside.run("ip", "link", "set", "dev", nic.tap, "mtu", mtu)
        devices = ["-device", "intel-iommu,intremap=on,caching-mode=on,device-iotlb=on"] if mode == "iommu" else []
        super().__init__(
            image(mode),
            cpus=2,
            memory=1024,
            devices=devices + [word for nic in every for word in nic.words(mode)],
            append=f"hugepages={HUGEPAGES}" + (" intel_iommu=on" if mode == "iommu" else ""),
            within=outside.prefix,
        )

    def prepare(self):
        """VFIO, and all NICs given to it."""
        self.check("modprobe vfio_iommu_type1 && modprobe vfio-pci")
        if self.mode == "no-iommu":
            self.check("echo 1 >/sys/module/vfio/parameters/enable_unsafe_noiommu_mode")
        for pair in self.nics.values():
            for nic in pair:
                self.bind(nic)

    def sent_by_queue(self, tap):
        """Packets that the outside gave to each of a NIC's receive queues."""
        shown = self.outside.run("tc", "-s", "class", "show", "dev", tap)
        return [int(count) for count in re.findall(r"Sent \d+ bytes (\d+) pkt", shown)]

    def bind(self, nic, driver="vfio-pci"):
        """Gives a NIC to a driver, as dpdk-devbind does."""
        at = f"/sys/bus/pci/devices/{nic.address}"
        self.check(
            f"echo {driver} >{at}/driver_override; "
            f"if [ -e {at}/driver ]; then echo {nic.address} >{at}/driver/unbind; fi; "
            f"echo {nic.address} >/sys/bus/pci/drivers_probe; [ $(basename $(readlink {at}/driver)) = {driver} ]"
        )

    def release(self, nic):
        """Gives a NIC back to the kernel's own driver, where it has one."""
        if nic.kind.kernel_driver:
            return self.bind(nic, nic.kind.kernel_driver)
        at = f"/sys/bus/pci/devices/{nic.address}"
        self.check(f"echo >{at}/driver_override; echo {nic.address} >{at}/driver/unbind")
