#include "replay/difference.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "replay/capture.hpp"
#include "replay/hex_dump.hpp"

namespace strata::replay {
namespace {

using Octets = std::span<const std::uint8_t>;

constexpr std::size_t kColumns = 100;
constexpr std::size_t kLookAhead = 64;  // packets searched to tell a missing packet from an altered one

bool equal(Octets a, Octets b) { return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin()); }

std::string shorten(std::string text, std::size_t width) {
  if (text.size() > width) text.replace(width - 3, text.npos, "...");
  return text;
}

std::string pad(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

std::string line(std::string_view head, const std::string& text) {
  return std::string(head) + shorten(text, kColumns - head.size()) + "\n";
}

std::string octet_count(std::size_t count) { return std::to_string(count) + (count == 1 ? " octet" : " octets"); }

Octets cut(Octets frame, std::size_t offset, std::size_t length) {
  offset = std::min(offset, frame.size());
  return frame.subspan(offset, std::min(length, frame.size() - offset));
}

// A header's field: what it means and its octets. Long ones (payloads, options) are told by where they begin to differ;
// the dump below shows them.
std::string field_difference(const Field& expected, const Field& got, Octets expected_frame, Octets got_frame) {
  constexpr std::size_t kLong = 16;
  constexpr std::size_t kNameWidth = 16;
  const Octets a = cut(expected_frame, expected.offset, expected.length);
  const Octets b = cut(got_frame, got.offset, got.length);
  const std::string name = pad(expected.name, kNameWidth);
  if (std::max(a.size(), b.size()) > kLong) {
    const auto first = static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
    return line("  ", name + " " + octet_count(a.size()) + " expected, " + octet_count(b.size()) +
                          " got; the first that differs is at octet " + std::to_string(expected.offset + first));
  }
  const auto half = [](const Field& field, Octets octets) {
    const std::string hex = octets.empty() ? "" : " [" + hex_of(octets) + "]";
    return shorten(field.value, 70) + hex;
  };
  std::string at = "octet " + std::to_string(expected.offset);
  if (got.offset != expected.offset) at += " (got: " + std::to_string(got.offset) + ")";
  return line("  ", name + " expected " + half(expected, a) + ", " + at) +
         line("  ", pad("", kNameWidth) + "      got " + half(got, b));
}

bool same_field(const Field& a, const Field& b, Octets a_frame, Octets b_frame) {
  return a.value == b.value && equal(cut(a_frame, a.offset, a.length), cut(b_frame, b.offset, b.length));
}

std::string layer_difference(const Layer& expected, const Layer& got, Octets expected_frame, Octets got_frame) {
  std::string text;
  for (const Field& field : expected.fields) {
    const Field* other = find_field(got, field.name);
    if (other == nullptr) {
      text += line("  ", field.name + " is missing: expected " + field.value);
    } else if (!same_field(field, *other, expected_frame, got_frame)) {
      text += field_difference(field, *other, expected_frame, got_frame);
    }
  }
  for (const Field& field : got.fields)
    if (find_field(expected, field.name) == nullptr)
      text += line("  ", field.name + " is not expected: got " + field.value);
  return text.empty() ? text : expected.name + "\n" + text;
}

std::string layer_words(const Layer* layer) {
  if (layer == nullptr) return "nothing";
  return layer->name + ", " + octet_count(layer->length) + (layer->gist.empty() ? "" : ": " + layer->gist);
}

// Layers are compared as long as they are of the same kind; what stands behind is told by its name alone.
std::string layers_difference(Octets expected, Octets got, const DissectOptions& options) {
  const auto a = dissect(expected, options);
  const auto b = dissect(got, options);
  std::string text;
  for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
    if (i < a.size() && i < b.size() && a[i].name == b[i].name) {
      text += layer_difference(a[i], b[i], expected, got);
      continue;
    }
    text += "another layer\n";
    text += line("  expected ", layer_words(i < a.size() ? &a[i] : nullptr));
    text += line("       got ", layer_words(i < b.size() ? &b[i] : nullptr));
    break;
  }
  return text;
}

// One side's packets, kept from the first that differs on.
class Ahead {
 public:
  Ahead(CaptureReader& reader, const CaptureReader::Packet& next) {
    keep(next);
    CaptureReader::Packet packet;
    while (packets_.size() <= kLookAhead && reader.next(packet) == CaptureReader::Next::packet) keep(packet);
  }
  Octets front() const { return packets_.front(); }
  /// How many places behind the front the packet stands; nothing: not near.
  std::optional<std::size_t> find(Octets wanted) const {
    for (std::size_t i = 1; i < packets_.size(); ++i)
      if (equal(packets_[i], wanted)) return i;
    return std::nullopt;
  }

 private:
  void keep(const CaptureReader::Packet& packet) { packets_.emplace_back(packet.bytes.begin(), packet.bytes.end()); }
  std::vector<std::vector<std::uint8_t>> packets_;
};

std::string number_of(std::size_t number) { return "packet " + std::to_string(number); }

// "packet 3 is missing, and 2 after it: <summary>", then its octets.
Difference one_sided(std::size_t number, const char* what, std::size_t others, Octets frame,
                     const DissectOptions& options) {
  std::string head = number_of(number) + what;
  if (others != 0) head += ", and " + std::to_string(others) + " after it";
  return {number, line("", head + ": " + summary(frame, options)) + dump(frame)};
}

std::size_t count_rest(CaptureReader& reader) {
  CaptureReader::Packet packet;
  std::size_t count = 0;
  while (reader.next(packet) == CaptureReader::Next::packet) ++count;
  return count;
}

Difference out_of_order(std::size_t number, const Ahead& expected, std::size_t comes_after, const Ahead& got,
                        std::size_t is_due_after, const DissectOptions& options) {
  return {number, number_of(number) + " is out of order\n" + line("  expected ", summary(expected.front(), options)) +
                      line("           ", "which comes as " + number_of(number + comes_after)) +
                      line("       got ", summary(got.front(), options)) +
                      line("           ", "which is expected as " + number_of(number + is_due_after))};
}

// Both captures go on, with different packets: which of them is at fault is seen from what follows.
Difference tell_apart(std::size_t number, const Ahead& expected, const Ahead& got, const DissectOptions& options) {
  const auto comes_after = got.find(expected.front());
  const auto is_due_after = expected.find(got.front());
  if (comes_after && is_due_after) return out_of_order(number, expected, *comes_after, got, *is_due_after, options);
  if (is_due_after) return one_sided(number, " is missing", *is_due_after - 1, expected.front(), options);
  if (comes_after) return one_sided(number, " is not expected", *comes_after - 1, got.front(), options);
  return packet_difference(number, expected.front(), got.front(), options).value_or(Difference{number, {}});
}

}  // namespace

std::optional<Difference> packet_difference(std::size_t packet_number, Octets expected, Octets got,
                                            const DissectOptions& options) {
  if (equal(expected, got)) return std::nullopt;
  std::string text = number_of(packet_number) + " differs\n";
  text += line("  expected ", summary(expected, options) + " [" + octet_count(expected.size()) + "]");
  text += line("       got ", summary(got, options) + " [" + octet_count(got.size()) + "]");
  text += layers_difference(expected, got, options);
  text += "octets (- expected, + got)\n" + dump_difference(expected, got);
  return Difference{packet_number, std::move(text)};
}

tl::expected<std::optional<Difference>, std::string> first_difference(const std::string& expected_path,
                                                                      const std::string& got_path,
                                                                      const DissectOptions& options) {
  using Next = CaptureReader::Next;
  auto expected = CaptureReader::open(expected_path);
  if (!expected) return tl::unexpected(expected.error());
  auto got = CaptureReader::open(got_path);
  if (!got) return tl::unexpected(got.error());
  for (std::size_t number = 1;; ++number) {
    CaptureReader::Packet a;
    CaptureReader::Packet b;
    const Next next_a = expected->next(a);
    const Next next_b = got->next(b);
    if (next_a == Next::failed) return tl::unexpected(expected->error());
    if (next_b == Next::failed) return tl::unexpected(got->error());
    if (next_a == Next::end && next_b == Next::end) return std::nullopt;
    if (next_b == Next::end) {
      const std::vector<std::uint8_t> frame(a.bytes.begin(), a.bytes.end());
      return one_sided(number, " is missing", count_rest(*expected), frame, options);
    }
    if (next_a == Next::end) {
      const std::vector<std::uint8_t> frame(b.bytes.begin(), b.bytes.end());
      return one_sided(number, " is not expected", count_rest(*got), frame, options);
    }
    if (!equal(a.bytes, b.bytes)) return tell_apart(number, Ahead(*expected, a), Ahead(*got, b), options);
  }
}

}  // namespace strata::replay
