#include "control/state/key_tag.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace strata {

tl::expected<StateSalt, std::string> new_salt() {
  StateSalt salt;
  const ssize_t got = getrandom(salt.data(), salt.size(), 0);
  if (got == static_cast<ssize_t>(salt.size())) return salt;
  return tl::unexpected("no random numbers from the kernel: " + std::generic_category().message(errno));
}

KeyTag tag_of(const StateSalt& salt, std::span<const std::uint8_t> key) {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> mac{};
  // It fails for want of memory, or where the library was told to know no SHA-256: then no state can be kept at all.
  if (HMAC(EVP_sha256(), salt.data(), static_cast<int>(salt.size()), key.data(), key.size(), mac.data(), nullptr) ==
      nullptr)
    std::abort();
  KeyTag tag;
  std::copy_n(mac.begin(), tag.size(), tag.begin());
  return tag;
}

}  // namespace strata
