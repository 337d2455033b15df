// The AEAD algorithms of ESP (RFC 4106, RFC 7634). aead.cpp is the one file that knows intel-ipsec-mb; here two of its
// types have a name, so that AES-GCM is called without a step between.
#pragma once

#include <emmintrin.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "dataplane/ipsec/authentic.hpp"

struct gcm_key_data;
struct gcm_context_data;

namespace strata {

enum class AeadAlgorithm : std::uint8_t { aes_128_gcm, aes_192_gcm, aes_256_gcm, chacha20_poly1305 };

inline constexpr std::size_t kIvLength = 8;  // RFC 4106 section 3.1, RFC 7634 section 2: the explicit part
inline constexpr std::size_t kIcvLength = 16;
inline constexpr std::size_t kSaltLength = 4;

// Octets of the cipher's key, without salt.
constexpr std::size_t key_length(AeadAlgorithm algorithm) {
  switch (algorithm) {
    case AeadAlgorithm::aes_128_gcm: return 16;
    case AeadAlgorithm::aes_192_gcm: return 24;
    case AeadAlgorithm::aes_256_gcm: return 32;
    case AeadAlgorithm::chacha20_poly1305: return 32;
  }
  return 0;
}

// An expanded key. Wiped when it goes. Move only.
class AeadKey {
 public:
  // key: the cipher's key and then 4 octets of salt (RFC 4106 section 8.1, RFC 7634 section 2); the caller has
  // checked its length.
  AeadKey(AeadAlgorithm algorithm, std::span<const std::uint8_t> key);

  // What stands in the place of a key that is gone.
  static AeadKey blank() { return AeadKey(AeadAlgorithm::aes_128_gcm, std::array<std::uint8_t, 16 + kSaltLength>{}); }

  AeadKey(AeadKey&& other) noexcept
      : expanded_(std::exchange(other.expanded_, nullptr)),
        salt_(other.salt_),
        algorithm_(other.algorithm_),
        powers_end_(other.powers_end_),
        most_powers_(other.most_powers_) {}
  AeadKey& operator=(AeadKey&& other) noexcept {
    std::swap(expanded_, other.expanded_);  // the other one wipes what was here
    std::swap(salt_, other.salt_);
    std::swap(algorithm_, other.algorithm_);
    std::swap(powers_end_, other.powers_end_);
    std::swap(most_powers_, other.most_powers_);
    return *this;
  }
  ~AeadKey();

  AeadAlgorithm algorithm() const { return algorithm_; }
  std::uint32_t salt() const { return salt_; }  // as it lies in memory
  const void* expanded() const { return expanded_; }

  // Asks for what a text of that many octets needs: of thousands of keys none is in the first-level cache.
  void prefetch(std::size_t text) const;
  // Where the cache lines begin that it asks for, in octets of the expanded key: on engines of AVX2 and above those
  // that a text of that many octets needs, and no others. (Those of SSE and AVX read more of the powers.)
  std::vector<std::size_t> lines_for(std::size_t text) const;

 private:
  template <class Take>
  void for_lines(std::size_t text, Take&& take) const;

  void* expanded_;
  std::uint32_t salt_ = 0;
  AeadAlgorithm algorithm_;
  // Where the powers of the hash key lie in the expanded key, in blocks of 16 octets: up to so many of them, the lowest
  // last.
  std::uint8_t powers_end_ = 0;
  std::uint8_t most_powers_ = 0;
};
static_assert(sizeof(AeadKey) == 16);

// The ICV as computed beside the ICV as received.
class AeadVerdict {
 public:
  // Leaves an ICV that `received` is not: where the library refuses to work it writes none, and what the packet before
  // left there decides nothing.
  static void expect_none(std::uint8_t* computed, const std::uint8_t* received) {
    std::uint64_t words[2];
    std::memcpy(words, received, sizeof words);
    words[0] = ~words[0];
    words[1] = ~words[1];
    std::memcpy(computed, words, sizeof words);
  }

  // Constant time: 16 octets in one comparison (RFC 4303 section 3.4.4).
  static std::optional<Authentic> compare(const std::uint8_t* computed, const std::uint8_t* received) {
    const auto load = [](const std::uint8_t* from) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from)); };
    if (_mm_movemask_epi8(_mm_cmpeq_epi8(load(computed), load(received))) != 0xffff) [[unlikely]]
      return std::nullopt;
    return Authentic();
  }
};

// RFC 4106 section 4: salt 4 | IV 8. RFC 4106 section 5: SPI 4 | sequence 4, or SPI 4 | high 4 | low 4 with ESN.
// Written by one store: the cipher reads it at once and as a whole, and halves that were just stored would first have
// to arrive in the cache (11 of 87 cycles on an EPYC of 2022).
struct alignas(16) AeadBlock {
  std::uint8_t octets[16] = {};

  AeadBlock() = default;
  // As they lie in memory; 4 octets of zero end it.
  AeadBlock(std::uint32_t first, std::uint64_t then) {
    const __m128i words = _mm_cvtsi64_si128(static_cast<long long>(then));
    const __m128i behind = _mm_slli_si128(words, 4);
    _mm_store_si128(reinterpret_cast<__m128i*>(octets),
                    _mm_or_si128(behind, _mm_cvtsi32_si128(static_cast<int>(first))));
  }
};

// What the cipher works on.
struct AeadText {
  const AeadKey* key;
  std::uint8_t* data;         // worked on in place
  std::uint64_t length;       // octets of it
  const std::uint8_t* nonce;  // 12 octets
  const std::uint8_t* aad;
  std::uint64_t aad_length;
};

// One for each worker: it holds the state of the algorithms.
class Aead {
 public:
  // Nothing: the library refuses this CPU.
  static std::optional<Aead> create();

  // Decrypts in place and leaves the ICV as computed, kIcvLength octets; nothing is believed yet. With an error both
  // are as they were.
  void open(const AeadText& text, std::uint8_t* icv) { work(open_, text, icv); }
  // Whether the library reported an error of the last call, and did not do its work.
  bool has_failed() const;

  // Encrypts in place and writes the ICV behind it, where the caller has made room. Nothing: the library wrote no ICV,
  // and the packet may not be sent.
  //
  // Its error number is one for the whole process: what another worker does may take away that of this call, or put its
  // own there. So the ICV tells: a call that is refused writes none. One of 16 octets of zero, which would be taken for
  // that, comes once in 2^128 packets.
  std::optional<Sealed> seal(const AeadText& text) {
    std::uint8_t* const icv = text.data + text.length;
    std::memset(icv, 0, kIcvLength);
    work(seal_, text, icv);
    std::uint64_t words[2];
    std::memcpy(words, icv, sizeof words);
    if ((words[0] | words[1]) == 0) [[unlikely]]
      return std::nullopt;
    return Sealed();
  }

 private:
  struct Library;
  // Contexts of the algorithms hold key stream of the last packet.
  struct Wipe {
    void operator()(Library* library) const;
  };
  // One direction, as the library has chosen it for this CPU.
  using Gcm = void (*)(const gcm_key_data* key, gcm_context_data* context, std::uint8_t* out, const std::uint8_t* in,
                       std::uint64_t length, const std::uint8_t* nonce, const std::uint8_t* aad,
                       std::uint64_t aad_length, std::uint8_t* icv, std::uint64_t icv_length);
  struct Direction {
    std::array<Gcm, 3> gcm;  // by AeadAlgorithm
    // The text as a value: where its address is taken it lies in memory for AES-GCM too.
    void (*chacha)(Library& library, AeadText text, std::uint8_t* icv);
  };

  explicit Aead(std::unique_ptr<Library, Wipe> library);

  void work(const Direction& direction, const AeadText& text, std::uint8_t* icv) {
    const auto algorithm = static_cast<std::size_t>(text.key->algorithm());
    if (algorithm >= direction.gcm.size()) [[unlikely]]
      return direction.chacha(*library_, text, icv);
    const auto* key = static_cast<const gcm_key_data*>(text.key->expanded());
    direction.gcm[algorithm](key, context_, text.data, text.data, text.length, text.nonce, text.aad, text.aad_length,
                             icv, kIcvLength);
  }

  std::unique_ptr<Library, Wipe> library_;
  gcm_context_data* context_;  // in library_
  Direction open_;
  Direction seal_;
};
static_assert(static_cast<std::size_t>(AeadAlgorithm::aes_128_gcm) == 0 &&
              static_cast<std::size_t>(AeadAlgorithm::aes_256_gcm) == 2 &&
              static_cast<std::size_t>(AeadAlgorithm::chacha20_poly1305) == 3);

}  // namespace strata
