// What the parsers of dissect() share: where they are in the frame, and the layers they have written so far.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "replay/dissect.hpp"

namespace strata::replay::detail {

// Octets [begin, end) of the frame; begin <= end <= the frame's size.
struct Region {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t size() const { return end - begin; }
};

// What an upper layer must know of the IP header that carried it, to judge its checksum.
struct Carrier {
  std::uint16_t address_sum = 0;  // ones' complement sum of both addresses, for the pseudo header
  bool ipv6 = false;
  bool checkable = false;  // whole: no fragment, not cut, destination final
};

// What stands next in the frame, and where.
struct Next {
  enum class Kind { end, ether_type, protocol, payload };
  Kind kind = Kind::end;
  std::uint16_t number = 0;  // the EtherType or the IP protocol
  Region at;
  Carrier carrier;
};

// A layer being written. All offsets are from the layer's own start, and must lie within the frame.
class LayerWriter {
 public:
  LayerWriter(std::span<const std::uint8_t> frame, Layer& layer) : frame_(frame), layer_(layer) {}

  std::uint8_t u8(std::size_t at) const { return frame_[layer_.offset + at]; }
  std::uint16_t u16(std::size_t at) const { return static_cast<std::uint16_t>(u8(at) << 8 | u8(at + 1)); }
  std::uint32_t u32(std::size_t at) const { return std::uint32_t{u16(at)} << 16 | u16(at + 2); }
  std::span<const std::uint8_t> octets(std::size_t at, std::size_t length) const {
    return frame_.subspan(layer_.offset + at, length);
  }

  void field(std::string_view name, std::size_t at, std::size_t length, std::string value) {
    layer_.fields.push_back({std::string(name), std::move(value), layer_.offset + at, length});
  }
  void number8(std::string_view name, std::size_t at) { field(name, at, 1, std::to_string(u8(at))); }
  void number16(std::string_view name, std::size_t at) { field(name, at, 2, std::to_string(u16(at))); }
  void octets_field(std::string_view name, std::size_t at, std::size_t length);
  void length(std::size_t octets) { layer_.length = octets; }
  void gist(std::string text) { layer_.gist = std::move(text); }

 private:
  std::span<const std::uint8_t> frame_;
  Layer& layer_;
};

class Builder {
 public:
  Builder(std::span<const std::uint8_t> frame, const DissectOptions& options) : frame_(frame), options_(options) {}

  std::span<const std::uint8_t> frame() const { return frame_; }
  std::span<const std::uint8_t> octets(Region r) const { return frame_.subspan(r.begin, r.size()); }
  bool esp_port(std::uint16_t port) const;

  /// The layer has `length` octets, all within the frame. The writer is good until the next layer begins.
  LayerWriter begin(std::string_view name, std::size_t offset, std::size_t length);
  Next malformed(Region rest, std::string reason);
  /// "IPv4: 20 octets needed, 12 are there".
  Next too_short(Region rest, std::string_view what, std::size_t needed);
  Next payload(Region rest, std::string_view name = "payload");
  /// Octets behind what a header announced (Ethernet's padding, TFC): they are listed after all other layers.
  void trailer(Region rest);
  std::vector<Layer> finish();

 private:
  std::span<const std::uint8_t> frame_;
  const DissectOptions& options_;
  std::vector<Layer> layers_;
  std::vector<Region> trailers_;
};

// The parsers, one function a header: each writes its layer and says what stands next.
Next ethernet(Builder& b, Region at);
Next by_ether_type(Builder& b, const Next& next);
Next ipv4(Builder& b, Region at);
Next ipv6(Builder& b, Region at);
Next by_protocol(Builder& b, const Next& next);
Next extension_header(Builder& b, const Next& next);  // Hop-by-Hop, routing, fragment, destination options
Next upper_layer(Builder& b, const Next& next);       // UDP, ESP, TCP, ICMP, ICMPv6; else payload

// Text.
std::string hex(std::uint32_t value, int digits);               // 0x00001001
std::string hex_octets(std::span<const std::uint8_t> octets);   // 00 10 01, cut with " ..." after 32
std::string ether_type_text(std::uint16_t type);                // 0x0800 IPv4
std::string protocol_text(std::uint8_t protocol);               // 50 ESP
std::string octet_count(std::size_t count);                     // 1 octet, 2 octets
std::string wrong(std::string value, std::string_view reason);  // "7 (wrong, reason)"

// Ones' complement sums, RFC 1071.
std::uint16_t ones_sum(std::span<const std::uint8_t> octets);
std::uint16_t ones_add(std::uint16_t a, std::uint16_t b);
/// The stored checksum and, if `sum` over all that it covers (itself included) is wrong, what it should be.
std::string checksum_text(std::uint16_t stored, std::uint16_t sum);

}  // namespace strata::replay::detail
