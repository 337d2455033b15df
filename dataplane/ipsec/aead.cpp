#include "dataplane/ipsec/aead.hpp"

#include <intel-ipsec-mb.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "dataplane/prefetch.hpp"
#include "secret/memory.hpp"

namespace strata {
namespace {

// The library's own contexts live for one packet only, but for each one anew.
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

// Octets of the round keys.
constexpr std::size_t round_keys_length(AeadAlgorithm algorithm) { return (key_length(algorithm) / 4 + 7) * kBlock; }

struct HashKeyPowers {
  std::uint8_t end;
  std::uint8_t most;
};
// By the engine that the library chooses for GCM: the one with VAES wants all that it knows of AVX-512.
HashKeyPowers hash_key_powers(const IMB_MGR& manager) {
  constexpr std::size_t kFirst = offsetof(gcm_key_data, ghash_keys) / kBlock;
  constexpr std::uint8_t kVaes = sizeof(gcm_key_data::ghash_keys.vaes_avx512) / kBlock;
  constexpr std::uint8_t kOthers = sizeof(gcm_key_data::ghash_keys.avx2_avx512) / kBlock;
  static_assert((kFirst + kVaes) * kBlock <= sizeof(gcm_key_data));
  const bool has_vaes =
      manager.used_arch == IMB_ARCH_AVX512 && (manager.features & IMB_CPUFLAGS_AVX512_T2) == IMB_CPUFLAGS_AVX512_T2;
  const std::uint8_t most = has_vaes ? kVaes : kOthers;
  return {static_cast<std::uint8_t>(kFirst + most), most};
}

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
  if (algorithm == AeadAlgorithm::chacha20_poly1305) return;
  const HashKeyPowers powers = hash_key_powers(*manager);
  powers_end_ = powers.end;
  most_powers_ = powers.most;
}

// With very many keys it is their lines that packets wait for: none that is not needed is asked for.
template <class Take>
void AeadKey::for_lines(std::size_t text, Take&& take) const {
  static_assert(round_keys_length(AeadAlgorithm::aes_128_gcm) > 2 * kLine &&
                round_keys_length(AeadAlgorithm::aes_128_gcm) <= 3 * kLine &&
                round_keys_length(AeadAlgorithm::aes_192_gcm) > 3 * kLine &&
                round_keys_length(AeadAlgorithm::aes_256_gcm) <= 4 * kLine);
  take(0);
  if (algorithm_ == AeadAlgorithm::chacha20_poly1305) return;
  take(kLine);
  take(2 * kLine);
  if (algorithm_ != AeadAlgorithm::aes_128_gcm) take(3 * kLine);
  // Of the powers as many as the text has blocks.
  const std::size_t powers = std::min<std::size_t>((text + kBlock - 1) / kBlock, most_powers_);
  const std::size_t end = powers_end_ * kBlock;
  for (std::size_t at = (end - powers * kBlock) / kLine * kLine; at < end; at += kLine) take(at);
}

void AeadKey::prefetch(std::size_t text) const {
  const auto* key = static_cast<const std::uint8_t*>(expanded_);
  for_lines(text, [key](std::size_t at) { prefetch_line(key + at); });
}

std::vector<std::size_t> AeadKey::lines_for(std::size_t text) const {
  std::vector<std::size_t> lines;
  for_lines(text, [&](std::size_t at) { lines.push_back(at); });
  return lines;
}

struct Aead::Library {
  explicit Library(Manager made) : manager(std::move(made)) {}

  // Each of its calls begins with no error, and the last one writes an ICV whatever became of those before: so a
  // refusal ends here. Of its reasons, pointers that are null, a key's alone can be; that is looked at, as the error
  // number is one for the whole process. For the same reason an error of another worker's may end this packet too.
  template <auto update, auto finalize>
  static void chacha(Library& library, AeadText text, std::uint8_t* icv) {
    IMB_MGR& manager = *library.manager;
    auto* context = &library.scratch.chacha;
    const void* key = text.key->expanded();
    IMB_CHACHA20_POLY1305_INIT(&manager, key, context, text.nonce, text.aad, text.aad_length);
    if (key == nullptr || library.has_error()) return;
    (manager.*update)(key, context, text.data, text.data, text.length);
    if (library.has_error()) return;
    (manager.*finalize)(context, icv, kIcvLength);
  }

  bool has_error() const { return imb_get_errno(manager.get()) != 0; }

  Manager manager;
  Scratch scratch{};
};

void Aead::Wipe::operator()(Library* library) const {
  library->~Library();
  secret::deallocate(library, sizeof(Library));
}

Aead::Aead(std::unique_ptr<Library, Wipe> library)
    : library_(std::move(library)),
      context_(&library_->scratch.gcm),
      open_{{library_->manager->gcm128_dec, library_->manager->gcm192_dec, library_->manager->gcm256_dec},
            Library::chacha<&IMB_MGR::chacha20_poly1305_dec_update, &IMB_MGR::chacha20_poly1305_finalize>},
      seal_{{library_->manager->gcm128_enc, library_->manager->gcm192_enc, library_->manager->gcm256_enc},
            Library::chacha<&IMB_MGR::chacha20_poly1305_enc_update, &IMB_MGR::chacha20_poly1305_finalize>} {}

std::optional<Aead> Aead::create() {
  Manager manager = make_manager();
  if (manager == nullptr) return std::nullopt;
  return Aead(std::unique_ptr<Library, Wipe>(new (secret::allocate(sizeof(Library))) Library(std::move(manager))));
}

bool Aead::has_failed() const { return library_->has_error(); }

}  // namespace strata
