#include "control/gone_windows.hpp"

#include <algorithm>
#include <utility>

#include "dataplane/wire/bytes.hpp"

namespace strata {

tl::expected<GoneWindows, std::string> GoneWindows::create(std::size_t at_least) {
  const auto salt = new_salt();
  if (!salt) return tl::unexpected(salt.error());
  return GoneWindows(*salt, at_least);
}

// Another salt for each SPI, so that no second copy of the key is made.
KeyTag GoneWindows::tag(const config::SecurityAssociation& sa) const {
  StateSalt salt = salt_;
  wire::store_be32(&salt[0], wire::load_be32(&salt[0]) ^ sa.spi);
  salt[4] ^= sa.esn ? 1 : 0;
  return tag_of(salt, sa.key.bytes());
}

void GoneWindows::note(const config::SecurityAssociation& sa, std::uint64_t top) {
  // With the window off a sender without ESN may cycle (RFC 4303 section 3.3.3): what was highest says nothing then.
  if (top == 0 || (sa.replay_window == 0 && !sa.esn)) return;
  const std::uint64_t before = top_of(sa);
  if (young_.size() >= at_least_) old_ = std::exchange(young_, {});
  young_[tag(sa)] = std::max(top, before);
}

std::uint64_t GoneWindows::top_of(const config::SecurityAssociation& sa) const {
  const KeyTag of = tag(sa);
  for (const Tops* tops : {&young_, &old_})
    if (const auto at = tops->find(of); at != tops->end()) return at->second;
  return 0;
}

}  // namespace strata
