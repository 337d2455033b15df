// How the configuration names a device: a PCI address or a virtual device, with arguments for its driver.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace strata {

// "0000:3b:00.1" or "3b:00.1", with or without arguments behind a comma.
bool is_pci(std::string_view device);

// Without arguments: "net_tap0" of "net_tap0,iface=tap0". A PCI address has its domain.
std::string name_of_device(std::string_view device);

// "net_tap" of "net_tap0,iface=tap0".
std::string driver_of_device(std::string_view device);

// framesz of "net_af_packet0,iface=wan0,framesz=4096"; of several the last one, which DPDK goes by.
std::optional<std::string> argument_of_device(std::string_view device, std::string_view key);
std::vector<std::string> arguments_of_device(std::string_view device, std::string_view key);  // all of that name
std::optional<unsigned> number_of_device(std::string_view device, std::string_view key);

}  // namespace strata
