// What is in a frame, for people. It shows broken packets too, so it reads by hand, each octet within bounds, where the
// views of dataplane/wire would refuse; and it never takes part in what the dataplane decides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace strata::replay {

struct Field {
  std::string name;
  std::string value;       // "0x1234 (wrong, should be 0xabcd)" when the packet contradicts itself
  std::size_t offset = 0;  // octets from the start of the frame; of the first octet that has a bit of the field
  std::size_t length = 0;  // octets
};

struct Layer {
  std::string name;  // "malformed": what stands there is not what the layer before announced; its field says why
  std::size_t offset = 0;
  std::size_t length = 0;
  std::vector<Field> fields;
  std::string gist;  // what summary() says of it, if anything
};

struct DissectOptions {
  std::vector<std::uint16_t> esp_ports{4500};  // UDP ports, of either end, that carry ESP (RFC 3948)
};

/// The layers of an Ethernet frame in their order. Never fails; ESP's inside is opaque.
std::vector<Layer> dissect(std::span<const std::uint8_t> frame, const DissectOptions& options = {});

/// One line: "192.0.2.2 > 192.0.2.1 ESP-in-UDP 4500 spi 0x00001001 seq 7, 132 octets",
/// "10.2.0.2 > 10.1.0.2 ICMP echo request, ttl 63". The octets are those of the outermost IP packet.
std::string summary(std::span<const std::uint8_t> frame, const DissectOptions& options = {});

/// The field of that name, or nothing.
const Field* find_field(const Layer& layer, std::string_view name);

}  // namespace strata::replay
