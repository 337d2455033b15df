// Puts IPv4 packets together of their fragments (RFC 791 section 3.2), by DPDK's rte_ip_frag: bounded memory, a time
// limit, and nothing that overlaps.
#pragma once

#include <rte_ip_frag.h>

#include <cstdint>
#include <memory>
#include <string>
#include <tl/expected.hpp>

#include "dataplane/packet/maker.hpp"

namespace strata {

using ReassembleEnds = EndsOf<Cause::ip4_reassembled, Cause::ip4_reassembly_failed, Cause::ip4_reassembly_timeout>;

struct ReassemblySettings {
  bool enabled = true;
  std::uint32_t packets = 1024;  // at once
  std::uint64_t timeout_ns = 2'000'000'000;
};

class Reassembly {
 public:
  static tl::expected<std::unique_ptr<Reassembly>, std::string> create(const ReassemblySettings& settings,
                                                                       const Maker& maker);
  Reassembly(const Reassembly&) = delete;
  Reassembly& operator=(const Reassembly&) = delete;
  ~Reassembly();

  // The fragment is kept until its packet is whole; then the packet goes on, in the place of this fragment. Fragments
  // of one packet have come the same way: through one port, out of one SA or none. ECN: RFC 3168 section 5.3.
  Done add(Packet<stage::Fragment>&& fragment, const Row<stage::Fragment>& row, std::uint64_t now_ns,
           Burst<stage::Host>& host, Burst<stage::Local>& local, ReassembleEnds ends);

  // Gives up what waits for too long.
  void expire(std::uint64_t now_ns, ReassembleEnds ends);

  std::size_t held() const { return held_; }

 private:
  struct Free {
    void operator()(rte_ip_frag_tbl* table) const { rte_ip_frag_table_destroy(table); }
  };
  Reassembly(rte_ip_frag_tbl* table, const Maker& maker) : table_(table), maker_(maker) {}

  Done join(rte_mbuf* chain, const Row<stage::Fragment>& row, Burst<stage::Host>& host, Burst<stage::Local>& local,
            ReassembleEnds ends);
  void bury(ReassembleEnds ends, ReassembleEnds::cause_type cause);

  std::unique_ptr<rte_ip_frag_tbl, Free> table_;
  Maker maker_;
  std::size_t held_ = 0;
  std::uint64_t last_ns_ = 0;
  rte_ip_frag_death_row dead_{};
};

}  // namespace strata
