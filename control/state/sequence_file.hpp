// The text of a state file: up to where each key's sequence numbers may have been used.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "control/state/key_tag.hpp"

namespace strata {

struct ReservedNumbers {
  KeyTag key;
  std::uint64_t last;  // every number up to this one may have been used
  bool operator==(const ReservedNumbers&) const = default;
};

// Keys stay in it when the configuration has them no more: one that comes back goes on where it was.
struct SequenceFile {
  StateSalt salt{};
  std::vector<ReservedNumbers> keys;
  bool operator==(const SequenceFile&) const = default;
};

//   strata sequence numbers 1                   the version
//   salt 5f0c...                                32 octets
//   key 91ab...22 1048576                       16 octets, then a number; any number of these lines
//   end 1 77de...                               how many keys; SHA-256 of all above
std::string encode(const SequenceFile& file);

// All of it or nothing: a file that misses its end may miss a number too. Errors: what is wrong, and what to do.
tl::expected<SequenceFile, std::string> decode(std::string_view text);

}  // namespace strata
