// `strata doctor` on machines that are made up: each finding where it belongs, and only there.
#include "control/doctor/doctor.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "control/device_name.hpp"
#include "control/doctor/hugepages.hpp"
#include "control/state/sequence_file.hpp"
#include "tests/unit/made_up_machine.hpp"

namespace strata {
namespace {

using test::MadeUpMachine;

constexpr const char* kNic = "0000:3b:00.1";
const std::string kNicFolder = std::string("sys/bus/pci/devices/") + kNic + "/";
constexpr const char* kAllRights = "CapEff:\t000001ffffffffff\nCpus_allowed_list:\t0-3\n";
constexpr const char* kNoRights = "CapEff:\t0000000000000000\nCpus_allowed_list:\t0-3\n";

std::string hugepages(const std::string& size, const std::string& file) {
  return "sys/kernel/mm/hugepages/hugepages-" + size + "kB/" + file;
}

// Root's, with 1 GiB of huge pages, an IOMMU, a NIC that is bound to vfio-pci, and a veth wan0.
class Doctor : public testing::Test {
 protected:
  Doctor() {
    made.file("proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu sse4_2 aes pclmulqdq avx2");
    made.file("proc/self/status", kAllRights);
    made.file("proc/meminfo", "MemTotal: 8000000 kB\nMemAvailable:    4000000 kB");
    made.file(hugepages("2048", "nr_hugepages"), "512").file(hugepages("2048", "free_hugepages"), "512");
    made.file(kNicFolder + "class", "0x020000").link(kNicFolder + "driver", "../../../bus/pci/drivers/vfio-pci");
    made.link(kNicFolder + "iommu_group", "../../../../kernel/iommu_groups/7").file("dev/vfio/7", "");
    made.folder("sys/bus/pci/drivers/vfio-pci").folder("sys/kernel/iommu_groups/7/devices/" + std::string(kNic));
    made.file("proc/net/dev", "Inter-|   Receive\n face |bytes\n  wan0: 12 3 0\n");
    made.file("sys/class/net/wan0/flags", "0x1003").file("proc/net/route", "Iface\tDestination\n");
    made.file("sys/class/net/wan0/ifindex", "4").file("sys/class/net/wan0/iflink", "4");
    made.folder("sys/class/net/wan0/device");
    config.ports = {port("lan", kNic), port("wan", "net_af_packet0,iface=wan0")};
  }

  static config::Port port(const std::string& name, const std::string& device) {
    config::Port made;
    made.name = name;
    made.device = device;
    return made;
  }

  Findings findings() const { return examine(made.machine(), &config); }

  // What is told of it besides what is fine.
  Findings bad() const {
    Findings found = findings();
    std::erase_if(found, [](const Finding& finding) { return finding.grade == Grade::fine; });
    return found;
  }
  void expect_good() const { EXPECT_EQ(to_text(findings(), Grade::hint), ""); }
  // One finding beside what is fine: its grade, whose sentence says this, and one of whose commands says that.
  void expect_one(Grade grade, const std::string& says, const std::string& mend) const {
    const Findings found = bad();
    ASSERT_EQ(found.size(), 1u) << to_text(found, Grade::hint);
    EXPECT_EQ(found[0].grade, grade) << found[0].sentence;
    EXPECT_NE(found[0].sentence.find(says), std::string::npos) << found[0].sentence;
    EXPECT_TRUE(std::ranges::any_of(found[0].mend, [&](const auto& m) { return m.find(mend) != std::string::npos; }))
        << to_text(found, Grade::hint);
    EXPECT_EQ(can_start(found), grade != Grade::stops);
  }

  MadeUpMachine made;
  config::Config config;
};

TEST_F(Doctor, NothingIsWrongWithAGoodMachine) {
  expect_good();
  EXPECT_TRUE(can_start(findings()));
  EXPECT_EQ(findings().size(), 4u);  // CPU, huge pages, two ports: all fine
}

TEST_F(Doctor, WithoutConfigurationOfTheMachineAlone) { EXPECT_EQ(examine(made.machine(), nullptr).size(), 2u); }

TEST_F(Doctor, CpuWithoutTheInstructions) {
  made.file("proc/cpuinfo", "flags\t\t: fpu sse4_2 aes avx2");
  expect_one(Grade::stops, "pclmulqdq", "-cpu host");
}

TEST_F(Doctor, CpuIsToldByWhatItHas) {
  EXPECT_NE(findings()[0].sentence.find("AVX2"), std::string::npos);
  made.file("proc/cpuinfo", "flags\t\t: sse4_2 aes pclmulqdq avx2 avx512f vaes vpclmulqdq");
  EXPECT_NE(findings()[0].sentence.find("VAES"), std::string::npos);
}

TEST_F(Doctor, CoreThatMayNotBeUsed) {
  config.workers.cpus = {4};
  expect_one(Grade::stops, "may use only 0-3", "taskset -c 4");
}

TEST_F(Doctor, CoreThatIsShared) {
  config.workers.cpus = {3};
  expect_one(Grade::hint, "other programs", "isolcpus=3");
  made.file("sys/devices/system/cpu/isolated", "2-3");
  expect_good();
  made.file("sys/devices/system/cpu/cpu3/cpufreq/scaling_governor", "powersave");
  expect_one(Grade::hint, "powersave", "cpu3/cpufreq/scaling_governor");
}

TEST_F(Doctor, CoresThatAreFarFromEachOther) {
  config.workers.cpus = {2, 3};
  made.file("sys/devices/system/cpu/isolated", "2-3");
  expect_good();
  made.file("sys/devices/system/cpu/cpu2/cache/index3/shared_cpu_list", "0-2");
  expect_one(Grade::hint, "no third-level cache", "cpu2/cache/index3/shared_cpu_list");
  made.file("sys/devices/system/cpu/cpu2/cache/index3/shared_cpu_list", "2-3");
  expect_good();
  made.file("sys/devices/system/cpu/cpu2/topology/thread_siblings_list", "2,18");
  expect_good();
  made.file("sys/devices/system/cpu/cpu2/topology/thread_siblings_list", "2-3");
  expect_one(Grade::hint, "two threads of one core", "cpu2/topology/thread_siblings_list");
  config.workers.cpus = {1, 2, 3};
  made.file("sys/devices/system/cpu/isolated", "1-3");
  expect_one(Grade::hint, "two threads of one core", "cpu2/topology/thread_siblings_list");
}

TEST_F(Doctor, NicOnAnotherNode) {
  config.workers.cpus = {3};
  made.file("sys/devices/system/cpu/isolated", "3").file(kNicFolder + "numa_node", "1");
  made.file("sys/devices/system/node/node1/cpulist", "8-15");
  expect_one(Grade::hint, "NUMA node 1", "workers.cpus");
  made.file("sys/devices/system/node/node1/cpulist", "0-3,8");
  expect_good();
  made.file(kNicFolder + "numa_node", "-1");
  expect_good();
}

TEST_F(Doctor, TooFewHugePages) {
  made.file(hugepages("2048", "free_hugepages"), "100");
  // 200 of 512 MiB are free: 156 pages more than the 512 there are.
  expect_one(Grade::warning, "200 MiB", "vm.nr_hugepages=668");
  config.eal.hugepages = config::Hugepages::required;
  expect_one(Grade::stops, "200 MiB", "vm.nr_hugepages=668");
  config.eal.hugepages = config::Hugepages::never;
  expect_good();
}

TEST_F(Doctor, HugePagesOfAllSizesCount) {
  made.file(hugepages("2048", "free_hugepages"), "0");
  made.file(hugepages("1048576", "nr_hugepages"), "1").file(hugepages("1048576", "free_hugepages"), "1");
  expect_good();
}

TEST_F(Doctor, HugePagesBeyondTheLimitOfTheControlGroup) {
  made.file("proc/self/cgroup", "0::/system.slice/strata.service");
  const std::string group = "sys/fs/cgroup/system.slice/strata.service/hugetlb.2MB";
  made.file(group + ".max", "max").file(group + ".current", "0");
  expect_good();
  made.file(group + ".max", std::to_string(600 << 20)).file(group + ".current", std::to_string(100 << 20));
  expect_one(Grade::warning, "500 MiB of huge pages are allowed", "limit");
  made.file("proc/self/cgroup", "4:cpu,cpuacct:/\n7:hugetlb:/box");
  expect_good();
  made.file("sys/fs/cgroup/hugetlb/box/hugetlb.2MB.limit_in_bytes", "1048576");
  expect_one(Grade::warning, "0 MiB of huge pages are allowed", "limit");
}

TEST_F(Doctor, TooLittleMemory) {
  config.eal.hugepages = config::Hugepages::never;
  made.file("proc/meminfo", "MemAvailable:    100000 kB");
  expect_one(Grade::stops, "97 MiB", "eal.memory");
}

TEST_F(Doctor, NicThatIsNotThere) {
  config.ports[0].device = "0000:99:00.0";
  expect_one(Grade::stops, "0000:99:00.0", "lspci");
}

// Nobody is told to take away a disk from the kernel.
TEST_F(Doctor, PciDeviceThatIsNoNic) {
  made.file(kNicFolder + "class", "0x010802").link(kNicFolder + "driver", "../../../bus/pci/drivers/nvme");
  expect_one(Grade::stops, "is no network device (PCI class 0x010802)", "lspci");
  EXPECT_EQ(to_text(bad(), Grade::hint).find("dpdk-devbind"), std::string::npos);
}

TEST_F(Doctor, NameThatIsNoDeviceOfDpdk) {
  config.ports[1].device = "wan0";
  expect_one(Grade::stops, "wan0 is no device of DPDK's", "net_af_packet0,iface=wan0");
}

TEST_F(Doctor, NicOfTheKernel) {
  made.link(kNicFolder + "driver", "../../../bus/pci/drivers/ixgbe").folder(kNicFolder + "net/eth1");
  expect_one(Grade::stops, "ixgbe, interface eth1", "dpdk-devbind.py -b vfio-pci 0000:3b:00.1");
  EXPECT_EQ(bad()[0].mend.size(), 1u);  // vfio is there, and an IOMMU
  made.without("sys/bus/pci/drivers/vfio-pci");
  EXPECT_EQ(bad()[0].mend[0], "modprobe vfio-pci");
}

TEST_F(Doctor, NicThatCarriesSomebodysSession) {
  made.link(kNicFolder + "driver", "../../../bus/pci/drivers/virtio-pci").folder(kNicFolder + "virtio3/net/eth0");
  made.file("sys/class/net/eth0/flags", "0x1003").file("proc/net/route", "Iface\tDestination\neth0\t0000000A\t0\n");
  const Findings found = bad();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].grade, Grade::stops);
  EXPECT_EQ(found[1].grade, Grade::warning);
  EXPECT_NE(found[1].sentence.find("eth0, which is UP AND HAS AN ADDRESS"), std::string::npos);
  made.file("sys/class/net/eth0/flags", "0x1002");
  EXPECT_EQ(bad().size(), 1u);
}

TEST_F(Doctor, NicWithoutDriver) {
  made.without(kNicFolder + "driver");
  expect_one(Grade::stops, "has no driver", "vfio-pci");
}

TEST_F(Doctor, NicThatDpdkSharesWithTheKernel) {
  made.link(kNicFolder + "driver", "../../../bus/pci/drivers/mlx5_core").folder(kNicFolder + "net/eth1");
  expect_good();
}

TEST_F(Doctor, ShortAddressOfANic) {
  config.ports[0].device = "3b:00.1,some=argument";
  expect_good();
}

TEST_F(Doctor, NoIommu) {
  made.without(kNicFolder + "iommu_group");
  expect_one(Grade::stops, "no IOMMU", "enable_unsafe_noiommu_mode");
  made.file("sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y");
  expect_good();
  made.link(kNicFolder + "iommu_group", "../groups/0").file("dev/vfio/noiommu-0", "");
  expect_good();
  made.file(hugepages("2048", "free_hugepages"), "0");
  const Findings found = bad();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_NE(found[1].sentence.find("works with huge pages only"), std::string::npos);
  EXPECT_FALSE(can_start(found));
}

TEST_F(Doctor, GroupThatIsShared) {
  const std::string other = "sys/bus/pci/devices/0000:3b:00.0/";
  made.file(other + "class", "0x020000").link(other + "driver", "../drivers/ixgbe");
  made.folder("sys/kernel/iommu_groups/7/devices/0000:3b:00.0");
  expect_one(Grade::stops, "shares its IOMMU group with 0000:3b:00.0", "dpdk-devbind.py -u 0000:3b:00.0");
  made.file(other + "class", "0x060400");  // a bridge is no matter
  expect_good();
}

TEST_F(Doctor, UserWithoutRights) {
  made.file("proc/self/status", kNoRights);
  made.file("proc/self/limits", "Max locked memory         65536                65536                bytes");
  const Findings found = bad();
  ASSERT_EQ(found.size(), 2u) << to_text(found, Grade::hint);
  EXPECT_NE(found[0].sentence.find("512 MiB locked in memory, this user may lock 64 KiB"), std::string::npos);
  EXPECT_NE(found[1].sentence.find("cap_net_raw,cap_net_admin"), std::string::npos);
  EXPECT_NE(found[1].mend[0].find("setcap cap_net_raw,cap_net_admin+ep"), std::string::npos);
  made.file("proc/self/limits", "Max locked memory         unlimited            unlimited            bytes");
  EXPECT_EQ(bad().size(), 1u);
}

TEST_F(Doctor, FilesTakeNoRights) {
  made.file("proc/self/status", kNoRights);
  config.ports[1].device = "net_pcap0,rx_pcap=wan.pcap,tx_pcap=out.pcap";
  expect_good();
  config.ports[1].device = "net_pcap0,rx_pcap=wan.pcap,tx_iface=wan0";
  EXPECT_NE(bad().at(0).sentence.find("cap_net_raw,cap_net_admin"), std::string::npos);
}

TEST_F(Doctor, InterfaceThatIsNotThere) {
  config.ports[1].device = "net_af_packet0,iface=wan1";
  expect_one(Grade::stops, "no interface wan1", "ip -br link");
  config.ports[1].device = "net_tap0,iface=wan1";  // which makes it
  made.file("dev/net/tun", "");
  expect_good();
  made.without("dev/net/tun");
  expect_one(Grade::stops, "/dev/net/tun", "modprobe tun");
  config.ports[1].device = "net_vhost0,iface=/run/socket";
  expect_good();
}

TEST_F(Doctor, InterfaceThatIsDown) {
  made.file("sys/class/net/wan0/flags", "0x1002");
  expect_one(Grade::warning, "wan0 is down", "ip link set dev wan0 up");
}

TEST_F(Doctor, InterfaceThatTheKernelUsesToo) {
  made.file("proc/net/route", "Iface\tDestination\nwan01\t0000000A\nwan0\t0002000A\n");
  expect_one(Grade::warning, "has an address of the kernel's", "ip address flush dev wan0");
  made.file("proc/net/route", "Iface\tDestination\nwan01\t0000000A\n");
  expect_good();
  made.file("proc/net/if_inet6", "fe800000000000000000000000000001 04 40 20 80     wan0");
  expect_good();
  made.file("proc/net/if_inet6", "fc000000000000000000000000000001 04 40 00 80     wan0");
  expect_one(Grade::warning, "has an address of the kernel's", "ip address flush dev wan0");
}

TEST_F(Doctor, OtherEndOfAVeth) {
  made.without("sys/class/net/wan0/device").file("sys/class/net/wan0/iflink", "9");
  expect_one(Grade::hint, "wrong checksums", "ip netns exec NAME");
  // Has the number, but of another namespace's: it does not name wan0.
  made.file("sys/class/net/dummy0/ifindex", "9").file("sys/class/net/dummy0/iflink", "9");
  expect_one(Grade::hint, "wrong checksums", "ip netns exec NAME");
  made.file("sys/class/net/dummy0/iflink", "4");
  expect_one(Grade::hint, "wrong checksums", "ethtool -K dummy0 tx off");
  made.file("sys/class/net/wan0/uevent", "DEVTYPE=bridge");
  expect_good();
}

// The folder and the file of a state, of whoever runs this test.
class DoctorOfState : public Doctor {
 protected:
  DoctorOfState() {
    config.security_associations.resize(1);
    config.security_associations[0].direction = config::Direction::out;
    made.folder("var/lib/strata");
  }
  void write(const SequenceFile& file) {
    std::string text = encode(file);
    text.pop_back();  // made.file() adds it
    made.file("var/lib/strata/sequence-numbers", text);
  }
  std::string told() const {
    for (const Finding& finding : findings())
      if (finding.about == "sequence numbers") return finding.sentence;
    return {};
  }
  std::filesystem::path place(const std::string& path) const { return made.root() / path; }
};

TEST_F(DoctorOfState, IsFine) {
  expect_good();
  EXPECT_EQ(told(), "/var/lib/strata/sequence-numbers is not there yet: every key begins at 1");
  write({.keys = {{.last = 7}, {.key = {1}, .last = 8}}});
  expect_good();
  EXPECT_EQ(told(), "2 keys go on behind what is reserved in /var/lib/strata/sequence-numbers");
  made.without("var/lib/strata");
  expect_good();
  EXPECT_EQ(told(), "/var/lib/strata will be made, and every key begins at 1");
}

TEST_F(DoctorOfState, IsNotWantedWhereNothingSeals) {
  made.without("var");
  config.security_associations[0].direction = config::Direction::in;
  EXPECT_EQ(told(), "");
  expect_good();
}

TEST_F(DoctorOfState, HasNoPlace) {
  made.without("var");
  expect_one(Grade::stops, "/var/lib/strata is not there, and this user may not make it", "install -d -m 0700");
  made.file("var/lib/strata", "");
  expect_one(Grade::stops, "/var/lib/strata is no folder", "state.directory");
}

TEST_F(DoctorOfState, IsOpenToOthers) {
  std::filesystem::permissions(place("var/lib/strata"), std::filesystem::perms(0770));
  expect_one(Grade::stops, "/var/lib/strata may be written to by others", "chmod go-w /var/lib/strata");
  std::filesystem::permissions(place("var/lib/strata"), std::filesystem::perms(0700));
  write({});
  std::filesystem::permissions(place("var/lib/strata/sequence-numbers"), std::filesystem::perms(0602));
  expect_one(Grade::stops, "sequence-numbers may be written to by others", "chmod go-w");
}

TEST_F(DoctorOfState, IsSomebodyElses) {
  if (geteuid() != 0) GTEST_SKIP() << "to give a folder away takes root";
  ASSERT_EQ(chown(place("var/lib/strata").c_str(), 4711, 4711), 0);
  expect_one(Grade::hint, "/var/lib/strata belongs to user 4711", "--user NAME");
}

TEST_F(DoctorOfState, IsDamaged) {
  made.file("var/lib/strata/sequence-numbers", "strata sequence numbers 2");
  const Findings found = bad();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].grade, Grade::stops);
  EXPECT_TRUE(found[0].sentence.starts_with("/var/lib/strata/sequence-numbers is damaged (")) << found[0].sentence;
}

TEST_F(DoctorOfState, IsForgone) {
  config.state.unsafe_lab_without_state = true;
  expect_one(Grade::warning, "none are kept", "unsafe_lab_without_state");
}

TEST_F(Doctor, AsJson) {
  made.without(kNicFolder + "driver");
  const nlohmann::ordered_json json = to_json(findings());
  EXPECT_EQ(json["can_start"], false);
  ASSERT_EQ(json["findings"].size(), 4u);
  EXPECT_EQ(json["findings"][2]["grade"], "stops");
  EXPECT_EQ(json["findings"][2]["about"], "port lan");
  EXPECT_EQ(json["findings"][2]["mend"].size(), 1u);
}

TEST(DeviceName, IsTakenApart) {
  EXPECT_TRUE(is_pci("0000:3b:00.1"));
  EXPECT_TRUE(is_pci("3b:00.1,a=b"));
  EXPECT_FALSE(is_pci("net_tap0"));
  EXPECT_FALSE(is_pci("3b:00.8"));
  EXPECT_FALSE(is_pci("net_memif0,socket=00:00.0"));
  EXPECT_EQ(name_of_device("3b:00.1,a=b"), "0000:3b:00.1");
  EXPECT_EQ(name_of_device("net_tap12,iface=t0"), "net_tap12");
  EXPECT_EQ(driver_of_device("net_tap12,iface=t0"), "net_tap");
  EXPECT_EQ(argument_of_device("net_tap0,iface=t0,mac=fixed", "iface"), "t0");
  EXPECT_EQ(argument_of_device("net_tap0,xiface=t0", "iface"), std::nullopt);
  EXPECT_EQ(arguments_of_device("net_pcap0,rx_pcap=a,infinite_rx=1,rx_pcap=b", "rx_pcap"),
            (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(arguments_of_device("net_pcap0,rx_pcap=a", "tx_pcap"), std::vector<std::string>());
  EXPECT_EQ(number_of_device("net_af_packet0,framesz=4096", "framesz"), 4096u);
  EXPECT_EQ(number_of_device("net_af_packet0,framesz=x", "framesz"), std::nullopt);
  EXPECT_EQ(number_of_device("net_af_packet0,framesz=4096,framesz=16384", "framesz"), 16384u);
}

TEST(CpuList, IsRead) {
  EXPECT_EQ(parse_cpus("0-2,8"), (std::set<unsigned>{0, 1, 2, 8}));
  EXPECT_EQ(parse_cpus(""), std::set<unsigned>{});
  EXPECT_EQ(parse_cpus("3-1,x,5"), std::set<unsigned>{5});
  EXPECT_LE(parse_cpus("0-18446744073709551615").size(), 8192u);
}

}  // namespace
}  // namespace strata
