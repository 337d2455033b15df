// Captures that a device plays over and over: net_pcap with rx_pcap=FILE,infinite_rx=1.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace strata {

// Packets of the device's endless captures, each of which the driver keeps in a buffer of its own until it is closed;
// 0 of a device that plays none. Error: a sentence.
tl::expected<unsigned, std::string> endless_packets(std::string_view device);

}  // namespace strata
