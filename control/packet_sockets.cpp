#include "control/packet_sockets.hpp"

#include <linux/if_packet.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <string>
#include <system_error>

namespace strata {
namespace {

bool is_bound_to(int fd, unsigned interface) {
  int family = 0;
  socklen_t size = sizeof family;
  if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) != 0 || family != AF_PACKET) return false;
  sockaddr_ll address{};
  size = sizeof address;
  return ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0 &&
         address.sll_ifindex == static_cast<int>(interface);
}

}  // namespace

PacketSockets PacketSockets::of(unsigned interface) {
  PacketSockets found;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", none)) {
    const std::string name = entry.path().filename();
    int fd = -1;
    std::from_chars(name.data(), name.data() + name.size(), fd);
    if (fd >= 0 && is_bound_to(fd, interface)) found.sockets_.push_back(fd);
  }
  return found;
}

bool PacketSockets::put_fragments_together() const {
  return std::ranges::any_of(sockets_, [](int fd) {
    unsigned fanout = 0;  // as it was set (packet(7))
    socklen_t size = sizeof fanout;
    return ::getsockopt(fd, SOL_PACKET, PACKET_FANOUT, &fanout, &size) != 0 ||
           (fanout >> 16 & PACKET_FANOUT_FLAG_DEFRAG) != 0;
  });
}

std::uint64_t PacketSockets::dropped() {
  for (const int fd : sockets_) {
    tpacket_stats since{};  // the last time that somebody asked
    socklen_t size = sizeof since;
    if (::getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &since, &size) == 0) dropped_ += since.tp_drops;
  }
  return dropped_;
}

}  // namespace strata
