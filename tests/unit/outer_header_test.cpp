// The headers before ESP, judged by a writer that puts octet after octet as RFC 791, RFC 768 and RFC 4303 draw them.
#include "dataplane/ipsec/outer_header.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace strata {
namespace {

using Octets = std::vector<std::uint8_t>;

void put16(Octets& to, std::uint32_t value) {
  to.push_back(static_cast<std::uint8_t>(value >> 8));
  to.push_back(static_cast<std::uint8_t>(value));
}
void put32(Octets& to, std::uint32_t value) {
  put16(to, value >> 16);
  put16(to, value & 0xffff);
}

Octets drawn(const TunnelHeader& tunnel, std::uint32_t spi, const OuterHeader::Own& own) {
  const bool udp = tunnel.udp_destination != 0;
  Octets header{0x45, own.tos};
  put16(header, own.total);
  put16(header, own.id);
  put16(header, own.dont_fragment ? 0x4000 : 0);
  header.push_back(tunnel.ttl);
  header.push_back(udp ? 17 : 50);
  put16(header, 0);
  put32(header, tunnel.source.value);
  put32(header, tunnel.destination.value);
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < 20; i += 2) sum += header[i] << 8 | header[i + 1];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  header[10] = static_cast<std::uint8_t>(~sum >> 8);
  header[11] = static_cast<std::uint8_t>(~sum);
  if (udp) {
    put16(header, tunnel.udp_source);
    put16(header, tunnel.udp_destination);
    put16(header, own.total - 20U);
    put16(header, 0);
  }
  put32(header, spi);
  return header;
}

void expect_drawn(const OuterHeader& outer, const TunnelHeader& tunnel, std::uint32_t spi) {
  using Sixteen = std::uint16_t;
  for (const unsigned tos : {0x00, 0x01, 0xb8, 0xff})
    for (const Sixteen id : {Sixteen{0}, Sixteen{1}, Sixteen{0xffff}})
      for (const Sixteen total : {Sixteen{48}, Sixteen{1500}, Sixteen{0xffff}})
        for (const bool dont_fragment : {false, true}) {
          const OuterHeader::Own own{
              .tos = static_cast<std::uint8_t>(tos), .dont_fragment = dont_fragment, .id = id, .total = total};
          const Octets wanted = drawn(tunnel, spi, own);
          Octets found(48, 0xa5);
          outer.write(found.data(), own);
          ASSERT_EQ(outer.length(), wanted.size());
          EXPECT_EQ(Octets(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(wanted.size())), wanted)
              << "TOS " << tos << ", ID " << id << ", " << total << " octets, DF " << dont_fragment;
          EXPECT_EQ(Octets(found.begin() + static_cast<std::ptrdiff_t>(wanted.size()), found.end()),
                    Octets(found.size() - wanted.size(), 0xa5));
        }
}

std::vector<TunnelHeader> tunnels() {
  std::vector<TunnelHeader> all;
  for (const auto& [source, destination] :
       {std::pair(0xc0000201U, 0xc0000202U), std::pair(0xffffffffU, 0xffffffffU), std::pair(0x00000000U, 0x00000001U)})
    for (const auto& [from, to] : {std::pair(0, 0), std::pair(4500, 4500), std::pair(0xffff, 1)})
      for (const int ttl : {1, 64, 255})
        all.push_back({.source = {source},
                       .destination = {destination},
                       .udp_source = static_cast<std::uint16_t>(from),
                       .udp_destination = static_cast<std::uint16_t>(to),
                       .ttl = static_cast<std::uint8_t>(ttl)});
  return all;
}

TEST(OuterHeader, IsTheOneThatIsDrawn) {
  for (const TunnelHeader& tunnel : tunnels())
    for (const std::uint32_t spi : {0x100U, 0xfffffffeU}) expect_drawn(OuterHeader(tunnel, spi), tunnel, spi);
}

TEST(OuterHeader, IsSoAfterAChange) {
  for (TunnelHeader tunnel : tunnels()) {
    OuterHeader outer(tunnel, 0x2001);
    tunnel.ttl = static_cast<std::uint8_t>(tunnel.ttl ^ 0x55);
    outer.change(tunnel.ttl, 46, DfMode::copy);
    expect_drawn(outer, tunnel, 0x2001);
    EXPECT_EQ(outer.tunnel().dscp, 46);
    EXPECT_EQ(outer.tunnel().df, DfMode::copy);
    EXPECT_EQ(outer.spi(), 0x2001U);
  }
}

}  // namespace
}  // namespace strata
