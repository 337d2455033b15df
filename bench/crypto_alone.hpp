// What the cryptography alone costs: intel-ipsec-mb on the texts of packets that are there, with nonces and AADs laid
// out ahead, one key.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "bench/options.hpp"
#include "dataplane/ipsec/aead.hpp"
#include "dataplane/packet/burst_size.hpp"

namespace strata::bench {

// What is encrypted of a frame of the scene's.
std::span<std::uint8_t> text_of(std::span<std::uint8_t> sealed);

class CryptoAlone {
 public:
  // Nothing: the library refuses this CPU.
  static std::optional<CryptoAlone> create(AeadAlgorithm algorithm, bool esn);

  // TSC cycles for all of the texts, a burst at a time. The texts are spoilt.
  std::uint64_t cycles(Direction direction, std::span<const std::span<std::uint8_t>> texts);

 private:
  CryptoAlone(Aead aead, AeadAlgorithm algorithm, bool esn);
  void lay_out(std::span<const std::span<std::uint8_t>> texts);
  void work(Direction direction);

  Aead aead_;
  std::unique_ptr<AeadKey> key_;
  std::vector<AeadText> texts_;  // of a burst
  std::array<AeadBlock, kBurstSize> nonces_;
  std::array<AeadBlock, kBurstSize> aads_;
  std::uint64_t aad_length_;
  std::uint64_t number_ = 0;
};

}  // namespace strata::bench
