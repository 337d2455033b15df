// What inbound SAs had received that are gone: one that comes back is not to take it again.
#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <unordered_map>

#include "config/config.hpp"
#include "control/state/key_tag.hpp"

namespace strata {

// By SPI, ESN and key, which is what a packet is authentic by: name and addresses of an SA are none of that. Of the key
// it has a tag alone. It ends with the process, as windows do.
class GoneWindows {
 public:
  // So many are remembered at the least, and twice as many at the most: what went first is forgotten first.
  static constexpr std::size_t kAtLeast = std::size_t{1} << 19;

  // Errors: no random numbers.
  static tl::expected<GoneWindows, std::string> create(std::size_t at_least = kAtLeast);

  // top: the highest number that it had received.
  void note(const config::SecurityAssociation& sa, std::uint64_t top);
  // 0: it was not here.
  std::uint64_t top_of(const config::SecurityAssociation& sa) const;

 private:
  using Tops = std::unordered_map<KeyTag, std::uint64_t, HashOfTag>;

  GoneWindows(const StateSalt& salt, std::size_t at_least) : salt_(salt), at_least_(at_least) {}
  KeyTag tag(const config::SecurityAssociation& sa) const;

  StateSalt salt_;
  std::size_t at_least_;
  Tops young_;
  Tops old_;
};

}  // namespace strata
