// Keys: where they come from, who may read them, and that nothing ever says them.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/describe.hpp"
#include "config/key.hpp"
#include "tests/unit/config_sample.hpp"

namespace strata::config {
namespace {

constexpr std::string_view kHex = "c0ffee0405060708090a0b0c0d0e0f10111213fe";

class KeyFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "strata-key-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  // The path of a new file in the test's folder.
  std::string write(const std::string& content, mode_t mode = 0600) {
    std::string path = folder_ + "/from-b.key";
    std::ofstream(path) << content;
    EXPECT_EQ(chmod(path.c_str(), mode), 0);
    return path;
  }
  std::string error_of(const std::string& text) {
    const auto key = read_key(text, folder_);
    return key ? "" : key.error();
  }

  std::string folder_;
};

TEST_F(KeyFile, IsReadInEveryForm) {
  for (const std::string& content : {std::string(kHex), "hex:" + std::string(kHex), "  " + std::string(kHex) + "\n",
                                     "hex:" + std::string(kHex) + "\r\n"}) {
    const auto key = read_key("file:" + write(content), "");
    ASSERT_TRUE(key.has_value()) << key.error();
    EXPECT_EQ(key->bytes().size(), 20U);
    EXPECT_EQ(key->bytes()[0], 0xc0);
    EXPECT_EQ(key->bytes()[19], 0xfe);
  }
}

TEST_F(KeyFile, ARelativePathStartsAtTheConfigurationsFolder) {
  write(std::string(kHex));
  const std::string text = changed("\"hex:0102030405060708090a0b0c0d0e0f1011121314\"", "file:from-b.key");
  EXPECT_EQ(mistakes_in(text, folder_ + "/c.yaml"), "");
  EXPECT_NE(mistakes_in(text, "c.yaml"), "");
}

TEST_F(KeyFile, MustBeClosedToOthers) {
  for (const mode_t mode : {0640, 0604, 0660, 0644, 0610, 0601, 0620, 0602}) {
    const std::string path = write(std::string(kHex), mode);
    EXPECT_NE(error_of("file:from-b.key").find("is open to others (mode 0"), std::string::npos) << mode;
  }
  write(std::string(kHex), 0644);
  EXPECT_EQ(error_of("file:from-b.key"), "key file " + folder_ +
                                             "/from-b.key is open to others (mode 0644); allowed: its owner alone "
                                             "(chmod 600)");
  write(std::string(kHex), 0400);
  EXPECT_EQ(error_of("file:from-b.key"), "");
}

TEST_F(KeyFile, MustBelongToTheCallerOrRoot) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  ASSERT_EQ(chown(write(std::string(kHex)).c_str(), 65534, 65534), 0);
  EXPECT_NE(error_of("file:from-b.key").find("belongs to user 65534; allowed: the user who runs strata, or root"),
            std::string::npos);
}

// The system would open what is before the NUL.
TEST_F(KeyFile, ItsNameHasNoControlCharacters) {
  write(std::string(kHex));
  for (const char c : {'\0', '\n', '\x1b', '\x7f'}) {
    const std::string error = error_of("file:from-b.key" + std::string(1, c) + "x");
    EXPECT_EQ(error, "a control character in the file's name; allowed: file:PATH") << int{c};
  }
  EXPECT_EQ(error_of("file:from-b.key\n"), "");  // as after a YAML block
}

TEST_F(KeyFile, MustBeARegularFile) {
  ASSERT_EQ(mkfifo((folder_ + "/pipe").c_str(), 0600), 0);  // without a writer: must not wait for one
  EXPECT_NE(error_of("file:pipe").find("is not a regular file"), std::string::npos);
  EXPECT_NE(error_of("file:.").find("is not a regular file"), std::string::npos);
  EXPECT_NE(error_of("file:missing").find("No such file or directory"), std::string::npos);
  EXPECT_NE(error_of("file:").find("no file name"), std::string::npos);
  ASSERT_EQ(symlink(write(std::string(kHex)).c_str(), (folder_ + "/link").c_str()), 0);
  EXPECT_EQ(error_of("file:link"), "");
}

TEST_F(KeyFile, ContentThatIsNoKeyIsRefusedAndNotShown) {
  const std::string hex(kHex);
  std::string two_lines = hex;
  two_lines.append("\n").append(hex);
  for (const std::string& content : {std::string(), std::string("\n"), hex + "0", "hex:hex:" + hex, two_lines,
                                     "0x" + hex, std::string("c0ffee secret"), std::string(5000, 'a')}) {
    write(content);
    const std::string error = error_of("file:from-b.key");
    EXPECT_NE(error, "") << content;
    EXPECT_EQ(error.find("c0ffee"), std::string::npos) << error;
    EXPECT_EQ(error.find("secret"), std::string::npos) << error;
  }
}

// Wherever a person may have put the key by mistake, no error has eight digits of it in a row.
TEST(KeyNeverShown, InWhateverPlaceItStands) {
  const std::string hex(kHex);
  const std::vector<std::string> places = {
      changed("name: from-b", "name: " + hex),
      changed("spi: 0x1001", "spi: 0x" + hex),
      changed("spi: 0x1001", "spi: \"" + hex + "\""),
      changed("algorithm: aes-128-gcm", "algorithm: hex:" + hex),
      changed("esn: true", "esn: " + hex),
      changed("esn: true", "\"" + hex + "\": true"),
      changed("esn: true", "hex:" + hex + ": true"),
      changed("esn: true", "key: " + hex),
      changed("  - port: lan", "  - port: " + hex),
      changed("side: protected", "side: " + hex),
      changed("10.1.0.1/24", hex),
      changed("protocol: ipv4", "protocol: " + hex),
      changed("device: 0000:3b:00.1", "device: " + hex),
      changed("  lan:\n", "  " + hex + ": {device: x}\n  lan:\n"),
      changed("routes:", hex + ":"),
      changed("\"hex:0102030405060708090a0b0c0d0e0f1011121314\"", "hex: " + hex),
      changed("\"hex:0102030405060708090a0b0c0d0e0f1011121314\"", "\"hex:" + hex),
      changed("\"hex:0102030405060708090a0b0c0d0e0f1011121314\"", "\"\\q" + hex + "\""),
      changed("\"hex:0102030405060708090a0b0c0d0e0f1011121314\"", "*" + hex),
      changed("\"hex:0102030405060708090a0b0c0d0e0f1011121314\"", "[" + hex),
      changed("\"hex:0102030405060708090a0b0c0d0e0f1011121314\"", "!" + hex + " x"),
      changed("\"hex:0102030405060708090a0b0c0d0e0f1011121314\"", "hex:" + hex.substr(2)),
      changed("\"hex:0102030405060708090a0b0c0d0e0f1011121314\"", "file:" + hex),
      changed("\"hex:0102030405060708090a0b0c0d0e0f1011121314\"", "|\n        " + hex),
  };
  for (const std::string& text : places) {
    const std::string mistakes = mistakes_in(text);
    EXPECT_NE(mistakes, "");
    for (std::size_t at = 0; at + 8 <= hex.size(); ++at) {
      ASSERT_EQ(mistakes.find(hex.substr(at, 8)), std::string::npos) << mistakes;
    }
  }
}

// A gateway with these SAs, "in" or "out" and a key each, one a line from line 5 on.
struct KeyedSa {
  std::string direction;
  std::string key;
};
std::string with_keys(const std::vector<KeyedSa>& sas) {
  std::string text =
      "ports:\n  wan: {device: x, addresses: [192.0.2.1/24], side: protected}\nipsec:\n  security_associations:\n";
  for (std::size_t i = 0; i < sas.size(); ++i) {
    const bool in = sas[i].direction == "in";
    std::array<char, 64> prefix{};
    std::snprintf(prefix.data(), prefix.size(), "fc00:%zx:%zx::/48", i >> 16, i & 0xffff);
    text += "  - {name: sa" + std::to_string(i) + ", direction: " + sas[i].direction +
            ", spi: " + std::to_string(256 + i) + ", source: 192.0.2." + (in ? "2" : "1") + ", destination: 192.0.2." +
            (in ? "1" : "2") + ", algorithm: aes-128-gcm, key: \"" + sas[i].key + "\", selectors: {source: \"" +
            prefix.data() + "\", destination: \"fc00::/16\"}}\n";
  }
  return text;
}

// What is said of the second SA of the three, and so on: "2 shares with 0" as {2, 0}.
std::string shared(const std::vector<std::pair<int, int>>& pairs) {
  std::string out;
  for (const auto& [late, first] : pairs) {
    out += "security_associations[" + std::to_string(late) + "].key: found (not shown); the key of SA 'sa" +
           std::to_string(first) + "' at line " + std::to_string(5 + first) + " too;\n";
  }
  return out;
}

// The same of what the parser says, without the places and the advice.
std::string shared_in(const std::string& text) {
  std::string out;
  const std::string mistakes = mistakes_in(text);
  for (std::size_t at = 0; (at = mistakes.find("security_associations", at)) != std::string::npos;) {
    const std::size_t end = mistakes.find(" too;", at);
    if (end == std::string::npos) return mistakes;
    out += mistakes.substr(at, end + 5 - at) + "\n";
    at = end;
  }
  return out;
}

// RFC 4106 section 3.1: an SA that seals counts its nonces from the start, as any other with the same key does.
TEST(KeyReuse, IsRefusedWhereAnSaSeals) {
  const std::string a = "hex:" + std::string(kHex);
  const std::string b = "hex:" + std::string(38, '0') + "ff";
  const std::string a_with_other_salt = a.substr(0, a.size() - 2) + "00";
  struct Case {
    std::vector<KeyedSa> sas;
    std::vector<std::pair<int, int>> pairs;  // which one shares, with which one
  };
  const Case kCases[] = {
      {{{"in", a}, {"in", b}, {"out", a_with_other_salt}}, {}},
      {{{"in", a}, {"in", a}, {"out", b}}, {}},
      {{{"in", a}, {"out", b}, {"out", a}}, {{2, 0}}},
      {{{"out", a}, {"out", b}, {"out", a}}, {{2, 0}}},
      {{{"out", a}, {"in", a}, {"in", b}}, {{1, 0}}},
      {{{"in", a}, {"in", a}, {"out", a}}, {{2, 0}}},
      {{{"in", a}, {"out", a}, {"in", a}}, {{1, 0}, {2, 1}}},
      {{{"out", b}, {"out", a}, {"out", a}, {"in", b}}, {{2, 1}, {3, 0}}},
      {{{"out", a}, {"out", "hex:C0FFEE0405060708090A0B0C0D0E0F10111213FE"}}, {{1, 0}}},
  };
  for (const Case& c : kCases) EXPECT_EQ(shared_in(with_keys(c.sas)), shared(c.pairs));
}

// RFC 4303 section 3.4.3: two windows would each take a packet that is authentic by key and SPI.
TEST(KeyReuse, Duty05_OfInboundSasIsRefusedWithOneSpi) {
  const std::vector<KeyedSa> sas = {{"in", "hex:" + std::string(kHex)}, {"in", "hex:" + std::string(kHex)}};
  std::string text = with_keys(sas);
  EXPECT_EQ(mistakes_in(text), "");
  const std::size_t second = text.find("spi: 257");
  text.replace(second, 8, "spi: 256");
  text.replace(text.find("destination: ", second), 22, "destination: 192.0.2.9");
  const std::string mistakes = mistakes_in(text);
  EXPECT_NE(
      mistakes.find("the key of SA 'sa0' at line 5 too; allowed: a key of its own for each inbound SA of one SPI"),
      std::string::npos)
      << mistakes;
}

TEST(KeyReuse, IsSeenInSasThatAreWrongOtherwise) {
  const std::string key = "hex:" + std::string(kHex);
  std::string text = with_keys({{"out", key}, {"in", key}});
  text.replace(text.find("spi: 256"), 8, "spi: 255");
  text.replace(text.find("spi: 257"), 8, "spi: 257, esn: maybe");
  const std::string mistakes = mistakes_in(text);
  EXPECT_NE(mistakes.find("found 255"), std::string::npos);
  EXPECT_NE(mistakes.find("found maybe"), std::string::npos);
  EXPECT_NE(mistakes.find("the key of SA 'sa0' at line 5 too"), std::string::npos) << mistakes;
}

TEST_F(KeyFile, SharedWithAKeyInTheConfigurationIsRefused) {
  write(std::string(kHex) + "\n");
  const std::string text = with_keys({{"in", "hex:" + std::string(kHex)}, {"out", "file:from-b.key"}});
  const std::string mistakes = mistakes_in(text, folder_ + "/c.yaml");
  EXPECT_NE(mistakes.find("the key of SA 'sa0' at line 5 too"), std::string::npos) << mistakes;
  EXPECT_EQ(mistakes.find("c0ffee"), std::string::npos);
}

TEST(KeyReuse, AHundredThousandSasTakeNoLongTime) {
  std::vector<KeyedSa> sas(100000);
  for (std::size_t i = 0; i < sas.size(); ++i) {
    std::array<char, 64> key{};
    std::snprintf(key.data(), key.size(), "hex:%040zx", i % 99999);
    sas[i] = {i % 2 == 0 ? "in" : "out", key.data()};
  }
  const std::string text = with_keys(sas);
  const std::clock_t start = std::clock();  // of this process: others do not count
  EXPECT_EQ(shared_in(text), shared({{99999, 0}}));
  EXPECT_LT(std::clock() - start, 60 * CLOCKS_PER_SEC);  // with sanitizers and to spare
}

template <class T>
concept Printable = requires(std::ostream& out, const T& value) {
  out << value;
};

TEST(SecretType, CopiesShareTheOctetsAndNoneIsPrinted) {
  static_assert(std::is_nothrow_move_constructible_v<Secret> && std::is_nothrow_move_assignable_v<Secret>);
  static_assert(!Printable<Secret> && Printable<int>);
  Secret a(secret::Octets{1, 2, 3});
  const Secret copy = a;
  EXPECT_EQ(copy.bytes().data(), a.bytes().data());
  Secret b = std::move(a);
  EXPECT_TRUE(a.empty());  // NOLINT(bugprone-use-after-move): that is what is tested
  EXPECT_EQ(b.bytes().size(), 3U);
  EXPECT_TRUE(std::equal(b.bytes().begin(), b.bytes().end(), copy.bytes().begin()));
}

TEST(SecretType, AnAssignedOverKeyIsWiped) {
  secret::Octets octets(64, 0x5a);
  const std::uint8_t* const place = octets.data();
  Secret key(std::move(octets));
  ASSERT_EQ(key.bytes().data(), place) << "no second copy";
  key = Secret();
  EXPECT_TRUE(key.empty());
}

}  // namespace
}  // namespace strata::config
