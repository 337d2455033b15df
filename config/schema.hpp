// What a configuration file may say: the one table behind the parser, docs/configuration.md and the JSON Schema.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace strata::config {

enum class Type : std::uint8_t {
  text,
  name,     // text that can stand on a command line: letters, digits and ._-:/@+
  number,   // decimal or 0x hexadecimal
  cpu,      // its number
  boolean,  // true or false
  choice,   // one of Field::choices
  mac,      // aa:bb:cc:dd:ee:ff
  ipv4,
  ipv6,
  ipv4_prefix,        // host bits must be 0
  ipv6_prefix,        // host bits must be 0
  interface_address,  // IPv4 or IPv6 with the prefix length of its subnet; the host bits are the address
  sid,                // an IPv6 prefix; without a length it is a /128
  key,
  dscp,            // copy, or a number
  protocol,        // an IP protocol number or name
  port_range,      // 53 or "1000-2000"
  port_name,       // a key of `ports`
  mapping,         // Field::section
  named_mappings,  // name: Field::section
};

struct Section;

struct Field {
  std::string_view key;
  Type type = Type::text;
  bool required = false;
  bool list = false;                // a list of `type`
  std::string_view default_text{};  // as it would be written in the file
  std::string_view note{};          // after what is allowed: a reason, an RFC
  std::string_view description{};
  std::uint64_t min = 0;  // of a number; of the entries of a list or of named mappings
  std::uint64_t max = 0;
  bool zero_too = false;  // 0 is allowed though it is below min
  std::span<const std::string_view> choices{};
  std::span<const std::string_view> later{};  // choices that exist, but not here yet
  const Section* section = nullptr;
};

// A key that people look for and that is refused for a reason worth saying.
struct Refused {
  std::string_view key;
  std::string_view why;
};

struct Section {
  std::string_view path;   // as in errors: "ipsec.security_associations[]"
  std::string_view about;  // for docs/configuration.md
  std::span<const Field> fields;
  std::span<const Refused> refused{};
};

struct ProtocolName {
  std::string_view name;
  std::uint8_t number;
};

// The whole file; the other sections hang below it.
const Section& root_section();
// Of it, the entries that may be added while the gateway runs; and what each of them is known by, to be taken away.
const Section& added_section();
const Section& deleted_section();

// The field of this key; nullptr when the section has none.
const Field* find_field(const Section& section, std::string_view key);

// "256..4294967295 (RFC 4303 2.1: ...)": what may stand there, for errors and for the reference.
std::string allowed_text(const Field& field);

std::span<const ProtocolName> protocol_names();

inline constexpr std::uint64_t kLastCpu = 1023;

inline constexpr std::size_t kLongestName = 64;
bool is_name(std::string_view text);

}  // namespace strata::config
