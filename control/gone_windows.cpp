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

void GoneWindows::Recent::note(const KeyTag& tag, std::uint64_t number, std::size_t at_least) {
  if (young_.size() >= at_least) old_ = std::exchange(young_, {});
  young_[tag] = number;
}

const std::uint64_t* GoneWindows::Recent::find(const KeyTag& tag) const {
  for (const Numbers* numbers : {&young_, &old_})
    if (const auto at = numbers->find(tag); at != numbers->end()) return &at->second;
  return nullptr;
}

bool GoneWindows::has_opened(const config::Secret& key) const {
  return keys_.find(tag_of(salt_, key.bytes())) != nullptr;
}

void GoneWindows::note(const config::SecurityAssociation& sa, std::uint64_t top) {
  keys_.note(tag_of(salt_, sa.key.bytes()), 0, at_least_);
  // With the window off a sender without ESN may cycle (RFC 4303 section 3.3.3): what was highest says nothing then.
  if (top == 0 || (sa.replay_window == 0 && !sa.esn)) return;
  tops_.note(tag(sa), std::max(top, top_of(sa)), at_least_);
}

std::uint64_t GoneWindows::top_of(const config::SecurityAssociation& sa) const {
  const std::uint64_t* const top = tops_.find(tag(sa));
  return top == nullptr ? 0 : *top;
}

}  // namespace strata
