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

// A driver may start to count anew, as net_memif does when its other end goes.
std::uint64_t since(std::uint64_t before, std::uint64_t now) { return now < before ? now : now - before; }

}  // namespace

std::string Rates::line(const DeviceCount& now, double seconds) {
  const DeviceCount before = std::exchange(before_, now);
  return "port " + now.port + ": received " +
         rate(since(before.received, now.received), since(before.received_octets, now.received_octets), seconds) +
         ", sent " + rate(since(before.sent, now.sent), since(before.sent_octets, now.sent_octets), seconds) + ", " +
         std::to_string(since(lost(before), lost(now))) + " lost by the device";
}

}  // namespace strata
