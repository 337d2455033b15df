#include "tests/fuzz/arrivals.hpp"

#include <algorithm>
#include <map>

#include "tests/fuzz/cipher.hpp"
#include "tests/fuzz/octets.hpp"

namespace strata::fuzz {
namespace {

constexpr std::size_t kLongestFrame = 3900;
constexpr std::size_t kMostInTurn = 64;

std::vector<const config::SecurityAssociation*> inbound(const config::Config& config) {
  std::vector<const config::SecurityAssociation*> found;
  for (const config::SecurityAssociation& sa : config.security_associations)
    if (sa.direction == config::Direction::in) found.push_back(&sa);
  return found;
}

Octets with_trailer(Octets text) {
  const std::size_t padding = (4 - (text.size() + 2) % 4) % 4;
  for (std::size_t i = 1; i <= padding; ++i) text.push_back(static_cast<std::uint8_t>(i));
  text.push_back(static_cast<std::uint8_t>(padding));
  text.push_back(41);
  return text;
}

class Peers {
 public:
  // allowed: one of the configuration's ports at least.
  Peers(const config::Config& config, std::uint32_t allowed)
      : config_(config), inbound_(inbound(config)), allowed_(allowed) {}

  void take(const Step& step) {
    if (step.kind == Kind::sealed) return take_sealed(step);
    std::size_t port = step.place % config_.ports.size();
    while ((allowed_ >> port & 1) == 0) port = (port + 1) % config_.ports.size();
    Octets frame = step.octets;
    frame.resize(std::min(frame.size(), kLongestFrame));
    made_.known.push_back({config_.ports[port].side, config_.ports[port].host, frame});
    add(step, port, frame);
  }
  Arrivals done() { return std::move(made_); }

 private:
  void take_sealed(const Step& step) {
    if (step.octets.size() < 3) return;
    const config::SecurityAssociation& sa = *inbound_[step.place % inbound_.size()];
    const std::uint8_t how = step.octets[1];
    Octets text(step.octets.begin() + 3, step.octets.end());
    text.resize(std::min(text.size(), kLongestFrame - 100));
    if ((how & kTrailer) != 0) text = with_trailer(std::move(text));
    std::uint64_t& last = last_[sa.spi];
    if ((how & kFarAhead) != 0) last += (std::uint64_t{1} << 32) - 8;
    const std::uint64_t sequence = ++last + static_cast<std::uint64_t>(static_cast<std::int8_t>(step.octets[0]));
    Octets esp = seal(sa.algorithm, sa.key.bytes(), {sa.spi, sequence, sa.esn}, text);
    if ((how & kWrongIcv) != 0) esp.back() ^= 1;
    made_.known.push_back({config::Side::protected_side, false, text});
    add(step, 0, around(sa, step.octets[2], (how & kOtherWay) != 0, esp));
  }

  // From Ethernet to ESP, as the peer sends it to the first port.
  Octets around(const config::SecurityAssociation& sa, std::uint8_t tos, bool other_way, const Octets& esp) const {
    const bool in_udp = sa.udp_encap.has_value() != other_way;
    Octets frame = test::join(Octets(config_.ports[0].mac->octets.begin(), config_.ports[0].mac->octets.end()),
                              test::from_hex("020000000201 0800 4500 0000 0000 4000 40"));
    frame[15] = tos;
    frame.push_back(in_udp ? 17 : 50);
    frame.resize(frame.size() + 2);
    put(frame, sa.source.value, 4);
    put(frame, sa.destination.value, 4);
    if (in_udp) {
      put(frame, sa.udp_encap.value_or(config::UdpEncap{}).source_port, 2);
      put(frame, sa.udp_encap.value_or(config::UdpEncap{}).destination_port, 2);
      put(frame, 8 + esp.size(), 2);
      put(frame, 0, 2);
    }
    frame.insert(frame.end(), esp.begin(), esp.end());
    set16(frame, 16, frame.size() - 14);
    set_header_sum(frame, 14);
    return frame;
  }

  void add(const Step& step, std::size_t port, const Octets& frame) {
    const bool scarce = (step.manner & kScarce) != 0;
    std::vector<Octets> parts = cut(step, frame);
    const config::Port& of = config_.ports[port];
    for (const Octets& part : parts) made_.known.push_back({of.side, of.host, part});
    const bool joins = (step.manner & kTogether) != 0 && !made_.turns.empty() && made_.turns.back().port == port &&
                       made_.turns.back().frames.size() + parts.size() <= kMostInTurn;
    if (!joins) made_.turns.push_back({port, kPauses[step.pause], scarce, {}});
    for (Octets& part : parts) {
      if (made_.turns.back().frames.size() == kMostInTurn) made_.turns.push_back({port, 0, scarce, {}});
      const bool chained = (step.manner & kChained) != 0 && part.size() >= 2;
      made_.turns.back().frames.push_back({std::move(part), chained});
    }
  }

  static std::vector<Octets> cut(const Step& step, const Octets& frame);

  const config::Config& config_;
  std::vector<const config::SecurityAssociation*> inbound_;
  std::uint32_t allowed_;
  std::map<std::uint32_t, std::uint64_t> last_;  // sequence number, by SPI
  Arrivals made_;
};

// RFC 791 section 3.2, and what goes wrong with it.
std::vector<Octets> Peers::cut(const Step& step, const Octets& frame) {
  const std::size_t front = 34;  // Ethernet and an IPv4 header without options: others come whole
  const std::size_t each = std::size_t{step.cut} * 8;
  if (each == 0 || frame.size() <= front + each || be16(frame, 12) != 0x0800 || frame[14] != 0x45) return {frame};
  std::vector<Octets> parts;
  for (std::size_t at = front; at < frame.size() && parts.size() < kMostInTurn; at += each) {
    const std::size_t back = (step.manner & kOverlapping) != 0 && at > front ? 8 : 0;
    const std::size_t end = std::min(at + each, frame.size());
    Octets part(frame.begin(), frame.begin() + front);
    part.insert(part.end(), frame.begin() + static_cast<std::ptrdiff_t>(at - back),
                frame.begin() + static_cast<std::ptrdiff_t>(end));
    set16(part, 16, part.size() - 14);
    set16(part, 20, (at - back - front) / 8 | (end < frame.size() ? 0x2000 : 0));
    set_header_sum(part, 14);
    parts.push_back(std::move(part));
  }
  if ((step.manner & kIncomplete) != 0) parts.pop_back();
  if ((step.manner & kDoubled) != 0) parts.push_back(parts.front());
  if ((step.manner & kReversed) != 0) std::ranges::reverse(parts);
  return parts;
}

}  // namespace

Arrivals arrivals_of(const Script& script, const config::Config& config, std::uint32_t allowed_ports) {
  Peers peers(config, allowed_ports);
  for (const Step& step : script.steps) peers.take(step);
  return peers.done();
}

}  // namespace strata::fuzz
