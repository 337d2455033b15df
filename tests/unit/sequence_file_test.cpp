// The text of a state file: what is written is read again, and anything else is refused with what to do.
#include <gtest/gtest.h>

#include "control/state/sequence_file.hpp"
#include "tests/unit/hex.hpp"

namespace strata {
namespace {

SequenceFile sample(std::size_t keys) {
  SequenceFile file;
  for (std::size_t i = 0; i < file.salt.size(); ++i) file.salt[i] = static_cast<std::uint8_t>(0xe0 + i);
  for (std::size_t i = 0; i < keys; ++i) {
    const test::Octets key(20 + i, 0x55);
    file.keys.push_back({tag_of(file.salt, key), i * 1'000'000'007, 1'700'000'000 + i, i * i});
  }
  return file;
}

TEST(SequenceFile, IsReadAsItWasWritten) {
  for (const std::size_t keys : {0, 1, 2, 1000}) {
    const SequenceFile file = sample(keys);
    const auto read = decode(encode(file));
    ASSERT_TRUE(read) << read.error();
    EXPECT_EQ(*read, file);
  }
  SequenceFile file = sample(1);
  file.keys[0].last = ~std::uint64_t{0};
  EXPECT_EQ(decode(encode(file)).value(), file);
}

// python3: hmac.new(bytes(range(32)), bytes(range(1, 21)), "sha256").hexdigest()[:32]
TEST(SequenceFile, ATagIsAnHmac) {
  StateSalt salt;
  for (std::size_t i = 0; i < salt.size(); ++i) salt[i] = static_cast<std::uint8_t>(i);
  const test::Octets tag = test::from_hex("8c929d472459f57b21c9537cd7acc06c");
  const KeyTag made = tag_of(salt, test::from_hex("0102030405060708090a0b0c0d0e0f1011121314"));
  EXPECT_TRUE(std::equal(tag.begin(), tag.end(), made.begin(), made.end()));
}

TEST(SequenceFile, AnyOtherOctetIsRefused) {
  const std::string text = encode(sample(2));
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (const char other : {'0', '1', ' ', '\n', '\0', 'x', static_cast<char>(text[i] ^ 0x20)}) {
      if (other == text[i]) continue;
      std::string changed = text;
      changed[i] = other;
      ASSERT_FALSE(decode(changed)) << "octet " << i;
    }
  }
}

TEST(SequenceFile, TooShortOrTooLongIsRefused) {
  const std::string text = encode(sample(2));
  for (std::size_t size = 0; size < text.size(); ++size) {
    const auto read = decode(std::string_view(text).substr(0, size));
    ASSERT_FALSE(read) << size;
    EXPECT_NE(read.error().find("give every outbound SA a new key, then remove the file"), std::string::npos) << size;
  }
  EXPECT_FALSE(decode(text + "\n"));
  EXPECT_FALSE(decode(text + text));
}

// With a right checksum each: made by somebody's hand.
TEST(SequenceFile, AKeyTwiceIsRefused) {
  SequenceFile file = sample(2);
  file.keys[1].key = file.keys[0].key;
  const auto read = decode(encode(file));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().substr(0, 16), "damaged (line 4)");
}

// Written before keys had lifetimes: printf '...' | sha256sum made the last line.
TEST(SequenceFile, TheVersionBeforeIsRead) {
  const std::string text =
      "strata sequence numbers 1\n"
      "salt e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff\n"
      "key d268c5715b2aca2bd1f5ee09743cc37e 1048576\n"
      "key 536b437f42301bf0b4618476a6928392 18446744073709551615\n"
      "end 2 882812d9dec672de321db80c011ddac84c076cc6c81bea0201c160a53795ca1f\n";
  const auto read = decode(text);
  ASSERT_TRUE(read) << read.error();
  ASSERT_EQ(read->keys.size(), 2u);
  EXPECT_EQ(read->salt, sample(0).salt);
  EXPECT_EQ(read->keys[0], (ReservedNumbers{.key = sample(1).keys[0].key, .last = 1'048'576}));
  EXPECT_EQ(read->keys[1], (ReservedNumbers{.key = sample(2).keys[1].key, .last = 18'446'744'073'709'551'615U}));
  EXPECT_EQ(decode(encode(*read)).value(), *read);
  std::string two = text;
  two.replace(0, text.find('\n'), "strata sequence numbers 2");
  EXPECT_FALSE(decode(two)) << "each version has its own lines";
}

TEST(SequenceFile, AnotherVersionIsNamed) {
  std::string text = encode(sample(1));
  text.replace(0, text.find('\n'), "strata sequence numbers 3");
  EXPECT_EQ(
      decode(text).error(),
      "of version 3, and this strata knows versions 1 and 2: run the strata that wrote it, or give every outbound "
      "SA a new key, then remove the file");
}

}  // namespace
}  // namespace strata
