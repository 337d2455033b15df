// Entries one by one: what comes of them is what a file with them says, and what is wrong with them too.
#include "config/amend.hpp"

#include <gtest/gtest.h>

#include <regex>

#include "config/difference.hpp"
#include "config/document_json.hpp"
#include "config/memory.hpp"
#include "tests/unit/config_sample.hpp"

namespace strata::config {
namespace {

using nlohmann::json;

json json_of(const std::string& yaml) {
  const auto document = read_document(yaml);
  if (!document) ADD_FAILURE() << document.error().message;
  return *to_json(*document);
}

const char* const kSecondSa =
    R"({name: from-c, direction: in, spi: 0x1002, source: 192.0.2.3, destination: 192.0.2.1, algorithm: aes-128-gcm,
    key: "hex:5152535455565758595a5b5c5d5e5f6061626364", selectors: {source: "fc00:3::/48", destination: "fc00:1::/48"}})";

// The sample's list that a new entry goes to, and such an entry.
struct Case {
  const char* name;
  const char* section;  // empty: the list is in none
  const char* list;
  const char* before;  // this of the sample is behind the list
  std::string entry;
  json known_by;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> kAll{
      {"neighbor",
       "",
       "neighbors",
       "ipsec:\n",
       "{port: wan, address: 192.0.2.9, mac: \"02:00:00:00:02:09\"}",
       {{"port", "wan"}, {"address", "192.0.2.9"}}},
      {"sa", "ipsec", "security_associations", "srv6:\n", kSecondSa, "from-c"},
      {"sid", "srv6", "local_sids", "  policies:\n",
       "{sid: \"fc00:1::d5\", behavior: End.DX4, next_hop: 10.1.0.9, port: lan}", "fc00:1::d5/128"},
      {"policy", "srv6", "policies", "routes:\n", "{name: to-c, prefixes: [10.4.0.0/16], segments: [\"fc00:2::d5\"]}",
       "to-c"},
      {"route", "", "routes", "bypass:\n", "{prefix: 10.5.0.0/16, next_hop: 192.0.2.9, port: wan}", "10.5.0.0/16"},
  };
  return kAll;
}

json sections(const Case& of, json entry) {
  json list = json::array({std::move(entry)});
  if (*of.section == '\0') return {{of.list, std::move(list)}};
  return {{of.section, {{of.list, std::move(list)}}}};
}

Amendment adding(const Case& of, const std::string& entry) {
  return {.deleted = json::object(), .added = sections(of, json_of(entry))};
}

std::string in_file(const Case& of, const std::string& entry) {
  const std::string indent(*of.section == '\0' ? 2 : 4, ' ');
  return changed(of.before, indent + "- " + entry + "\n" + of.before);
}

std::vector<std::string> changes_of(const Config& before, const Config& after) {
  std::vector<std::string> lines;
  for (const Change& change : difference(before, after).changes) lines.push_back(to_string(change));
  return lines;
}

std::string messages(const tl::expected<Config, std::vector<Problem>>& result) {
  if (result) return {};
  std::string out;
  for (const Problem& problem : result.error()) out += problem.found + "; " + problem.message + "\n";
  return out;
}

class EachKind : public testing::TestWithParam<Case> {};

TEST_P(EachKind, AddedItIsAsInAFileAndDeletedItWasNeverThere) {
  const Config before = parsed(std::string(kSample));
  const auto more = amended(before, adding(GetParam(), GetParam().entry));
  ASSERT_TRUE(more) << messages(more);
  EXPECT_EQ(changes_of(before, *more).size(), 1U);
  EXPECT_EQ(changes_of(parsed(in_file(GetParam(), GetParam().entry)), *more), std::vector<std::string>());
  const auto less = amended(*more, {.deleted = sections(GetParam(), GetParam().known_by), .added = json::object()});
  ASSERT_TRUE(less) << messages(less);
  EXPECT_EQ(changes_of(before, *less), std::vector<std::string>());
}

TEST_P(EachKind, TwiceOrUnknownItIsRefused) {
  const Config before = parsed(std::string(kSample));
  const auto more = amended(before, adding(GetParam(), GetParam().entry));
  ASSERT_TRUE(more);
  const std::string twice = messages(amended(*more, adding(GetParam(), GetParam().entry)));
  EXPECT_NE(twice.find("at no line of the file"), std::string::npos) << twice;
  const std::string none =
      messages(amended(before, {.deleted = sections(GetParam(), GetParam().known_by), .added = json::object()}));
  EXPECT_NE(none.find("there is none; `strata show "), std::string::npos) << none;
}

INSTANTIATE_TEST_SUITE_P(Amend, EachKind, testing::ValuesIn(cases()),
                         [](const auto& of) { return std::string(of.param.name); });

std::string with(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

struct Mistake {
  std::size_t kind;
  const char* from;
  const char* to;
};

// One mistake of each check that looks at other entries, at the ports, or at the value alone.
const Mistake kMistakes[] = {
    {0, "192.0.2.9", "198.51.100.9"},
    {0, "port: wan", "port: wam"},
    {0, "port: wan, address: 192.0.2.9", "port: lan, address: 10.1.0.2"},
    {1, "0x1002", "200"},
    {1, "0x1002", "0x1001"},
    {1, "name: from-c", "name: to-b"},
    {1, "destination: 192.0.2.1", "destination: 192.0.2.7"},
    {1, "6364", "63"},
    {1, "5152535455565758595a5b5c5d5e5f6061626364", "nonsense"},
    {1, "fc00:3::/48", "fc00:2::/40"},
    {1, "direction: in, spi: 0x1002, source: 192.0.2.3, destination: 192.0.2.1",
     "direction: out, spi: 0x1002, source: 192.0.2.1, destination: 192.0.2.3, protocol: esp"},
    {2, "fc00:1::d5", "fc00:1::d4"},
    {2, "End.DX4", "End.DT4"},
    {2, "10.1.0.9", "10.1.0.1"},
    {3, "10.4.0.0/16", "10.3.0.0/16"},
    {3, "10.4.0.0/16", "10.1.0.0/24"},
    {3, "name: to-c", "name: to-b"},
    {3, "prefixes: [10.4.0.0/16], ", ""},
    {4, "10.5.0.0/16", "10.5.0.1/16"},
    {4, "192.0.2.9", "192.0.2.255"},
};

// But for the line of the other entry, as of one that is in force only its beginning is known; and for YAML's quotes.
std::string without_lines(const std::string& text) {
  static const std::regex kLine("at line [0-9]+");
  static const std::regex kQuote("\"");
  return std::regex_replace(std::regex_replace(text, kLine, "at a line"), kQuote, "");
}

TEST(Amend, AMistakeIsToldAsThatOfAFile) {
  const Config before = parsed(std::string(kSample));
  for (const Mistake& mistake : kMistakes) {
    const Case& of = cases()[mistake.kind];
    const std::string entry = with(of.entry, mistake.from, mistake.to);
    const std::string file = messages(parse_text(in_file(of, entry), "c.yaml"));
    EXPECT_NE(file, "") << entry;
    EXPECT_EQ(without_lines(messages(amended(before, adding(of, entry)))), without_lines(file)) << entry;
  }
}

TEST(Amend, ThePrefixOfAPolicyIsNoRoutes) {
  const Config before = parsed(std::string(kSample));
  EXPECT_EQ(
      without_lines(messages(amended(before, adding(cases()[4], with(cases()[4].entry, "10.5.", "10.2."))))),
      "10.2.0.0/16; taken by the policy 'to-b' at a line; allowed: each prefix once, over all routes and policies\n");
}

TEST(Amend, AKeyThatSealsIsNoOthers) {
  const Config before = parsed(std::string(kSample));
  const std::string entry = with(kSecondSa, "5152535455565758595a5b5c5d5e5f6061626364",
                                 "2122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f4041424344");
  const auto one = amended(before, adding(cases()[1], with(entry, "aes-128-gcm", "aes-256-gcm")));
  ASSERT_FALSE(one);
  EXPECT_EQ(messages(one).find("(not shown); the key of SA 'to-b' at line 33 too; allowed: a key of its own"), 0U)
      << messages(one);
}

TEST(Amend, NoFileIsReadForAKey) {
  const Config before = parsed(std::string(kSample));
  const auto one = amended(
      before, adding(cases()[1], with(kSecondSa, "hex:5152535455565758595a5b5c5d5e5f6061626364", "file:/etc/shadow")));
  EXPECT_EQ(messages(one).find("(not shown); no key in hexadecimal; allowed here: hex:DIGITS"), 0U) << messages(one);
}

TEST(Amend, OfSeveralAllOrNoneAndWhatGoesMakesRoomForWhatComes) {
  const Config before = parsed(std::string(kSample));
  const std::string other = with(kSecondSa, "name: from-c", "name: from-b");
  const Amendment replaced{.deleted = sections(cases()[1], "from-b"), .added = sections(cases()[1], json_of(other))};
  const auto after = amended(before, replaced);
  ASSERT_TRUE(after) << messages(after);
  ASSERT_EQ(after->security_associations.size(), before.security_associations.size());
  EXPECT_EQ(after->security_associations.back().spi, 0x1002U);
  EXPECT_EQ(before.security_associations[0].spi, 0x1001U);

  Amendment half = replaced;
  half.deleted["routes"] = {"10.99.0.0/16"};
  EXPECT_EQ(messages(amended(before, half)), "10.99.0.0/16; there is none; `strata show routes` lists them\n");
}

TEST(Amend, WhatIsNoEntryIsRefused) {
  const Config before = parsed(std::string(kSample));
  const auto told = [&](const json& added, const json& deleted = json::object()) {
    return messages(amended(before, {.deleted = deleted, .added = added}));
  };
  EXPECT_EQ(told({{"ports", json::object()}}),
            "an unknown key; did you mean 'routes'? allowed: neighbors, ipsec, srv6, routes\n");
  EXPECT_EQ(told({{"srv6", {{"source", "fc00::1"}}}}),
            "an unknown key; it is the file's alone: write it there, and `strata reload`\n");
  EXPECT_EQ(told(json::array()), "no mapping; allowed: sections of a configuration\n");
  EXPECT_EQ(told({{"routes", "10.0.0.0/8"}}), "10.0.0.0/8; allowed: a list of mappings\n");
  EXPECT_EQ(told(json::object(), {{"routes", {7}}}), "7; allowed: an IPv4 prefix as 192.0.2.0/24, without host bits\n");
  EXPECT_EQ(told(json::object(), {{"neighbors", {{{"port", "lan"}}}}}),
            "nothing; required; allowed: an IPv4 address\n");
  json deep = "x";
  for (int i = 0; i < 100; ++i) deep = json::array({deep});
  EXPECT_EQ(told({{"routes", deep}}), "; lists and mappings that are nested too deep; allowed: 64\n");
}

TEST(Amend, MemoryThatNobodySaidFollows) {
  Config before = parsed(std::string(kLiveSample));
  before.reassembly = {.enabled = true, .packets = 40000};
  const std::uint32_t unsaid = memory_unsaid(before);
  while (memory_unsaid(before) == unsaid) ++before.reassembly.packets;
  --before.reassembly.packets;  // the last with so much memory
  before.eal.memory = unsaid;
  ASSERT_GT(unsaid, kLeastMemoryUnsaid);
  json routes = json::array();
  for (int i = 0; i < 20'000; ++i)
    routes.push_back({{"prefix", "11." + std::to_string(i >> 14) + "." + std::to_string(i >> 6 & 255) + "." +
                                     std::to_string((i & 63) << 2) + "/30"},
                      {"next_hop", "192.0.2.9"},
                      {"port", before.ports[0].name}});
  const auto after = amended(before, {.deleted = json::object(), .added = {{"routes", routes}}});
  ASSERT_TRUE(after) << messages(after).substr(0, 200);
  EXPECT_GT(after->eal.memory, unsaid);
  before.eal.memory = unsaid + 1;
  EXPECT_EQ(amended(before, {})->eal.memory, unsaid + 1);
}

TEST(DocumentJson, WhatAPersonWroteArrivesAsItWas) {
  const json made = json_of("{a: 1, b: 0x10, c: '2', d: true, e: 'true', f: ~, g: [x, {h: fc00::1}], i: 007, j: -1}");
  EXPECT_EQ(made, json({{"a", 1},
                        {"b", "0x10"},
                        {"c", "2"},
                        {"d", true},
                        {"e", "true"},
                        {"f", nullptr},
                        {"g", {"x", {{"h", "fc00::1"}}}},
                        {"i", "007"},
                        {"j", "-1"}}));
  json back = made;
  back["c"] = 2;  // in quotes a number is one as well
  EXPECT_EQ(*to_json(*document_of(made)), back);
}

TEST(DocumentJson, AKeyTwiceIsRefused) {
  const auto twice = to_json(*read_document("{a: 1,\n b: {c: 1, c: 2}}"));
  ASSERT_FALSE(twice);
  EXPECT_EQ(to_string(twice.error(), "f"),
            "f:2:12: c: found a key that is there already, or is no text; allowed: each key once");
}

}  // namespace
}  // namespace strata::config
