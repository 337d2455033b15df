// Says how two captures differ: the first difference, layer by layer, in hex and in words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <tl/expected.hpp>

#include "replay/dissect.hpp"

namespace strata::replay {

struct Difference {
  std::size_t packet_number = 0;  // from 1, in the expected capture, or in the other one if that is longer
  std::string text;               // several lines of at most 100 columns, each with its newline
};

/// Compares two captures packet by packet; their times may differ. Nothing: they are equal.
/// Error: one of the files cannot be read to its end, and no difference was found before.
tl::expected<std::optional<Difference>, std::string> first_difference(const std::string& expected_path,
                                                                      const std::string& got_path,
                                                                      const DissectOptions& options = {});

/// The same for one packet, whose number is told. Nothing: they are equal.
std::optional<Difference> packet_difference(std::size_t packet_number, std::span<const std::uint8_t> expected,
                                            std::span<const std::uint8_t> got, const DissectOptions& options = {});

}  // namespace strata::replay
