// One value's text to its meaning. An error is what to say after what was found; empty: the schema's own words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "config/reader.hpp"

namespace strata::config {

template <class T>
using Scalar = tl::expected<T, std::string>;

// Decimal without leading zeros, or 0x and hexadecimal digits; nothing for anything else, or beyond 64 bits.
std::optional<std::uint64_t> parse_number(std::string_view text);

// `quoted`: the text stood in quotes; a quoted true is a text.
Scalar<std::uint64_t> scalar_number(const Field& field, std::string_view text, bool quoted);
Scalar<std::uint32_t> scalar_cpu(const Field& field, std::string_view text, bool quoted);
Scalar<bool> scalar_boolean(const Field& field, std::string_view text, bool quoted);
Scalar<std::size_t> scalar_choice(const Field& field, std::string_view text, bool quoted);
Scalar<std::string> scalar_text(const Field& field, std::string_view text, bool quoted);
Scalar<wire::MacAddress> scalar_mac(const Field& field, std::string_view text, bool quoted);
Scalar<wire::Ipv4Address> scalar_ipv4(const Field& field, std::string_view text, bool quoted);
Scalar<wire::Ipv6Address> scalar_ipv6(const Field& field, std::string_view text, bool quoted);
Scalar<wire::Ipv4Prefix> scalar_ipv4_prefix(const Field& field, std::string_view text, bool quoted);
Scalar<wire::Ipv6Prefix> scalar_ipv6_prefix(const Field& field, std::string_view text, bool quoted);
Scalar<InterfaceAddress> scalar_interface_address(const Field& field, std::string_view text, bool quoted);
// Nothing: copy.
Scalar<std::optional<std::uint8_t>> scalar_dscp(const Field& field, std::string_view text, bool quoted);
Scalar<std::uint8_t> scalar_protocol(const Field& field, std::string_view text, bool quoted);
Scalar<PortRange> scalar_port_range(const Field& field, std::string_view text, bool quoted);

}  // namespace strata::config
