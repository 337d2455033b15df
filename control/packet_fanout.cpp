// What net_af_packet asks of the kernel, put right on its way there.
//
// The driver has the kernel put IPv4 fragments together before it hands packets over (PACKET_FANOUT_FLAG_DEFRAG,
// packet(7)), with one queue too, and has no argument to say otherwise. The kernel tells fragments by addresses,
// protocol and ID, not by the interface that they came by: one of the unprotected side would complete a packet of the
// protected one, and leave in an SA. So this program's own setsockopt stands before the C library's, for the drivers as
// well; what a port's sockets have in the end is looked at when it starts (PacketSockets::put_fragments_together).
#include <linux/if_packet.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstring>

namespace {

long ask_kernel(int socket, int level, int name, const void* value, socklen_t size) {
  return syscall(SYS_setsockopt, socket, level, name, value, size);
}

}  // namespace

extern "C" {

int strata_setsockopt(int socket, int level, int name, const void* value, socklen_t size) noexcept {
  // Group, and in the upper half mode and flags; newer kernels take a second word, the most members.
  std::array<unsigned, 2> fanout{};
  if (level != SOL_PACKET || name != PACKET_FANOUT || size < sizeof fanout[0] || size > sizeof fanout)
    return static_cast<int>(ask_kernel(socket, level, name, value, size));
  std::memcpy(fanout.data(), value, size);
  fanout[0] &= ~(unsigned{PACKET_FANOUT_FLAG_DEFRAG} << 16);
  return static_cast<int>(ask_kernel(socket, level, name, fanout.data(), size));
}

[[gnu::alias("strata_setsockopt"), gnu::visibility("default")]] int setsockopt(int, int, int, const void*,
                                                                               socklen_t) noexcept;
}
