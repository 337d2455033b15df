// ARP (RFC 826): answers who asks for an address of ours, and learns who answers us.
#pragma once

#include "dataplane/packet/ends.hpp"
#include "dataplane/packet/gate.hpp"
#include "dataplane/table/tables.hpp"

namespace strata {

using ArpInputEnds = EndsOf<Cause::arp_off, Cause::arp_malformed, Cause::arp_martian, Cause::arp_conflict,
                            Cause::arp_reply, Cause::arp_other>;

// Next hops of which something was heard in a burst: whoever waits for them can go on.
class Heard {
 public:
  void note(AdjId<V4> id) { ids_[size_++] = id.index(); }
  std::size_t size() const { return size_; }
  AdjId<V4> operator[](std::size_t i) const { return AdjId<V4>(ids_[i]); }

 private:
  std::array<std::uint32_t, kBurstSize> ids_;
  std::size_t size_ = 0;
};

void arp_input(Burst<stage::Arp>& in, Tables& tables, Neighbors& neighbors, std::uint64_t now_ns, Heard& heard,
               Burst<stage::Out>& out, ArpInputEnds ends);

}  // namespace strata
