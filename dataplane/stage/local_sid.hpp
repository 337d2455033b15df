// IPv6 packets, opened or in clear, that come to a local SID (RFC 8754 section 4.3, RFC 8986 section 4).
#pragma once

#include "dataplane/ipsec/audit.hpp"
#include "dataplane/neighbor/path_mtu.hpp"
#include "dataplane/packet/ends.hpp"
#include "dataplane/packet/gate.hpp"
#include "dataplane/packet/straight.hpp"
#include "dataplane/table/tables.hpp"
#include "dataplane/wire/ipv6.hpp"

namespace strata {

using LocalSidEnds =
    EndsOf<Cause::esp_inner_truncated, Cause::esp_ce_not_ect, Cause::sr6_truncated, Cause::sr6_bad_version,
           Cause::sr6_martian_source, Cause::sr6_no_sid, Cause::policy_selector_mismatch, Cause::policy_unprotected,
           Cause::icmp_path_mtu, Cause::punt_icmp6, Cause::punt_local>;

// What a packet meets that comes to no SID, or that its SA is not for.
struct LocalSidRest {
  Tables& tables;  // an SA remembers there what was found of its last packet
  PathMtus& paths;
  Audit& audit;
  std::uint64_t now_ns;
  LocalSidEnds ends;

  [[gnu::noinline]] Done no_sid(Packet<stage::Ip6> packet, Row<stage::Ip6> row, wire::Ipv6View ip) const;
  [[gnu::noinline]] Done mismatch(Packet<stage::Ip6> packet, Row<stage::Ip6> row, wire::Ipv6View ip,
                                  const InboundSa& sa) const;
  bool learns(Row<stage::Ip6> row, wire::Ipv6View ip, wire::Bytes message) const;
  static bool has_protocol(const InboundSa& sa, wire::Bytes packet);
  static LocalSidEnds::cause_type cause_of(wire::Ipv6Fault fault, bool opened);
};

template <LeadsTo<stage::Sr6> ToEndDx4>
struct LocalSidStep : LocalSidRest {
  using stage_type = stage::Ip6;

  ToEndDx4& end_dx4;

  LocalSidStep(const LocalSidRest& rest, ToEndDx4& to) : LocalSidRest(rest), end_dx4(to) {}

  Done input(Packet<stage::Ip6> packet, const Row<stage::Ip6>& row) const {
    const bool opened = !row.from.sa().is_none();
    InboundSa* const sa = opened ? &tables.sas[row.from.sa().index()] : nullptr;
    const auto [ip, fault] = wire::Ipv6View::check(std::as_const(packet).bytes());
    if (fault != wire::Ipv6Fault::none) [[unlikely]]
      return ends.end(std::move(packet), cause_of(fault, opened));
    const std::size_t total = ip.total_length();
    const LetIn* let_in = opened ? sa->last_sid.recall(ip.source_bytes(), tables.number) : nullptr;
    SidId id = let_in ? let_in->sid() : SidId::none();
    if (!let_in) {
      // RFC 4301 section 5.2 step 4: what came out of an SA must be what the SA is for.
      if (opened && !matches(*sa, ip, std::as_const(packet).bytes())) [[unlikely]]
        return mismatch(std::move(packet), row, ip, *sa);
      if (is_martian(ip.source_bytes())) [[unlikely]]
        return ends.end(std::move(packet), Cause::sr6_martian_source);
      id = tables.sids.find(ip.destination_bytes());
      if (id.is_none()) [[unlikely]]
        return no_sid(std::move(packet), row, ip);
      if (!opened && !tables.sids[id].takes_clear) [[unlikely]]
        return ends.end(std::move(packet), Cause::policy_unprotected);
      if (opened) note(*sa, ip, id);
    }
    auto ecn = static_cast<wire::Ecn>(ip.ecn());
    if (row.carried != ecn) [[unlikely]] {
      const wire::EcnDecap decap = wire::ecn_decapsulate(row.carried, ecn);
      if (decap.drop) return ends.end(std::move(packet), Cause::esp_ce_not_ect);
      audit.note_ecn(decap);
      ecn = decap.result;
    }
    switch (tables.sids[id].behavior) {
      case SidBehavior::end_dx4: return Gate::at_sid(std::move(packet), row, total, id, ecn, end_dx4);
    }
    __builtin_unreachable();
  }

 private:
  // Where an SA is for one protocol each packet has to show its own.
  void note(InboundSa& sa, const wire::Ipv6View& ip, SidId sid) const {
    if (sa.protocol != kAnyProtocol) return;
    switch (tables.sids[sid].behavior) {
      case SidBehavior::end_dx4: sa.last_sid.note(ip.source_bytes(), tables.number, sid, tables.sids[sid].adj);
    }
  }

  // Multicast, unspecified, loopback: no packet comes from there (RFC 4291 sections 2.5.2, 2.5.3 and 2.7).
  static bool is_martian(const std::uint8_t* source) {
    return source[0] == 0xff || (wire::load_be64(source) == 0 && wire::load_be64(source + 8) <= 1);
  }

  static bool matches(const InboundSa& sa, const wire::Ipv6View& ip, wire::Bytes packet) {
    if (!sa.selectors.match(ip.source_bytes(), ip.destination_bytes())) return false;
    if (sa.protocol == kAnyProtocol) [[likely]]
      return true;
    return has_protocol(sa, packet.first(ip.total_length()));
  }
};

void local_sid(Burst<stage::Ip6>& in, Tables& tables, PathMtus& paths, Audit& audit, std::uint64_t now_ns,
               Burst<stage::Sr6>& end_dx4, LocalSidEnds ends);

}  // namespace strata
