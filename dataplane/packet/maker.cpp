#include "dataplane/packet/maker.hpp"

#include <rte_ip_frag.h>

#include "dataplane/wire/checksum.hpp"
#include "dataplane/wire/ipv4.hpp"

namespace strata {
namespace {

constexpr std::size_t kLongestIpv4 = 65535;

}  // namespace

rte_mbuf* Maker::allocate() const { return rte_pktmbuf_alloc(pool_->pool_.get()); }

bool Maker::frame(std::span<const std::uint8_t> bytes, PortId port, Burst<stage::Out>& out, Ends& ends) const {
  rte_mbuf* buffer = allocate();
  if (buffer == nullptr) return false;
  Gate::forget(buffer);
  char* data = rte_pktmbuf_append(buffer, static_cast<std::uint16_t>(bytes.size()));
  assert(data != nullptr);
  std::memcpy(data, bytes.data(), bytes.size());
  ends.note_generated();
  (void)out.push(Access::adopt<stage::Out>(buffer), Row<stage::Out>{.place = Arrival{}, .port = port});
  return true;
}

Done Maker::fragment(Packet<stage::Oversize>&& packet, const Row<stage::Oversize>& row, Burst<stage::Oversize>& pieces,
                     FragmentEnds ends) const {
  const wire::Bytes whole = std::as_const(packet).bytes();
  const std::size_t header = (whole[0] & 0x0fU) * 4U;
  const std::size_t step = (row.mtu - header) & ~std::size_t{7};
  // RFC 791 section 3.1: an offset has 13 bits. What lies behind them belongs to no packet; of its fragments the later
  // ones would begin at 0 again.
  const std::size_t end = (wire::load_be16(&whole[6]) & 0x1fffU) * 8U + whole.size() - header;
  if (end > kLongestIpv4 || (whole.size() - header + step - 1) / step > kBurstSize)
    return ends.end(std::move(packet), Cause::ip4_too_many_fragments);
  rte_mbuf* made[kBurstSize];
  rte_mbuf* buffer = Access::release(std::move(packet));
  buffer->pkt_len = buffer->data_len;
  const int n = rte_ipv4_fragment_copy_nonseg_packet(buffer, made, static_cast<std::uint16_t>(kBurstSize), row.mtu,
                                                     pool_->pool_.get());
  if (n <= 0) return ends.end(Access::adopt<stage::Oversize>(buffer), Cause::tx_no_buffer);
  for (int i = 0; i < n; ++i) {
    Gate::forget(made[i]);
    auto* ip = rte_pktmbuf_mtod(made[i], std::uint8_t*);
    wire::store_be16(ip + 10, 0);
    wire::store_be16(ip + 10, wire::checksum({ip, (ip[0] & 0x0fU) * 4U}));
    ends.note_generated();
    (void)pieces.push(Access::adopt<stage::Oversize>(made[i]), row);
  }
  return ends.end(Access::adopt<stage::Oversize>(buffer), Cause::ip4_fragmented);
}

rte_mbuf* Maker::flatten(rte_mbuf* chain) const {
  if (chain->pkt_len > pool_->room()) return nullptr;
  rte_mbuf* buffer = allocate();
  if (buffer == nullptr) return nullptr;
  char* to = rte_pktmbuf_append(buffer, static_cast<std::uint16_t>(chain->pkt_len));
  for (const rte_mbuf* part = chain; part != nullptr; part = part->next) {
    std::memcpy(to, rte_pktmbuf_mtod(part, const char*), part->data_len);
    to += part->data_len;
  }
  rte_pktmbuf_free(chain);
  return buffer;
}

}  // namespace strata
