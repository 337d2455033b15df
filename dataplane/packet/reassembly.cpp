#include "dataplane/packet/reassembly.hpp"

#include <rte_errno.h>
#include <rte_ip.h>

#include <optional>

#include "dataplane/packet/parking.hpp"
#include "dataplane/wire/ipv4.hpp"

namespace strata {
namespace {

constexpr std::uint32_t kBucketEntries = 16;

// What the fragments of a chain say together.
struct Together {
  std::size_t count = 0;
  bool one_packet = true;
  bool broadcast = false;
  bool not_ect = false;
  bool ce = false;
};

// RFC 3168 section 5.3: CE of any of them is CE of the packet; CE of one and Not-ECT of another contradict each other.
bool contradicts(const Together& all) { return !all.one_packet || (all.ce && all.not_ect); }

bool of_one_packet(const Row<stage::Fragment>& a, const Row<stage::Fragment>& b) {
  return a.from.sa() == b.from.sa() && a.from.port() == b.from.port() && a.from.side() == b.from.side() &&
         a.protocol == b.protocol && a.whole == b.whole;
}

// RFC 791 section 3.2: the protocol is part of what tells packets apart, and for us the way it came is too: a
// stranger's fragment is to spoil no other. rte_ip_frag goes by addresses and ID alone, so the rest is folded into the
// address that is ours. Where two become the same by that, of_one_packet() finds it out.
rte_ipv4_hdr as_key(const rte_ipv4_hdr& header, const Row<stage::Fragment>& row) {
  const auto port = static_cast<std::uint32_t>(row.from.port().index());
  const auto side = static_cast<std::uint32_t>(row.from.side());
  const auto whole = static_cast<std::uint32_t>(Whole(row.whole));
  const std::uint32_t way = std::uint32_t{row.protocol} | port << 8 | side << 16 | whole << 24;
  rte_ipv4_hdr key = header;
  key.dst_addr ^= way * 0x9e3779b1U ^ row.from.sa().index() * 0x85ebca6bU;
  return key;
}

}  // namespace

tl::expected<std::unique_ptr<Reassembly>, std::string> Reassembly::create(const ReassemblySettings& settings,
                                                                          const Maker& maker) {
  const std::uint32_t buckets = std::max<std::uint32_t>(1, settings.packets / kBucketEntries);
  rte_ip_frag_tbl* table =
      rte_ip_frag_table_create(buckets, kBucketEntries, settings.packets, settings.timeout_ns, SOCKET_ID_ANY);
  if (table == nullptr) {
    return tl::unexpected("no memory to reassemble " + std::to_string(settings.packets) +
                          " packets at once: give EAL more, or set reassembly.packets lower");
  }
  return std::unique_ptr<Reassembly>(new Reassembly(table, maker));
}

Reassembly::~Reassembly() { rte_ip_frag_free_death_row(&dead_, 0); }

Done Reassembly::add(Packet<stage::Fragment>&& fragment, const Row<stage::Fragment>& row, std::uint64_t now_ns,
                     Burst<stage::Host>& host, Burst<stage::Local>& local, ReassembleEnds ends) {
  expire(now_ns, ends);
  rte_mbuf* buffer = Access::release(std::move(fragment));
  ParkingSlips::write(buffer, row);
  auto* header = rte_pktmbuf_mtod(buffer, rte_ipv4_hdr*);
  buffer->pkt_len = buffer->data_len;
  buffer->l2_len = 0;
  buffer->l3_len = rte_ipv4_hdr_len(header);
  ++held_;
  rte_ipv4_hdr key = as_key(*header, row);
  rte_mbuf* whole = rte_ipv4_frag_reassemble_packet(table_.get(), &dead_, buffer, now_ns, &key);
  bury(ends, Cause::ip4_reassembly_failed);
  if (whole == nullptr) return Access::done();
  return join(whole, row, host, local, ends);
}

Done Reassembly::join(rte_mbuf* chain, const Row<stage::Fragment>& row, Burst<stage::Host>& host,
                      Burst<stage::Local>& local, ReassembleEnds ends) {
  Together all;
  for (rte_mbuf* part = chain; part != nullptr; part = part->next) {
    const auto said = ParkingSlips::read<stage::Fragment>(part);
    ++all.count;
    all.one_packet = all.one_packet && said && of_one_packet(*said, row);
    all.broadcast = all.broadcast || (said && said->broadcast);
    all.not_ect = all.not_ect || (said && said->ecn == wire::Ecn::not_ect);
    all.ce = all.ce || (said && said->ecn == wire::Ecn::ce);
  }
  held_ -= all.count;
  rte_mbuf* flat = contradicts(all) ? nullptr : maker_.flatten(chain);
  if (flat == nullptr) {
    while (chain != nullptr) {
      rte_mbuf* next = chain->next;
      chain->next = nullptr;
      chain->nb_segs = 1;
      (void)ends.end(Access::adopt<stage::Fragment>(chain), Cause::ip4_reassembly_failed);
      chain = next;
    }
    return Access::done();
  }
  ends.note_joined(Cause::ip4_reassembled, all.count);
  Gate::forget(flat);
  auto* header = rte_pktmbuf_mtod(flat, std::uint8_t*);
  wire::store_be16(header + 10, 0);
  wire::store_be16(header + 10, wire::checksum({header, (header[0] & 0x0fU) * 4U}));
  if (all.ce) wire::ipv4_set_ecn(header, static_cast<std::uint8_t>(wire::Ecn::ce));
  if (row.whole == Whole::local)
    return local.push(Access::adopt<stage::Local>(flat),
                      Row<stage::Local>{.from = row.from, .broadcast = all.broadcast});
  return host.push(Access::adopt<stage::Host>(flat),
                   Row<stage::Host>{.from = row.from, .sum = wire::HeaderSum::unknown, .broadcast = all.broadcast});
}

void Reassembly::expire(std::uint64_t now_ns, ReassembleEnds ends) {
  if (held_ == 0 || now_ns == last_ns_) return;
  last_ns_ = now_ns;
  do {
    rte_ip_frag_table_del_expired_entries(table_.get(), &dead_, now_ns);
    if (dead_.cnt == 0) return;
    bury(ends, Cause::ip4_reassembly_timeout);
  } while (held_ != 0);
}

void Reassembly::bury(ReassembleEnds ends, ReassembleEnds::cause_type cause) {
  for (std::uint32_t i = 0; i < dead_.cnt; ++i) {
    rte_mbuf* buffer = dead_.row[i];
    // A packet that was put together and then found to be wrong comes as one chain.
    while (buffer != nullptr) {
      rte_mbuf* next = buffer->next;
      buffer->next = nullptr;
      buffer->nb_segs = 1;
      --held_;
      (void)ends.end(Access::adopt<stage::Fragment>(buffer), cause);
      buffer = next;
    }
  }
  dead_.cnt = 0;
}

}  // namespace strata
