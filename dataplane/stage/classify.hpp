// Takes the Ethernet header off and tells what is inside: the first look at a frame.
#pragma once

#include "dataplane/packet/ends.hpp"
#include "dataplane/packet/gate.hpp"
#include "dataplane/table/tables.hpp"

namespace strata {

using ClassifyEnds =
    EndsOf<Cause::eth_truncated, Cause::eth_vlan_depth, Cause::eth_other_host, Cause::eth_unknown_type,
           Cause::ip4_truncated, Cause::ip4_bad_version, Cause::ip4_bad_header_length, Cause::ip4_bad_length,
           Cause::ip4_bad_checksum, Cause::ip4_broadcast, Cause::ip4_link_broadcast, Cause::local_foreign_source>;

void classify(Burst<stage::Frame>& in, const Tables& tables, Burst<stage::Arp>& arp, Burst<stage::Host>& host,
              Burst<stage::Ip4>& ip4, Burst<stage::Ip6>& ip6, ClassifyEnds ends);

// The same for frames of the host port: what this machine's own kernel sends, from addresses of ours alone.
void classify_host(Burst<stage::Frame>& in, const Tables& tables, Burst<stage::Arp>& arp, Burst<stage::Made>& made,
                   ClassifyEnds ends);

}  // namespace strata
