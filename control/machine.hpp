// What sysfs and procfs say of this machine. root: where they are; "/" but in tests.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace strata {

// How a device is named: "0000:3b:00.1" or "3b:00.1", with or without arguments behind a comma.
bool is_pci(std::string_view device);

// The name without arguments: "net_tap0" of "net_tap0,iface=tap0". A PCI address has its domain.
std::string name_of_device(std::string_view device);

// The number that a device is given: framesz of "net_af_packet0,iface=wan0,framesz=4096".
std::optional<unsigned> number_of(std::string_view device, std::string_view argument);

// Free pages of all sizes.
std::uint64_t free_hugepage_mib(const std::filesystem::path& root);

// The command that reserves as many megabytes more.
std::string hugepages_command(std::uint64_t megabytes);

}  // namespace strata
