#include "bench/crypto_alone.hpp"

#include <rte_cycles.h>

#include <algorithm>

#include "bench/scene.hpp"
#include "dataplane/wire/esp.hpp"
#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/udp.hpp"

namespace strata::bench {
namespace {

//  Ethernet 14 | IPv4 20 | UDP 8 | ESP 8 | IV 8 | text | ICV 16
constexpr std::size_t kTextOffset = wire::kEthernetHeaderLength + wire::kIpv4MinHeaderLength + wire::kUdpHeaderLength +
                                    wire::kEspHeaderLength + kIvLength;

}  // namespace

std::span<std::uint8_t> text_of(std::span<std::uint8_t> sealed) {
  return sealed.subspan(kTextOffset, sealed.size() - kTextOffset - kIcvLength);
}

CryptoAlone::CryptoAlone(Aead aead, AeadAlgorithm algorithm, bool esn)
    : aead_(std::move(aead)), key_(std::make_unique<AeadKey>(algorithm, key_of(0))), aad_length_(esn ? 12 : 8) {}

std::optional<CryptoAlone> CryptoAlone::create(AeadAlgorithm algorithm, bool esn) {
  auto aead = Aead::create();
  if (!aead) return std::nullopt;
  return CryptoAlone(std::move(*aead), algorithm, esn);
}

void CryptoAlone::lay_out(std::span<const std::span<std::uint8_t>> texts) {
  texts_.clear();
  for (std::size_t i = 0; i < texts.size(); ++i) {
    ++number_;
    nonces_[i] = AeadBlock(0, number_);
    aads_[i] = AeadBlock(0, number_);
    texts_.push_back({.key = key_.get(),
                      .data = texts[i].data(),
                      .length = texts[i].size(),
                      .nonce = nonces_[i].octets,
                      .aad = aads_[i].octets,
                      .aad_length = aad_length_});
  }
}

void CryptoAlone::work(Direction direction) {
  std::uint8_t icv[kIcvLength];
  if (direction == Direction::in) {
    for (const AeadText& text : texts_) aead_.open(text, icv);
  } else {
    for (const AeadText& text : texts_) (void)aead_.seal(text);
  }
}

std::uint64_t CryptoAlone::cycles(Direction direction, std::span<const std::span<std::uint8_t>> texts) {
  std::uint64_t sum = 0;
  for (std::size_t first = 0; first < texts.size(); first += kBurstSize) {
    lay_out(texts.subspan(first, std::min(kBurstSize, texts.size() - first)));
    const std::uint64_t start = rte_rdtsc_precise();
    work(direction);
    sum += rte_rdtsc_precise() - start;
  }
  return sum;
}

}  // namespace strata::bench
