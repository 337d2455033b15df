// Which frames: a program of the classic Berkeley packet filter, as `tcpdump -ddd` prints it.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "dataplane/wire/bytes.hpp"

namespace strata {

using FrameFilter = std::function<bool(wire::Bytes frame)>;

// "4\n40 0 0 12\n21 0 1 2048\n6 0 0 262144\n6 0 0 0\n": how many instructions, and each as code, jump if true, jump
// if false, operand; newlines or commas between. A program that would not end, or that reads out of bounds, is refused.
tl::expected<FrameFilter, std::string> parse_filter(std::string_view program);

// Of what begins with an Ethernet header, or with an IPv4 or IPv6 header.
enum class FilterOf : std::uint8_t { frames, ip_packets };

// Of an expression of pcap-filter(7). The error is libpcap's. It may ask DNS for names: not for the main thread.
tl::expected<std::string, std::string> compile_filter(const std::string& expression, FilterOf what);

}  // namespace strata
