#include "control/rates.hpp"

#include <array>
#include <cstdio>
#include <utility>

namespace strata {
namespace {

std::string rate(std::uint64_t packets, std::uint64_t octets, double seconds) {
  constexpr double kBitsPerOctet = 8;
  constexpr double kMega = 1e6;
  std::array<char, 96> text{};
  std::snprintf(text.data(), text.size(), "%.0f packets/s %.3f Mbit/s", static_cast<double>(packets) / seconds,
                static_cast<double>(octets) * kBitsPerOctet / kMega / seconds);
  return text.data();
}

std::uint64_t lost(const DeviceCount& count) { return count.missed + count.no_buffers + count.bad + count.not_sent; }

}  // namespace

std::string Rates::line(const DeviceCount& now, double seconds) {
  const DeviceCount before = std::exchange(before_, now);
  return "port " + now.port + ": received " +
         rate(now.received - before.received, now.received_octets - before.received_octets, seconds) + ", sent " +
         rate(now.sent - before.sent, now.sent_octets - before.sent_octets, seconds) + ", " +
         std::to_string(lost(now) - lost(before)) + " lost by the device";
}

}  // namespace strata
