#include "recipes/reader/yaml_tree.h"

#include <gtest/gtest.h>

#include <string>

namespace caravan::recipes {
namespace {

YamlNode parse(const std::string& text) {
  return parse_yaml(text, {.origin = "r.yaml"});
}

std::string error_of(const std::string& text) {
  try {
    parse(text);
  } catch (const RecipeError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(YamlTree, KeepsPlaces) {
  const YamlNode root = parse("a: 1\nb:\n  - x\n  - {c: \"two words\"}\nd:\n");
  ASSERT_EQ(root.entries.size(), 3u);
  EXPECT_EQ(root.entries[0].value.where.text(), "r.yaml:1:4");
  EXPECT_EQ(root.entries[1].where.text(), "r.yaml:2:1");
  const YamlNode& item = root.entries[1].value.items.at(1);
  EXPECT_EQ(item.entries[0].value.text, "two words");
  EXPECT_EQ(item.entries[0].value.where.text(), "r.yaml:4:9");
  EXPECT_EQ(root.entries[2].value.kind, YamlNode::Kind::kNull);
  EXPECT_EQ(root.entries[2].value.where.text(), "r.yaml:5:1");  // the key's place: nothing has none
}

TEST(YamlTree, KeepsRepeatedKeys) {
  const YamlNode root = parse("a: 1\na: 2\n");
  ASSERT_EQ(root.entries.size(), 2u);
  EXPECT_EQ(root.entries[1].where.text(), "r.yaml:2:1");
}

TEST(YamlTree, AliasesAreWrittenOut) {
  YamlNode root = parse("a: &x {k: 1}\nb: *x\n");
  ASSERT_NE(root.find("b"), nullptr);
  EXPECT_EQ(root.find("b")->find("k")->text, "1");
}

TEST(YamlTree, RefusesWhatWouldBeMisread) {
  EXPECT_EQ(error_of("a: 1\n\tb: 2\n"),
            "r.yaml:2:1: a tab indents this line; YAML allows spaces only: replace it");
  EXPECT_EQ(error_of("a: \xff\n"),
            "r.yaml:1:4: byte 0xFF is not UTF-8; a recipe is UTF-8 text: save it as such");
  EXPECT_EQ(error_of("a: \xed\xa0\x80\n").substr(0, 20), "r.yaml:1:4: byte 0xE");  // a surrogate
  EXPECT_EQ(error_of("a: \xc0\xaf\n").substr(0, 20), "r.yaml:1:4: byte 0xC");      // an overlong form
  // The YAML library ends the text at 0x04, without a word.
  EXPECT_EQ(error_of("a: 1\n\x04\nb: 2\n"),
            "r.yaml:2:1: control character 0x04; a recipe is plain text: remove it");
  EXPECT_EQ(error_of(std::string("a: 1\0b", 6)),
            "r.yaml:1:5: control character 0x00; a recipe is plain text: remove it");
  EXPECT_EQ(error_of("a: 1\n--- \nb: 2\n"),
            "r.yaml:3:1: a second document after ---; a recipe is one document");
  EXPECT_EQ(error_of("a: !!python/object x\n"),
            "r.yaml:1:4: tag tag:yaml.org,2002:python/object; recipes have no tags: remove it");
  EXPECT_EQ(error_of("b: {<<: 1}\n"),
            "r.yaml:1:5: << merges maps, which recipes do not do; write the keys out");
  EXPECT_EQ(error_of("? [a]\n: 1\n"),
            "r.yaml:1:3: a list or map as a key; a key is a word: is a bracket left open?");
  EXPECT_EQ(error_of("~: 1\n"), "r.yaml:1:1: a key without a name; a key is a word");
  EXPECT_EQ(error_of("a: &x [*x]\n"),
            "r.yaml:1:8: an alias inside the value that it names; write the value out");
}

TEST(YamlTree, AcceptsWindowsLinesMarksAndComments) {
  YamlNode root = parse("\xef\xbb\xbf# title\r\na: 1\r\n\n# \t\r\nb: Tülu\r\n");
  EXPECT_EQ(root.find("a")->text, "1");
  EXPECT_EQ(root.find("b")->text, "Tülu");
}

TEST(YamlTree, BrokenYamlHasAPlace) {
  EXPECT_EQ(error_of("a: [1, 2\nb: 3\n").substr(0, 17), "r.yaml:2:2: not Y");
  EXPECT_NE(error_of("a: *none\n").find("not YAML"), std::string::npos);
}

TEST(YamlTree, QuotesMustClose) {
  const std::string open = "a quote that is never closed; close it";
  EXPECT_EQ(error_of("a: 'open\n"), "r.yaml:1:4: " + open);
  EXPECT_EQ(error_of("a: \"open\n\n"), "r.yaml:1:4: " + open);
  EXPECT_EQ(error_of("\xef\xbb\xbf"
                     "b: T\xc3\xbc\na: 'it''s\n"),
            "r.yaml:2:4: " + open);
  EXPECT_EQ(error_of("a: \"x\\\"\n"), "r.yaml:1:4: " + open);
  YamlNode closed = parse("a: 'it''s'\nb: \"x\\\"y\"\nc: ''\nd: \"\"\n");
  EXPECT_EQ(closed.find("a")->text, "it's");
  EXPECT_EQ(closed.find("b")->text, "x\"y");
  YamlNode lines = parse("a: 'two\n  lines'\n");
  EXPECT_EQ(lines.find("a")->text, "two lines");
}

TEST(YamlTree, HostileTextCostsLittle) {
  EXPECT_NE(error_of(std::string(1'000'000, '[')).find("is a bracket left open?"), std::string::npos);
  EXPECT_NE(error_of("a: " + std::string(100, '[') + std::string(100, ']')).find("nested more than 32 deep"),
            std::string::npos);
  std::string nested;
  for (int i = 0; i < 1000; ++i) nested += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
  EXPECT_NE(error_of(nested).find("nested more than 32 deep"), std::string::npos);
  // Nine levels of nine aliases would be 387 million values.
  std::string laughs = "l0: &l0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string below = "*l" + std::to_string(i - 1);
    laughs += "l" + std::to_string(i) + ": &l" + std::to_string(i) + " [" + below;
    for (int j = 0; j < 8; ++j) laughs += ", " + below;
    laughs += "]\n";
  }
  EXPECT_NE(error_of(laughs).find("more than 20000 values"), std::string::npos);
  std::string tower = "a0: &a0 [x]\n";
  for (int i = 1; i < 200; ++i) {
    tower += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) + "]\n";
  }
  EXPECT_NE(error_of(tower).find("nested more than 32 deep"), std::string::npos);
  const std::string large(100u << 20, 'x');
  EXPECT_EQ(error_of(large),
            "r.yaml: is 104857600 bytes; a recipe has at most 1048576: is this a data file?");
}

}  // namespace
}  // namespace caravan::recipes
