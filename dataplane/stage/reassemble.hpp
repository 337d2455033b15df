// Fragments for this host wait until their packet is whole (RFC 791 section 3.2): ESP takes no other (RFC 4303 section
// 3.4.1). So does what a tunnel brings for this host in fragments, which was none of the tunnel's own making.
#pragma once

#include "dataplane/packet/reassembly.hpp"

namespace strata {

inline void reassemble(Burst<stage::Fragment>& in, Reassembly& reassembly, std::uint64_t now_ns,
                       Burst<stage::Host>& host, Burst<stage::Local>& local, ReassembleEnds ends) {
  in.drain([&](Packet<stage::Fragment> packet, const Row<stage::Fragment>& row) -> Done {
    return reassembly.add(std::move(packet), row, now_ns, host, local, ends);
  });
}

}  // namespace strata
