#include "tests/fuzz/cipher.hpp"

#include <openssl/evp.h>

#include <cstdlib>
#include <cstring>
#include <memory>

#include "tests/fuzz/octets.hpp"

namespace strata::fuzz {
namespace {

constexpr std::size_t kSalt = 4;
constexpr std::size_t kFront = 16;  // SPI, sequence number, IV
constexpr std::size_t kIcv = 16;

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

const EVP_CIPHER* cipher_of(config::Algorithm algorithm) {
  switch (algorithm) {
    case config::Algorithm::aes_128_gcm: return EVP_aes_128_gcm();
    case config::Algorithm::aes_192_gcm: return EVP_aes_192_gcm();
    case config::Algorithm::aes_256_gcm: return EVP_aes_256_gcm();
    case config::Algorithm::chacha20_poly1305: break;
  }
  return EVP_chacha20_poly1305();
}

void must(bool good) {
  if (!good) std::abort();
}

// RFC 4106 section 5: SPI | sequence number, or SPI | high half | low half.
Octets aad_of(const EspNumber& number) {
  Octets aad;
  put(aad, number.spi, 4);
  put(aad, number.sequence, number.esn ? 8 : 4);
  return aad;
}

// RFC 4106 section 4: salt | IV.
Octets nonce_of(Bytes key, Bytes iv) {
  Octets nonce(key.end() - kSalt, key.end());
  nonce.insert(nonce.end(), iv.begin(), iv.end());
  return nonce;
}

Context begin(config::Algorithm algorithm, Bytes key, Bytes iv, const EspNumber& number, bool sealing) {
  Context context(EVP_CIPHER_CTX_new());
  must(context != nullptr);
  const Octets nonce = nonce_of(key, iv);
  const Octets aad = aad_of(number);
  int length = 0;
  must(EVP_CipherInit_ex(context.get(), cipher_of(algorithm), nullptr, key.data(), nonce.data(), sealing ? 1 : 0) == 1);
  must(EVP_CipherUpdate(context.get(), nullptr, &length, aad.data(), static_cast<int>(aad.size())) == 1);
  return context;
}

}  // namespace

Octets seal(config::Algorithm algorithm, Bytes key, const EspNumber& number, Bytes text) {
  Octets packet;
  put(packet, number.spi, 4);
  put(packet, number.sequence, 4);
  put(packet, number.sequence, 8);
  const Context context = begin(algorithm, key, Bytes(packet).subspan(8, 8), number, true);
  packet.resize(kFront + text.size() + kIcv);
  int length = 0;
  must(text.empty() ||
       EVP_CipherUpdate(context.get(), &packet[kFront], &length, text.data(), static_cast<int>(text.size())) == 1);
  must(EVP_CipherFinal_ex(context.get(), &packet[kFront + text.size()], &length) == 1);
  must(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kIcv, &packet[kFront + text.size()]) == 1);
  return packet;
}

std::optional<Octets> open(config::Algorithm algorithm, Bytes key, const EspNumber& number, Bytes esp) {
  if (esp.size() < kFront + kIcv) return std::nullopt;
  const Context context = begin(algorithm, key, esp.subspan(8, 8), number, false);
  const Bytes sealed = esp.subspan(kFront, esp.size() - kFront - kIcv);
  Octets icv(esp.end() - kIcv, esp.end());
  Octets text(sealed.size() + 1);
  int length = 0;
  must(sealed.empty() ||
       EVP_CipherUpdate(context.get(), text.data(), &length, sealed.data(), static_cast<int>(sealed.size())) == 1);
  must(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, kIcv, icv.data()) == 1);
  if (EVP_CipherFinal_ex(context.get(), &text[sealed.size()], &length) != 1) return std::nullopt;
  text.resize(sealed.size());
  return text;
}

}  // namespace strata::fuzz
