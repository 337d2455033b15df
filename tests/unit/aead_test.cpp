#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "dataplane/ipsec/aead.hpp"
#include "tests/unit/dataplane_env.hpp"
#include "tests/unit/guard_page.hpp"

namespace strata {
namespace {

using test::from_hex;
using test::Octets;
using test::pick;
using test::Random;
using test::random_octets;

constexpr AeadAlgorithm kAlgorithms[] = {AeadAlgorithm::aes_128_gcm, AeadAlgorithm::aes_192_gcm,
                                         AeadAlgorithm::aes_256_gcm, AeadAlgorithm::chacha20_poly1305};

// The test program runs on the CPUs that strata runs on.
Aead& aead() {
  static Aead the_only = *Aead::create();
  return the_only;
}

using Icv = std::array<std::uint8_t, kIcvLength>;

struct Opened {
  Octets text;
  Icv icv;
  bool operator==(const Opened&) const = default;
};

// A text and all it takes to open it.
struct SealedText {
  const AeadKey* key;
  Octets iv;
  Octets aad;
  Octets text;
};

Octets nonce_of(const SealedText& sealed) {
  Octets nonce(sizeof(std::uint32_t));
  const std::uint32_t salt = sealed.key->salt();
  std::memcpy(nonce.data(), &salt, sizeof salt);
  return test::join(nonce, sealed.iv);
}

Icv open_at(const SealedText& sealed, std::uint8_t* data) {
  const Octets nonce = nonce_of(sealed);
  Icv icv;
  aead().open({.key = sealed.key,
               .data = data,
               .length = sealed.text.size(),
               .nonce = nonce.data(),
               .aad = sealed.aad.data(),
               .aad_length = sealed.aad.size()},
              icv.data());
  return icv;
}

Opened open_alone(const SealedText& sealed) {
  Opened opened{sealed.text, {}};
  opened.icv = open_at(sealed, opened.text.data());
  return opened;
}

// Ciphertext and ICV.
Octets seal_alone(const SealedText& plain) {
  const Octets nonce = nonce_of(plain);
  Octets octets = test::join(plain.text, Octets(kIcvLength, 0xee));
  EXPECT_TRUE(aead().seal({.key = plain.key,
                           .data = octets.data(),
                           .length = plain.text.size(),
                           .nonce = nonce.data(),
                           .aad = plain.aad.data(),
                           .aad_length = plain.aad.size()}));
  return octets;
}

// --- published vectors -----------------------------------------------------------------------------------------------

std::vector<nlohmann::json> vectors() {
  std::vector<nlohmann::json> all;
  for (const auto& file : std::filesystem::directory_iterator(STRATA_SOURCE_ROOT "/tests/replay/vectors")) {
    std::ifstream in(file.path());
    const nlohmann::json document = nlohmann::json::parse(in);
    for (nlohmann::json test : document.at("tests")) {
      test["file"] = file.path().stem().string();
      all.push_back(std::move(test));
    }
  }
  return all;
}

TEST(AeadVectors, AllThatArePublished) {
  const std::map<std::string, AeadAlgorithm> algorithms{{"aes-128-gcm", AeadAlgorithm::aes_128_gcm},
                                                        {"aes-192-gcm", AeadAlgorithm::aes_192_gcm},
                                                        {"aes-256-gcm", AeadAlgorithm::aes_256_gcm},
                                                        {"chacha20-poly1305", AeadAlgorithm::chacha20_poly1305}};
  std::map<std::pair<std::string, bool>, int> run;
  for (const nlohmann::json& test : vectors()) {
    const auto octets = [&](const char* name) { return from_hex(test.at(name).get<std::string>()); };
    const std::string name = test.at("file").get<std::string>() + " " + test.at("id").dump();
    const std::string algorithm = test.at("algorithm").get<std::string>();
    const bool valid = test.at("valid").get<bool>();
    const AeadKey key(algorithms.at(algorithm), test::join(octets("key"), octets("salt")));
    const Opened opened = open_alone({&key, octets("iv"), octets("aad"), octets("ciphertext")});
    const Octets tag = octets("tag");
    EXPECT_EQ(AeadVerdict::compare(opened.icv.data(), tag.data()).has_value(), valid) << name;
    if (valid) {
      EXPECT_EQ(opened.text, octets("plaintext")) << name;
      EXPECT_EQ(Octets(opened.icv.begin(), opened.icv.end()), tag) << name;
      const Octets sealed = seal_alone({&key, octets("iv"), octets("aad"), octets("plaintext")});
      EXPECT_EQ(sealed, test::join(octets("ciphertext"), tag)) << name;
    }
    ++run[{algorithm, valid}];
  }
  for (const auto& [algorithm, id] : algorithms) {
    EXPECT_GE((run[{algorithm, true}]), 3) << algorithm;
    EXPECT_GE((run[{algorithm, false}]), 7) << algorithm;
  }
}

// --- whatever the text -----------------------------------------------------------------------------------------------

class AeadOf : public testing::TestWithParam<AeadAlgorithm> {
 protected:
  SealedText random_sealed(std::size_t length, std::size_t aad_length) {
    return {&key_, random_octets(random_, kIvLength), random_octets(random_, aad_length),
            random_octets(random_, length)};
  }

  Random random_{static_cast<std::uint64_t>(GetParam())};
  AeadKey key_{GetParam(), random_octets(random_, key_length(GetParam()) + kSaltLength)};
};
INSTANTIATE_TEST_SUITE_P(Algorithms, AeadOf, testing::ValuesIn(kAlgorithms));

// All of them are stream ciphers: to open twice gives what was there before.
TEST_P(AeadOf, EveryLength) {
  for (std::size_t length = 0; length <= 300; ++length) {
    const SealedText sealed = random_sealed(length, length % 2 == 0 ? 8 : 12);
    const Opened once = open_alone(sealed);
    EXPECT_EQ(open_alone({sealed.key, sealed.iv, sealed.aad, once.text}).text, sealed.text) << length;
    if (length >= 16) {
      EXPECT_NE(once.text, sealed.text) << length;
    }
  }
}

TEST_P(AeadOf, EveryBitOfTextAadAndIvIsAuthenticated) {
  for (const std::size_t length : {1, 15, 16, 17, 40, 130}) {
    const SealedText sealed = random_sealed(length, 12);
    const Icv right = open_alone(sealed).icv;
    const auto flipped_in = [&](Octets SealedText::*part) {
      SealedText other = sealed;
      for (std::size_t bit = 0; bit < (other.*part).size() * 8; ++bit) {
        (other.*part)[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
        ASSERT_NE(open_alone(other).icv, right) << length << " bit " << bit;
        (other.*part)[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
      }
    };
    flipped_in(&SealedText::text);
    flipped_in(&SealedText::aad);
    flipped_in(&SealedText::iv);
  }
}

TEST_P(AeadOf, TheSaltIsPartOfTheNonce) {
  Octets key = random_octets(random_, key_length(GetParam()) + kSaltLength);
  const AeadKey one(GetParam(), key);
  key.back() ^= 1;
  const AeadKey other(GetParam(), key);
  EXPECT_NE(one.salt(), other.salt());
  const Octets iv(kIvLength, 1);
  const Octets aad(8, 2);
  const Octets text(64, 3);
  const Opened by_one = open_alone({&one, iv, aad, text});
  const Opened by_other = open_alone({&other, iv, aad, text});
  EXPECT_NE(by_one.text, by_other.text);
  EXPECT_NE(by_one.icv, by_other.icv);
}

TEST_P(AeadOf, AKeyMayMove) {
  const SealedText sealed = random_sealed(100, 8);
  const Opened before = open_alone(sealed);
  const std::vector<std::size_t> lines = key_.lines_for(1000);
  const AeadKey moved = std::move(key_);
  EXPECT_EQ(moved.algorithm(), GetParam());
  EXPECT_EQ(moved.lines_for(1000), lines);
  AeadKey assigned = AeadKey(AeadAlgorithm::chacha20_poly1305, Octets(36));
  assigned = AeadKey(AeadAlgorithm::aes_128_gcm, Octets(20));
  EXPECT_EQ(assigned.lines_for(1000), AeadKey(AeadAlgorithm::aes_128_gcm, Octets(20)).lines_for(1000));
  EXPECT_EQ(open_alone({&moved, sealed.iv, sealed.aad, sealed.text}), before);
}

//   | no access | ESP header, IV | text | ICV | no access |
// What stands before and behind the text in a packet is all that the library may so much as look at.
TEST_P(AeadOf, TouchesNothingOutsideThePacket) {
  constexpr std::size_t kBefore = 16;
  for (std::size_t length = 0; length <= 300; ++length) {
    const SealedText sealed = random_sealed(length, 8);
    const Octets before(kBefore, 0xbb);
    const Octets behind(kIcvLength, 0xcc);
    const Octets packet = test::join(before, sealed.text, behind);
    const Opened expected = open_alone(sealed);
    test::GuardedMemory memory(packet.size());
    for (const bool at_end : {false, true}) {
      const auto place = at_end ? memory.at_end(packet) : memory.at_begin(packet);
      ASSERT_EQ(open_at(sealed, place.data() + kBefore), expected.icv) << length;
      ASSERT_EQ(Octets(place.begin(), place.end()), test::join(before, expected.text, behind)) << length;
    }
  }
}

// What is asked for ahead of a packet is what the library reads of a key, no line less and no
// line more: others are turned over, and nobody sees it; each of these, and what comes out is another text.
TEST_P(AeadOf, AsksForWhatItReads) {
  if (!__builtin_cpu_supports("avx2")) GTEST_SKIP() << "of another engine";
  constexpr std::size_t kLine = 64;
  for (const std::size_t length : {4, 44, 48, 49, 60, 108, 112, 113, 300, 768, 784, 785, 1444, 9000}) {
    const SealedText sealed = random_sealed(length, 12);
    const Opened expected = open_alone(sealed);
    std::vector<bool> asked(1024 / kLine);
    for (const std::size_t at : sealed.key->lines_for(length)) asked.at(at / kLine) = true;
    const bool is_gcm = GetParam() != AeadAlgorithm::chacha20_poly1305;
    for (std::size_t line = 0; line < (is_gcm ? asked.size() : 1); ++line) {
      auto* octets = static_cast<std::uint8_t*>(const_cast<void*>(sealed.key->expanded())) + line * kLine;
      const auto turn_over = [&] { std::for_each_n(octets, kLine, [](std::uint8_t& octet) { octet ^= 0x5a; }); };
      turn_over();
      const bool is_read = open_alone(sealed) != expected;
      turn_over();
      EXPECT_EQ(is_read, asked[line]) << length << " octets, line " << line;
    }
    ASSERT_EQ(open_alone(sealed), expected);
  }
}

// --- one after another -----------------------------------------------------------------------------------------------

// The library's context is one for all keys and algorithms: nothing of a text may reach the next one.
TEST(AeadInTurns, EachIsAsByAnotherWorker) {
  Random random(64);
  std::vector<AeadKey> keys;
  for (int i = 0; i < 3; ++i)
    for (const AeadAlgorithm algorithm : kAlgorithms)
      keys.emplace_back(algorithm, random_octets(random, key_length(algorithm) + kSaltLength));
  for (int i = 0; i < 500; ++i) {
    const SealedText sealed{&keys[pick(random, keys.size())], random_octets(random, kIvLength),
                            random_octets(random, pick(random, 2) == 0 ? 8 : 12),
                            random_octets(random, pick(random, 1500))};
    const Opened opened = open_alone(sealed);
    const Octets nonce = nonce_of(sealed);
    Opened anew{sealed.text, {}};
    Aead::create()->open({.key = sealed.key,
                          .data = anew.text.data(),
                          .length = anew.text.size(),
                          .nonce = nonce.data(),
                          .aad = sealed.aad.data(),
                          .aad_length = sealed.aad.size()},
                         anew.icv.data());
    ASSERT_EQ(opened, anew) << i;
  }
}

TEST(AeadBlock, LiesAsItsPartsDo) {
  const AeadBlock block(0x04030201, 0x0c0b0a0908070605);
  EXPECT_EQ(Octets(block.octets, block.octets + 16), from_hex("0102030405060708090a0b0c00000000"));
}

// --- errors ----------------------------------------------------------------------------------------------------------

// The library's error number is one for the whole process, and each call of another worker's begins by clearing it.
TEST(Seal, Duty77_AnErrorIsNotHiddenByAnotherWorkersCall) {
  std::atomic<bool> ends{false};
  Aead own = *Aead::create();
  const AeadKey key(AeadAlgorithm::aes_128_gcm, Octets(20, 1));
  std::thread other([&] {
    Octets data(16 + kIcvLength);
    const Octets nonce(12), aad(8);
    while (!ends.load()) (void)own.seal({&key, data.data(), 16, nonce.data(), aad.data(), aad.size()});
  });
  for (const AeadAlgorithm algorithm : kAlgorithms) {
    AeadKey gone(algorithm, Octets(key_length(algorithm) + kSaltLength, 2));
    const AeadKey taken = std::move(gone);
    Octets data(16 + kIcvLength, 0x55);
    const Octets nonce(12), aad(8);
    std::uint64_t sealed = 0;
    for (std::uint64_t i = 0; i < test::rounds(3'000'000); ++i)
      // NOLINTNEXTLINE(bugprone-use-after-move): a key that is gone is what the library refuses
      sealed += aead().seal({&gone, data.data(), 16, nonce.data(), aad.data(), aad.size()}).has_value();
    EXPECT_EQ(sealed, 0u) << static_cast<int>(algorithm);
    EXPECT_TRUE(std::all_of(data.begin(), data.begin() + 16, [](std::uint8_t octet) { return octet == 0x55; }));
  }
  ends = true;
  other.join();
}

// --- the verdict -----------------------------------------------------------------------------------------------------

TEST(Verdict, Duty13_EveryFlippedBitIsRefused) {
  Random random(13);
  const Octets computed = random_octets(random, kIcvLength);
  Octets received = computed;
  EXPECT_TRUE(AeadVerdict::compare(computed.data(), received.data()));
  for (std::size_t bit = 0; bit < kIcvLength * 8; ++bit) {
    received[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    EXPECT_FALSE(AeadVerdict::compare(computed.data(), received.data())) << bit;
    received[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
  }
}

TEST(Verdict, DifferencesThatCancelOutAreRefused) {
  const Octets zero(kIcvLength, 0);
  for (std::size_t i = 0; i < kIcvLength; ++i)
    for (std::size_t k = i + 1; k < kIcvLength; ++k) {
      Octets received = zero;
      received[i] = received[k] = 0x80;
      EXPECT_FALSE(AeadVerdict::compare(zero.data(), received.data())) << i << ' ' << k;
    }
}

}  // namespace
}  // namespace strata
