#include "control/packet_sockets.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace strata {
namespace {

// A packet socket of the loopback, in a group of its own; -1: it takes CAP_NET_RAW. By the kernel's call itself: the C
// library's may be one of ours.
int socket_in_group(unsigned flags) {
  const int fd = ::socket(AF_PACKET, SOCK_RAW, 0);
  if (fd < 0) return fd;
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(if_nametoindex("lo"));
  EXPECT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  const unsigned group = static_cast<unsigned>(getpid()) & 0xffff;
  const unsigned fanout = group | (PACKET_FANOUT_HASH | flags) << 16;
  EXPECT_EQ(syscall(SYS_setsockopt, fd, SOL_PACKET, PACKET_FANOUT, &fanout, sizeof fanout), 0);
  return fd;
}

TEST(PacketSockets, FragmentsPutTogetherByTheKernelAreTold) {
  for (const unsigned flags : {0U, unsigned{PACKET_FANOUT_FLAG_ROLLOVER}, unsigned{PACKET_FANOUT_FLAG_DEFRAG}}) {
    const int fd = socket_in_group(flags);
    if (fd < 0) GTEST_SKIP() << "a packet socket takes CAP_NET_RAW";
    EXPECT_EQ(PacketSockets::of(if_nametoindex("lo")).put_fragments_together(), flags == PACKET_FANOUT_FLAG_DEFRAG);
    close(fd);
  }
}

}  // namespace
}  // namespace strata
