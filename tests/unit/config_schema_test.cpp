// The schema against all that comes from it: the parser, docs/configuration.md, config/strata.schema.json, the
// examples.
#include "config/schema.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "config/schema_text.hpp"
#include "tests/unit/config_sample.hpp"

namespace strata::config {
namespace {

std::string content_of(const std::string& path) {
  std::ifstream file(std::string(STRATA_SOURCE_ROOT) + "/" + path);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string between(const std::string& text, const std::string& begin, const std::string& end) {
  const std::size_t from = text.find(begin);
  if (from == std::string::npos) return {};
  const std::size_t start = text.find('\n', from) + 1;
  return text.substr(start, text.find(end, start) - start);
}

void for_each_field(const Section& section, const std::function<void(const Section&, const Field&)>& fn) {
  for (const Field& field : section.fields) {
    fn(section, field);
    if (field.section != nullptr) for_each_field(*field.section, fn);
  }
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    out.push_back(text.substr(at, end - at));
    at = end == std::string::npos ? text.size() : end + 1;
  }
  return out;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += line + "\n";
  return out;
}

struct Keyed {
  std::size_t line;    // counted from 0
  std::size_t column;  // of the key
  std::string key;
};

// Every key that begins a line of the sample, but for the names of ports.
std::vector<Keyed> keys_of(std::string_view sample) {
  std::vector<Keyed> out;
  const std::vector<std::string> lines = lines_of(std::string(sample));
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::size_t column = lines[i].find_first_not_of(" -");
    const std::string key = lines[i].substr(column, lines[i].find(':') - column);
    if (key != "wan" && key != "lan" && key != "tap" && key.front() != '{') out.push_back({i, column, key});
  }
  return out;
}

class ConfigSample : public testing::TestWithParam<std::string_view> {};
INSTANTIATE_TEST_SUITE_P(Both, ConfigSample, testing::Values(kSample, kLiveSample),
                         [](const auto& of) { return of.index == 0 ? "tunnel" : "live"; });

TEST_P(ConfigSample, EveryKeyMistypedIsRefusedWithTheRightOneNamed) {
  for (const Keyed& keyed : keys_of(GetParam())) {
    std::vector<std::string> lines = lines_of(std::string(GetParam()));
    lines[keyed.line].insert(keyed.column + keyed.key.size(), "z");
    const std::string place =
        "c.yaml:" + std::to_string(keyed.line + 1) + ":" + std::to_string(keyed.column + 1) + ": ";
    const std::string mistakes = mistakes_in(joined(lines));
    EXPECT_NE(mistakes.find(place), std::string::npos) << mistakes;
    EXPECT_NE(mistakes.find("did you mean '" + keyed.key + "'?"), std::string::npos) << mistakes;
  }
}

TEST_P(ConfigSample, EveryValueOfAWrongKindIsRefused) {
  for (const Keyed& keyed : keys_of(GetParam())) {
    std::vector<std::string> lines = lines_of(std::string(GetParam()));
    const std::size_t colon = lines[keyed.line].find(':');
    if (colon + 1 == lines[keyed.line].size()) continue;  // its value is the lines below
    for (const char* wrong : {" {a: b}", " [[]]", "", " \"\""}) {
      const std::string right = lines[keyed.line].substr(colon + 1);
      lines[keyed.line].replace(colon + 1, std::string::npos, wrong);
      const std::string mistakes = mistakes_in(joined(lines));
      EXPECT_NE(mistakes.find(keyed.key), std::string::npos) << keyed.key << wrong << "\n" << mistakes;
      lines[keyed.line].replace(colon + 1, std::string::npos, right);
    }
  }
}

TEST(ConfigSchema, TheSamplesAreGoodAndHaveEveryKey) {
  std::set<std::string> there;
  for (const std::string_view sample : {kSample, kLiveSample}) {
    EXPECT_EQ(mistakes_in(std::string(sample)), "");
    for (const Keyed& keyed : keys_of(sample)) there.insert(keyed.key);
  }
  for_each_field(root_section(), [&](const Section&, const Field& field) {
    EXPECT_TRUE(there.contains(std::string(field.key))) << field.key;
  });
}

TEST(ConfigSchema, ASectionOfAWrongKindIsRefused) {
  for (const char* key : {"ports", "neighbors", "ipsec", "srv6", "routes", "bypass", "arp", "icmp", "reassembly",
                          "workers", "eal", "control"}) {
    for (const char* wrong : {" 1", " text", "", " [1]", " [[]]"}) {
      const std::string text =
          std::string(key == std::string("ports") ? "" : "ports: {a: {device: x}}\n") + key + ":" + wrong;
      EXPECT_NE(mistakes_in(text).find(key), std::string::npos) << text;
    }
  }
}

TEST(ConfigSchema, DefaultsAndLimitsAreOfTheirType) {
  for_each_field(root_section(), [](const Section& section, const Field& field) {
    EXPECT_LE(section.fields.size(), std::size_t{16}) << section.path;
    EXPECT_FALSE(field.description.empty()) << field.key;
    EXPECT_FALSE(field.required && !field.default_text.empty()) << field.key;
    EXPECT_EQ(field.type == Type::choice, !field.choices.empty()) << field.key;
    EXPECT_EQ(field.type == Type::mapping || field.type == Type::named_mappings, field.section != nullptr) << field.key;
    EXPECT_EQ(field.type == Type::number || field.list || field.type == Type::named_mappings, field.min < field.max)
        << field.key;
  });
}

TEST(ConfigDocs, ReferenceIsTheSchemas) {
  EXPECT_EQ(between(content_of("docs/configuration.md"), "<!-- reference begin", "<!-- reference end"),
            reference_markdown())
      << "strata-config-docs --reference makes it anew";
}

TEST(ConfigDocs, JsonSchemaIsTheSchemas) {
  EXPECT_EQ(content_of("config/strata.schema.json"), json_schema()) << "strata-config-docs --schema makes it anew";
}

TEST(ConfigDocs, EveryKeyIsThere) {
  const std::string docs = content_of("docs/configuration.md");
  for_each_field(root_section(), [&docs](const Section& section, const Field& field) {
    EXPECT_NE(docs.find("| `" + std::string(field.key) + "` |"), std::string::npos) << section.path << " " << field.key;
  });
}

TEST(ConfigDocs, ItsExamplesAreGoodAndItsMistakesAreReportedAsItSays) {
  const std::string docs = content_of("docs/configuration.md");
  const std::size_t errors = docs.find("## What errors look like");
  ASSERT_NE(errors, std::string::npos);
  int examples = 0;
  for (std::size_t at = 0; (at = docs.find("```yaml", at)) < errors; ++at, ++examples) {
    EXPECT_EQ(mistakes_in(between(docs.substr(at), "```yaml", "```")), "");
  }
  EXPECT_GE(examples, 2);
  const std::string part = docs.substr(errors);
  const std::string mistakes = mistakes_in(between(part, "```yaml", "```"), "gateway.yaml");
  EXPECT_EQ(mistakes + "6 mistakes in gateway.yaml; nothing was applied\n", between(part, "```text", "```"));
}

TEST(ConfigExamples, AreGood) {
  for (const char* name : {"gateway-a", "gateway-b", "minimal"}) {
    const std::string path = "config/examples/" + std::string(name) + ".yaml";
    EXPECT_EQ(mistakes_in(content_of(path), path), "") << name;
  }
}

// What one gateway seals, the other opens.
TEST(ConfigExamples, TheTwoGatewaysMirrorEachOther) {
  const auto a = parse_text(content_of("config/examples/gateway-a.yaml"), "a");
  const auto b = parse_text(content_of("config/examples/gateway-b.yaml"), "b");
  ASSERT_TRUE(a && b);
  for (const auto& [mine, theirs] : {std::pair{&*a, &*b}, std::pair{&*b, &*a}}) {
    const SecurityAssociation& out = mine->security_associations.at(1);
    const SecurityAssociation& in = theirs->security_associations.at(0);
    EXPECT_EQ(out.direction, Direction::out);
    EXPECT_EQ(in.direction, Direction::in);
    EXPECT_EQ(out.spi, in.spi);
    EXPECT_EQ(out.source, in.source);
    EXPECT_EQ(out.destination, in.destination);
    EXPECT_EQ(out.selectors.source, in.selectors.source);
    EXPECT_EQ(out.selectors.destination, in.selectors.destination);
    EXPECT_TRUE(std::equal(out.key.bytes().begin(), out.key.bytes().end(), in.key.bytes().begin()));
    EXPECT_TRUE(wire::contains(theirs->local_sids.at(0).sid, mine->policies.at(0).segments.at(0)));
    EXPECT_TRUE(wire::contains(in.selectors.destination, theirs->local_sids.at(0).sid.address));
    EXPECT_TRUE(wire::contains(in.selectors.source, *mine->srv6_source));
  }
}

}  // namespace
}  // namespace strata::config
