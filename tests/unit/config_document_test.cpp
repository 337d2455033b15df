// A YAML text as a tree: what is where, and what is refused.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "config/document.hpp"

namespace strata::config {
namespace {

// A node with all below it: what was written, with the place of each.
std::string told(const Document& document, const Node& node) {
  std::string out;
  switch (node.kind) {
    case NodeKind::nothing: out = "nothing"; break;
    case NodeKind::scalar: out = node.quoted ? '"' + std::string(node.text()) + '"' : std::string(node.text()); break;
    case NodeKind::list: out = "list"; break;
    case NodeKind::mapping: out = "mapping"; break;
  }
  out += '@' + std::to_string(node.mark.line) + ':' + std::to_string(node.mark.column);
  if (node.kind != NodeKind::list && node.kind != NodeKind::mapping) return out;
  out += '(';
  for (const std::uint32_t child : node.children()) out += ' ' + told(document, document.at(child));
  return out + " )";
}

std::string tree(std::string_view text) {
  const auto document = read_document(text);
  return document ? told(*document, document->root()) : to_string(document.error(), "c.yaml");
}

TEST(Document, HasEachThingAtItsPlace) {
  EXPECT_EQ(tree("a: 1\nb:\n  - x\n  - {c: \"d\"}\n"),
            "mapping@1:1( a@1:1 1@1:4 b@2:1 list@3:3( x@3:5 mapping@4:5( c@4:6 \"d\"@4:9 ) ) )");
}

TEST(Document, ColumnsCountCharactersAndNotOctets) {
  EXPECT_EQ(tree("\xc3\xa4: \xe2\x82\xac\n"), "mapping@1:1( \xc3\xa4@1:1 \xe2\x82\xac@1:4 )");
}

TEST(Document, WindowsLineEndsCountOnce) {
  EXPECT_EQ(tree("a: 1\r\nb: 2\r\n"), "mapping@1:1( a@1:1 1@1:4 b@2:1 2@2:4 )");
}

TEST(Document, NothingIsWhereItsKeyIs) {
  EXPECT_EQ(tree("a:\n\n  # later\nb: {c: , d}\n"),
            "mapping@1:1( a@1:1 nothing@1:1 b@4:1 mapping@4:4( c@4:5 nothing@4:5 d@4:10 nothing@4:10 ) )");
}

TEST(Document, NothingHasItsWords) {
  EXPECT_EQ(tree("[~, null, Null, NULL, nULL, \"null\", '']\n"),
            "list@1:1( nothing@1:2 nothing@1:5 nothing@1:11 nothing@1:17 nULL@1:23 \"null\"@1:29 \"\"@1:37 )");
}

TEST(Document, EscapesFoldsAndBlocksAreTexts) {
  EXPECT_EQ(tree("[\"a\\tb\\x41\\u20ac\", 'it''s']"), "list@1:1( \"a\tbA\xe2\x82\xac\"@1:2 \"it's\"@1:20 )");
  EXPECT_EQ(tree("a: |\n  x\n  y\nb: >\n  x\n  y\n"), "mapping@1:1( a@1:1 \"x\ny\n\"@1:4 b@4:1 \"x y\n\"@4:4 )");
}

TEST(Document, ColonsInsideTextsAreTexts) {
  EXPECT_EQ(tree("{a: fc00::1, b: 02:00}\n"), "mapping@1:1( a@1:2 fc00::1@1:5 b@1:14 02:00@1:17 )");
}

TEST(Document, AKeyThatIsThereTwiceIsThereTwice) {
  EXPECT_EQ(tree("a: 1\na: 2\n"), "mapping@1:1( a@1:1 1@1:4 a@2:1 2@2:4 )");
}

TEST(Document, AnAliasIsTheThingThatItNames) {
  EXPECT_EQ(tree("a: &x {b: 1}\nc: *x\n"),
            "mapping@1:1( a@1:1 mapping@1:4( b@1:8 1@1:11 ) c@2:1 mapping@1:4( b@1:8 1@1:11 ) )");
  EXPECT_EQ(tree("[&x 1, &x 2, *x]\n"), "list@1:1( 1@1:2 2@1:8 2@1:8 )");
}

TEST(Document, ANameThatWasGivenAnewInsideIsTheInnerOnes) {
  EXPECT_EQ(tree("- &x [&x 1]\n- *x\n"), "list@1:1( list@1:3( 1@1:7 ) 1@1:7 )");
}

TEST(Document, AnAliasInsideWhatItNamesIsRefused) {
  EXPECT_EQ(tree("a: &x {b: *x}\n"), "c.yaml:1:11: an alias inside the very thing that it names");
  EXPECT_EQ(tree("a: *x\n"), "c.yaml:1:4: not YAML: the referenced anchor is not defined");
}

TEST(Document, TagsAreRefusedOnAllKinds) {
  for (const std::string_view value : {"! x", "!!str x", "!a [x]", "!a {x: y}", "!<tag:x> \"x\""})
    EXPECT_EQ(tree("a: " + std::string(value) + "\n"),
              "c.yaml:1:4: a YAML tag (!...); allowed: none, write the value alone");
}

TEST(Document, IsOneDocument) {
  EXPECT_EQ(tree("---\na: 1\n...\n"), "mapping@2:1( a@2:1 1@2:4 )");
  EXPECT_EQ(tree("a: 1\n---\nb: 1\n"), "c.yaml:2:1: a second YAML document; allowed: one document in a file");
  for (const std::string_view none : {"", "\n\n", "# no more\n"})
    EXPECT_EQ(tree(none), "c.yaml:1:1: an empty file; allowed: a mapping with 'ports'");
}

TEST(Document, OctetsThatAreNoTextAreRefusedAtTheirPlace) {
  EXPECT_EQ(tree("a: 1\nb: \xff\n"), "c.yaml:2:4: not YAML: invalid leading UTF-8 octet; allowed: UTF-8 text");
  EXPECT_EQ(tree("a: 1\nb: x\004\n"), "c.yaml:2:5: a control character; allowed: UTF-8 text");
  EXPECT_EQ(tree(std::string_view("a: \0b\n", 6)), "c.yaml:1:4: a control character; allowed: UTF-8 text");
}

TEST(Document, SyntaxErrorsHaveTheirPlaceAndNoTextFromTheFile) {
  EXPECT_EQ(tree("a: [1, 2\nb: 1\n"),
            "c.yaml:2:2: not YAML: did not find expected ',' or ']', while parsing a flow sequence at line 1");
  for (const std::string_view broken : {"key: \"hex:0102\n", "key: hex:0102\n hex:0102: x\n", "key: &hex!0102 x\n",
                                        "%hex:0102\n", "key: \"\\hex:0102\"\n", "@hex:0102\n"}) {
    const auto document = read_document(broken);
    ASSERT_FALSE(document) << broken;
    EXPECT_EQ(document.error().message.find("0102"), std::string::npos) << document.error().message;
  }
}

TEST(Document, NestingHasAnEnd) {
  const std::string most = std::string(64, '[') + std::string(64, ']');
  EXPECT_TRUE(read_document(most));
  EXPECT_EQ(tree(std::string(65, '[') + std::string(65, ']')),
            "c.yaml:1:65: lists and mappings that are nested too deep; allowed: 64");
  EXPECT_EQ(tree(std::string(8'000'000, '[')), "c.yaml:1:65: lists and mappings that are nested too deep; allowed: 64");
}

TEST(Document, AListOfAMillionHasThemAll) {
  std::string text;
  for (int i = 0; i < 1'000'000; ++i) text += "- " + std::to_string(i) + "\n";
  const auto document = read_document(text);
  ASSERT_TRUE(document) << document.error().message;
  const auto entries = document->root().children();
  ASSERT_EQ(entries.size(), 1'000'000);
  EXPECT_EQ(document->at(entries.front()).text(), "0");
  EXPECT_EQ(document->at(entries.back()).text(), "999999");
  EXPECT_EQ(document->at(entries.back()).mark.line, 1'000'000);
}

}  // namespace
}  // namespace strata::config
