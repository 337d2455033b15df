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
// it has a tag alone. It ends with the process, as windows do. Nor is a key to seal that has opened: its peer counted
// the nonces (RFC 4106 section 3.1).
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
  // Whether an inbound SA that went had this key.
  bool has_opened(const config::Secret& key) const;

 private:
  // What was noted last, and what before.
  class Recent {
   public:
    void note(const KeyTag& tag, std::uint64_t number, std::size_t at_least);
    const std::uint64_t* find(const KeyTag& tag) const;

   private:
    using Numbers = std::unordered_map<KeyTag, std::uint64_t, HashOfTag>;
    Numbers young_;
    Numbers old_;
  };

  GoneWindows(const StateSalt& salt, std::size_t at_least) : salt_(salt), at_least_(at_least) {}
  KeyTag tag(const config::SecurityAssociation& sa) const;

  StateSalt salt_;
  std::size_t at_least_;
  Recent tops_;
  Recent keys_;  // by their tags alone
};

}  // namespace strata
