"""Debian's vfio module with the no-IOMMU mode, which Debian's kernels leave out (CONFIG_VFIO_NOIOMMU is not set).

Made of Debian's own source of the same kernel with that one option, in some 15 seconds; the guests' cache keeps it.
"""

import re
import shutil
import subprocess

from guest import CACHE, Missing, cache_lock, fetch, require

SOURCES = ("vfio_main.c", "iova_bitmap.c", "container.c", "vfio.h")
MAKEFILE = """
obj-m := vfio.o
vfio-y := vfio_main.o iova_bitmap.o container.o
ccflags-y := -DCONFIG_VFIO_NOIOMMU=1
"""


def vfio_module(kernel):
    """The module's file."""
    require("make", "gcc", "xz", "tar")
    place = CACHE / f"vfio-noiommu-{kernel.release}"
    with cache_lock():
        if not (place / "vfio.ko").exists():
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            _unpack_sources(kernel, place)
            (place / "Makefile").write_text(MAKEFILE)
            make = ["make", "-C", _headers(kernel), f"M={place}", "modules"]
            made = subprocess.run(make, capture_output=True, text=True)
            if made.returncode != 0:
                raise Missing(f"the vfio module cannot be made: {made.stdout[-500:]}{made.stderr[-500:]}")
    return place / "vfio.ko"


def _version(kernel):
    """6.1.0-56-cloud-amd64 -> 6.1, as Debian's packages of sources and tools are called."""
    return re.match(r"\d+\.\d+", kernel.release).group(0)


def _unpack_sources(kernel, place):
    version = _version(kernel)
    archive = fetch(f"linux-source-{version}") / f"usr/src/linux-source-{version}.tar.xz"
    names = [f"linux-source-{version}/drivers/vfio/{name}" for name in SOURCES]
    subprocess.run(["tar", "-C", place, "-xJf", archive, "--strip-components=3", *names], check=True)
    shutil.rmtree(CACHE / f"linux-source-{version}")  # 130 MB, not needed any more


def _headers(kernel):
    """The directory that modules for this kernel are made from: three packages, which refer to each other's places."""
    flavour = re.sub(r"^[\d.]+-\d+-", "", kernel.release)
    common = kernel.release.removesuffix(flavour) + "common"
    packages = [f"linux-headers-{kernel.release}", f"linux-headers-{common}", f"linux-kbuild-{_version(kernel)}"]
    root = CACHE / f"headers-{kernel.release}"
    headers = root / f"usr/src/{packages[0]}"
    if not root.exists():
        for package in packages:
            shutil.copytree(fetch(package), root, symlinks=True, dirs_exist_ok=True)
            shutil.rmtree(CACHE / package)
        makefile = headers / "Makefile"
        makefile.write_text(makefile.read_text().replace("include /usr/", f"include {root}/usr/"))
    return headers
