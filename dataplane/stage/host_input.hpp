// IPv4 packets to an address of ours: ESP goes to its SA, fragments wait for the others, the rest is for the host.
#pragma once

#include "dataplane/ipsec/audit.hpp"
#include "dataplane/packet/ends.hpp"
#include "dataplane/packet/gate.hpp"
#include "dataplane/table/tables.hpp"

namespace strata {

using HostInputEnds =
    EndsOf<Cause::ip4_truncated, Cause::ip4_bad_version, Cause::ip4_bad_header_length, Cause::ip4_bad_length,
           Cause::ip4_bad_checksum, Cause::ip4_martian_source, Cause::ip4_fragment, Cause::udp_bad_length,
           Cause::esp_fragment, Cause::esp_truncated, Cause::esp_spi_zero, Cause::esp_no_sa, Cause::esp_encap_mismatch,
           Cause::esp_nat_keepalive>;

void host_input(Burst<stage::Host>& in, const Tables& tables, Audit& audit, Burst<stage::EspIn>& esp,
                Burst<stage::Fragment>& fragments, Burst<stage::Local>& local, HostInputEnds ends);

}  // namespace strata
