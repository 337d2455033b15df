#include "tests/fuzz/mutate.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <random>

#include "tests/fuzz/arrivals.hpp"
#include "tests/fuzz/layers.hpp"
#include "tests/fuzz/octets.hpp"

// libFuzzer's own.
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace strata::fuzz {
namespace {

constexpr std::size_t kSealingFront = 3;  // arrivals.hpp
constexpr std::size_t kLongestStep = 3000;

// Values that mean something to gateway.yaml.
constexpr std::array<std::uint32_t, 26> kAddresses4{
    0xc0000201, 0xc00002fe, 0xc0000202, 0xc0000203, 0xc0000263, 0xc00002ff, 0xcb007103, 0xcb007104, 0xc6336405,
    0x0a010001, 0x0a010002, 0x0a010009, 0x0a01004d, 0x0a0100ff, 0x0a030001, 0x0a030002, 0x0a030007, 0x0a020005,
    0x0a040005, 0x0a050005, 0x0a060005, 0x0a070005, 0x0a080005, 0x0a090005, 0xffffffff, 0xe0000001};
constexpr std::array<const char*, 14> kAddresses6{
    "fc000001000000000000000000000001", "fc0000010000000000000000000000d4", "fc000001000000640000000000000007",
    "fc0000010000000000000000000000d5", "fc0000010000000000000000000000d6", "fc0000010000000000000000000000c1",
    "fc0000020000000000000000000000b1", "fc0000030000000000000000000000c1", "fc0000040000000000000000000000d1",
    "fc0000050000000000000000000000e1", "00000000000000000000000000000000", "00000000000000000000000000000001",
    "ff020000000000000000000000000001", "fc0000020000000000000000000000d4"};
constexpr std::array<std::uint64_t, 7> kMacs{0x020000000101, 0x020000000102, 0x020000000103, 0x020000000301,
                                             0x0200000002fe, 0xffffffffffff, 0x020000000202};
constexpr std::array<std::uint8_t, 12> kProtocols{0, 1, 4, 6, 17, 41, 43, 44, 50, 58, 59, 60};
constexpr std::array<std::uint16_t, 5> kEtherTypes{0x0800, 0x0806, 0x86dd, 0x8100, 0x88a8};
constexpr std::array<std::uint16_t, 5> kPorts{4500, 4501, 500, 53, 179};
constexpr std::array<std::uint32_t, 9> kSpis{0x1001, 0x1002, 0x1003, 0x1004, 0x2001, 0x2002, 0x2003, 0, 0xffffffff};
constexpr std::array<std::uint16_t, 8> kFragments{0, 0x2000, 0x4000, 0x2001, 0x0001, 0x8000, 0x1fff, 0x003f};
constexpr std::array<std::uint16_t, 9> kLengths{0, 8, 20, 68, 576, 1280, 1300, 1500, 0xffff};

class Mutator {
 public:
  explicit Mutator(unsigned seed) : random_(seed) {}

  void change(Script& script);

 private:
  std::size_t pick(std::size_t below) { return below == 0 ? 0 : random_() % below; }
  bool one_in(std::size_t n) { return pick(n) == 0; }
  template <class List>
  auto one_of(const List& list) {
    return list[pick(std::size(list))];
  }

  void change_steps(Script& script);
  void change_step(Step& step);
  void change_how(Step& step);
  void change_packet(Octets& packet, Layer first);
  void change_field(Octets& packet, Layer first);
  std::uint64_t value_for(const Field& field, std::uint64_t was);
  void put_in_header(Octets& packet, Layer first);
  Octets extension(std::uint8_t next, std::uint8_t& protocol);
  void take_out_header(Octets& packet, Layer first);
  void change_size(Octets& packet);
  void change_blindly(Octets& packet);

  std::minstd_rand random_;
};

void Mutator::change(Script& script) {
  if (one_in(16)) script.gateway = static_cast<std::uint8_t>(random_());
  if (script.steps.empty()) script.steps.emplace_back();
  if (one_in(6)) return change_steps(script);
  change_step(script.steps[pick(script.steps.size())]);
}

void Mutator::change_steps(Script& script) {
  const auto at = script.steps.begin() + static_cast<std::ptrdiff_t>(pick(script.steps.size()));
  switch (pick(4)) {
    case 0:
      if (script.steps.size() > 1) script.steps.erase(at);
      break;
    case 1: std::iter_swap(at, script.steps.begin() + static_cast<std::ptrdiff_t>(pick(script.steps.size()))); break;
    default:
      if (script.steps.size() < kMostSteps) {
        Step same = *at;
        change_step(same);
        script.steps.insert(at + 1, std::move(same));
      }
  }
}

void Mutator::change_step(Step& step) {
  if (one_in(6)) return change_how(step);
  if (step.kind == Kind::frame) return change_packet(step.octets, Layer::ethernet);
  if (step.octets.size() < kSealingFront) step.octets.resize(kSealingFront);
  if (one_in(8)) {
    constexpr std::array<std::uint8_t, 6> kNumbers{0, 0, 0xff, 1, 0x40, 0x80};
    step.octets[0] = one_of(kNumbers);
    step.octets[1] = static_cast<std::uint8_t>(one_in(4) ? random_() % 16 : kTrailer);
    step.octets[2] = static_cast<std::uint8_t>(random_());
    return;
  }
  Octets text(step.octets.begin() + kSealingFront, step.octets.end());
  change_packet(text, Layer::ip6);
  step.octets.resize(kSealingFront);
  step.octets.insert(step.octets.end(), text.begin(), text.end());
}

void Mutator::change_how(Step& step) {
  switch (pick(5)) {
    case 0: step.place = static_cast<std::uint8_t>(pick(4)); break;
    case 1: step.pause = static_cast<std::uint8_t>(one_in(2) ? 0 : pick(std::size(kPauses))); break;
    case 2: step.cut = static_cast<std::uint8_t>(one_in(2) ? 0 : pick(128)); break;
    default: step.manner = static_cast<std::uint8_t>(step.manner ^ 1U << pick(7));
  }
}

// Three times of four what was changed is made right again around it.
void Mutator::change_packet(Octets& packet, Layer first) {
  for (std::size_t i = pick(3) + 1; i > 0; --i) {
    switch (pick(8)) {
      case 0: put_in_header(packet, first); break;
      case 1: take_out_header(packet, first); break;
      case 2: change_size(packet); break;
      case 3: change_blindly(packet); break;
      default: change_field(packet, first);
    }
  }
  if (packet.size() > kLongestStep) packet.resize(kLongestStep);
  if (!one_in(4)) repair(packet, first);
}

std::uint64_t Mutator::value_for(const Field& field, std::uint64_t was) {
  switch (field.kind) {
    case FieldKind::any: return random_();
    case FieldKind::length: return one_in(2) ? one_of(kLengths) : was + pick(17) - 8;
    case FieldKind::protocol: return one_of(kProtocols);
    case FieldKind::ether_type: return one_of(kEtherTypes);
    case FieldKind::mac: return one_of(kMacs);
    case FieldKind::address4: return one_of(kAddresses4);
    case FieldKind::port: return one_of(kPorts);
    case FieldKind::spi: return one_of(kSpis);
    case FieldKind::sequence: return one_in(2) ? was + pick(5) : random_();
    case FieldKind::fragment: return one_of(kFragments);
    case FieldKind::small: return one_in(4) ? random_() : pick(14);
    case FieldKind::address6: break;
  }
  return 0;
}

void Mutator::change_field(Octets& packet, Layer first) {
  const std::vector<Field> fields = fields_of(packet, first);
  if (fields.empty()) return change_blindly(packet);
  const Field& field = fields[pick(fields.size())];
  Octets value;
  if (field.kind == FieldKind::address6)
    value = test::from_hex(one_of(kAddresses6));
  else if (one_in(8))
    put(value, random_(), field.size);
  else
    put(value, value_for(field, read(packet, field.at, field.size)), field.size);
  std::ranges::copy(value, packet.begin() + static_cast<std::ptrdiff_t>(field.at));
}

// An extension header that names `next`, and the protocol number that it has.
Octets Mutator::extension(std::uint8_t next, std::uint8_t& protocol) {
  constexpr std::array<std::uint8_t, 5> kHeaders{43, 43, 60, 0, 44};
  protocol = one_of(kHeaders);
  Octets header{next, 0};
  if (protocol != 43) {
    header.resize(8);
    if (protocol != 44) header[3] = 4;  // PadN
    return header;
  }
  const std::size_t segments = pick(4);
  header[1] = static_cast<std::uint8_t>(2 * segments);
  put(header, 4, 1);
  put(header, pick(segments + 1), 1);
  put(header, segments == 0 ? 0 : segments - 1, 1);
  put(header, 0, 3);
  for (std::size_t i = 0; i < segments; ++i) {
    const Octets segment = test::from_hex(one_of(kAddresses6));
    header.insert(header.end(), segment.begin(), segment.end());
  }
  if (one_in(3)) {  // a TLV of 8 octets
    header[1] = static_cast<std::uint8_t>(header[1] + 1);
    put(header, 0x0406, 2);
    put(header, 0, 6);
  }
  return header;
}

void Mutator::put_in_header(Octets& packet, Layer first) {
  const std::vector<Gap> gaps = gaps_of(packet, first);
  if (gaps.empty()) return;
  const Gap gap = gaps[pick(gaps.size())];
  std::uint8_t protocol = 0;
  const Octets header = extension(packet[gap.named_at], protocol);
  packet[gap.named_at] = protocol;
  packet.insert(packet.begin() + static_cast<std::ptrdiff_t>(gap.at), header.begin(), header.end());
}

void Mutator::take_out_header(Octets& packet, Layer first) {
  const std::vector<Gap> gaps = gaps_of(packet, first);
  if (gaps.size() < 2) return;
  const std::size_t i = pick(gaps.size() - 1);
  const Gap out = gaps[i + 1];
  packet[gaps[i].named_at] = packet[out.named_at];
  packet.erase(packet.begin() + static_cast<std::ptrdiff_t>(gaps[i].at),
               packet.begin() + static_cast<std::ptrdiff_t>(out.at));
}

void Mutator::change_size(Octets& packet) {
  constexpr std::array<std::size_t, 6> kSizes{1, 8, 60, 600, 1400, 2000};
  const std::size_t by = pick(one_of(kSizes)) + 1;
  if (one_in(2)) {
    packet.resize(packet.size() - std::min(by, packet.size()));
  } else {
    for (std::size_t i = 0; i < by; ++i) packet.push_back(static_cast<std::uint8_t>(i));
  }
}

void Mutator::change_blindly(Octets& packet) {
  const std::size_t size = packet.size();
  packet.resize(size + 64);
  packet.resize(LLVMFuzzerMutate(packet.data(), size, packet.size()));
}

std::size_t written(const Script& script, std::span<std::uint8_t> out) {
  const Octets input = input_of(script);
  const std::size_t size = std::min(input.size(), out.size());
  std::copy_n(input.begin(), size, out.begin());
  return size;
}

}  // namespace

std::size_t mutate(std::span<std::uint8_t> input, std::size_t size, unsigned seed) {
  if (seed % 16 == 0) return LLVMFuzzerMutate(input.data(), size, input.size());
  Script script = script_of(input.first(size));
  Mutator(seed).change(script);
  return written(script, input);
}

std::size_t cross(Bytes one, Bytes other, std::span<std::uint8_t> out, unsigned seed) {
  std::minstd_rand random(seed);
  Script mixed = script_of(one);
  const Script more = script_of(other);
  for (const Step& step : more.steps) {
    if (mixed.steps.size() == kMostSteps || random() % 2 == 0) continue;
    mixed.steps.insert(mixed.steps.begin() + static_cast<std::ptrdiff_t>(random() % (mixed.steps.size() + 1)), step);
  }
  return written(mixed, out);
}

}  // namespace strata::fuzz
