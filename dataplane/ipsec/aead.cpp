#include "dataplane/ipsec/aead.hpp"

#include <intel-ipsec-mb.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <new>

#include "secret/memory.hpp"

namespace strata {
namespace {

// The library's own context lives for one call only, but for each call anew.
struct alignas(64) Scratch {
  gcm_context_data gcm;
  chacha20_poly1305_context_data chacha;
};

// Keys and key stream pass through what the library keeps.
struct ManagerFree {
  void operator()(IMB_MGR* manager) const { secret::deallocate(manager, imb_get_mb_mgr_size()); }
};
using Manager = std::unique_ptr<IMB_MGR, ManagerFree>;

Manager make_manager() {
  Manager manager(imb_set_pointers_mb_mgr(secret::allocate(imb_get_mb_mgr_size()), 0, 1));
  if (manager != nullptr) init_mb_mgr_auto(manager.get(), nullptr);
  if (manager != nullptr && imb_get_errno(manager.get()) != 0) manager.reset();
  return manager;
}

// Key expansion happens on the control side, with a manager of its own: a worker's is never shared.
IMB_MGR* expansion_manager() {
  static const Manager manager = make_manager();
  return manager.get();
}

constexpr std::size_t kLine = 64;

// An odd number of cache lines: keys that lie one after the other then begin in all sets of the cache.
std::size_t expanded_size(AeadAlgorithm algorithm) {
  constexpr std::size_t kLines = (sizeof(gcm_key_data) + kLine - 1) / kLine;
  return algorithm == AeadAlgorithm::chacha20_poly1305 ? kLine : (kLines | 1) * kLine;
}

constexpr std::size_t kBlock = 16;

}  // namespace

AeadKey::~AeadKey() {
  explicit_bzero(&salt_, sizeof salt_);
  secret::deallocate(expanded_, expanded_size(algorithm_));
}

AeadKey::AeadKey(AeadAlgorithm algorithm, std::span<const std::uint8_t> key)
    : expanded_(secret::allocate(expanded_size(algorithm))), algorithm_(algorithm) {
  const std::size_t cipher_key = key_length(algorithm);
  std::memcpy(&salt_, key.data() + cipher_key, kSaltLength);

  IMB_MGR* manager = expansion_manager();
  auto* gcm = static_cast<gcm_key_data*>(expanded_);
  switch (algorithm) {
    case AeadAlgorithm::aes_128_gcm: IMB_AES128_GCM_PRE(manager, key.data(), gcm); break;
    case AeadAlgorithm::aes_192_gcm: IMB_AES192_GCM_PRE(manager, key.data(), gcm); break;
    case AeadAlgorithm::aes_256_gcm: IMB_AES256_GCM_PRE(manager, key.data(), gcm); break;
    case AeadAlgorithm::chacha20_poly1305: std::memcpy(expanded_, key.data(), cipher_key); break;
  }
}

// The round keys, and of the powers of the hash key, which end with the lowest, as many as the text has blocks.
void AeadKey::prefetch(std::size_t length) const {
  const auto* key = static_cast<const std::uint8_t*>(expanded_);
  __builtin_prefetch(key);
  if (algorithm_ == AeadAlgorithm::chacha20_poly1305) return;
  for (std::size_t line = 1; line < 3; ++line) __builtin_prefetch(key + line * kLine);
  const std::size_t end = sizeof(gcm_key_data) / kLine;
  const std::size_t lines = std::min(length / kBlock * kBlock / kLine + 2, end - 3);
  for (std::size_t line = end - lines; line < end; ++line) __builtin_prefetch(key + line * kLine);
}

namespace {

// One direction, as the manager has chosen it for this CPU.
struct Direction {
  std::array<aes_gcm_enc_dec_t, 3> gcm;  // by AeadAlgorithm
  decltype(IMB_MGR::chacha20_poly1305_dec_update) chacha_update;
  decltype(IMB_MGR::chacha20_poly1305_finalize) chacha_finalize;
};
static_assert(static_cast<std::size_t>(AeadAlgorithm::aes_128_gcm) == 0 &&
              static_cast<std::size_t>(AeadAlgorithm::aes_256_gcm) == 2);

}  // namespace

struct Aead::Library {
  explicit Library(Manager made)
      : manager(std::move(made)),
        decrypt{{manager->gcm128_dec, manager->gcm192_dec, manager->gcm256_dec},
                manager->chacha20_poly1305_dec_update,
                manager->chacha20_poly1305_finalize},
        encrypt{{manager->gcm128_enc, manager->gcm192_enc, manager->gcm256_enc},
                manager->chacha20_poly1305_enc_update,
                manager->chacha20_poly1305_finalize} {}

  void work(const Direction& direction, const AeadText& text, std::uint8_t* icv) {
    const void* key = text.key->expanded();
    const AeadAlgorithm algorithm = text.key->algorithm();
    if (algorithm == AeadAlgorithm::chacha20_poly1305) return chacha(direction, text, icv);
    direction.gcm[static_cast<std::size_t>(algorithm)](static_cast<const gcm_key_data*>(key), &scratch.gcm, text.data,
                                                       text.data, text.length, text.nonce, text.aad, text.aad_length,
                                                       icv, kIcvLength);
  }

  // Each of its calls begins with no error: what failed ends here, and has the last word.
  void chacha(const Direction& direction, const AeadText& text, std::uint8_t* icv) {
    const void* key = text.key->expanded();
    IMB_CHACHA20_POLY1305_INIT(manager.get(), key, &scratch.chacha, text.nonce, text.aad, text.aad_length);
    if (key == nullptr || has_error()) return;
    direction.chacha_update(key, &scratch.chacha, text.data, text.data, text.length);
    if (has_error()) return;
    direction.chacha_finalize(&scratch.chacha, icv, kIcvLength);
  }

  bool has_error() const { return imb_get_errno(manager.get()) != 0; }

  Manager manager;
  Scratch scratch{};
  Direction decrypt;
  Direction encrypt;
};

void Aead::Wipe::operator()(Library* library) const {
  library->~Library();
  secret::deallocate(library, sizeof(Library));
}

std::optional<Aead> Aead::create() {
  Manager manager = make_manager();
  if (manager == nullptr) return std::nullopt;
  return Aead(std::unique_ptr<Library, Wipe>(new (secret::allocate(sizeof(Library))) Library(std::move(manager))));
}

void Aead::open(const AeadText& text, std::uint8_t* icv) { library_->work(library_->decrypt, text, icv); }

bool Aead::has_failed() const { return library_->has_error(); }

// The library has one error number for the whole process: what another worker does may take away that of this call. So
// an ICV has to be there too, which is 16 octets of zero once in 2^128 packets.
std::optional<Sealed> Aead::seal(const AeadText& text) {
  std::uint8_t* const icv = text.data + text.length;
  std::memset(icv, 0, kIcvLength);
  library_->work(library_->encrypt, text, icv);
  std::uint64_t words[2];
  std::memcpy(words, icv, sizeof words);
  if ((words[0] | words[1]) == 0 || has_failed()) [[unlikely]]
    return std::nullopt;
  return Sealed();
}

}  // namespace strata
