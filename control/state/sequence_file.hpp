// The text of a state file: up to where each key's sequence numbers may have been used.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "control/state/key_tag.hpp"

namespace strata {

// In the folder of the state.
inline constexpr const char* kSequenceFile = "sequence-numbers";

struct ReservedNumbers {
  KeyTag key{};
  std::uint64_t last = 0;    // every number up to this one may have been used
  std::uint64_t since = 0;   // when the key was first used: seconds since 1970; 0: nobody knows
  std::uint64_t octets = 0;  // that it carried, as far as it was written
  bool operator==(const ReservedNumbers&) const = default;
};

// Keys stay in it when the configuration has them no more: one that comes back goes on where it was.
struct SequenceFile {
  StateSalt salt{};
  std::vector<ReservedNumbers> keys;
  bool operator==(const SequenceFile&) const = default;
};

//   strata sequence numbers 2                   the version; of 1 a key's line ends behind the first number
//   salt 5f0c...                                32 octets
//   key 91ab...22 1048576 1763769600 150000     16 octets, then the three numbers; any number of these lines
//   end 1 77de...                               how many keys; SHA-256 of all above
std::string encode(const SequenceFile& file);

// All of it or nothing: a file that misses its end may miss a number too. Errors: what is wrong, and what to do.
tl::expected<SequenceFile, std::string> decode(std::string_view text);

}  // namespace strata
