#include "data/bounded_json.h"

#include <gtest/gtest.h>

#include <sstream>

namespace caravan::data {
namespace {

std::string nested(std::size_t levels, const std::string& inside) {
  std::string text = inside;
  for (std::size_t i = 0; i < levels; ++i) text = i % 2 == 0 ? "[" + text + "]" : "{\"a\":" + text + "}";
  return text;
}

TEST(BoundedJson, TheLastAllowedLevelIsReadAndTheNextIsNot) {
  EXPECT_EQ(parse_bounded_json(nested(kMaxJsonLevels, "1")).dump(), nested(kMaxJsonLevels, "1"));
  EXPECT_TRUE(parse_bounded_json(nested(kMaxJsonLevels + 1, "1")).is_discarded());
}

TEST(BoundedJson, BracketsInTextsAreNoLevels) {
  EXPECT_FALSE(is_nested_deeper("[\"[[[[\\\"[[\", 1]", 1));
  // Closing ones in a text do not make up for what is open.
  EXPECT_TRUE(is_nested_deeper("[\"]\", [\"]\", [1]]]", 2));
  EXPECT_FALSE(is_nested_deeper("[\"]\", [\"]\", [1]]]", 3));
  EXPECT_FALSE(is_nested_deeper("[][][][]]]]]", 1));
}

TEST(BoundedJson, WhatIsNoJsonIsDiscarded) {
  EXPECT_TRUE(parse_bounded_json("").is_discarded());
  EXPECT_TRUE(parse_bounded_json("[1,").is_discarded());
  std::istringstream stream("{\"b\": 1, \"a\": 2}");
  EXPECT_EQ(parse_bounded_json<nlohmann::json>(stream).dump(), R"({"a":2,"b":1})");
}

TEST(BoundedJson, AnOrderedObjectOfTooManyMembersIsNotRead) {
  EXPECT_FALSE(has_crowded_object(R"({"a:b":1,"c":{"d":[1,2,3]},"e":2})", 3));
  EXPECT_TRUE(has_crowded_object(R"({"a:b":1,"c":{"d":[1,2,3]},"e":2})", 2));
  EXPECT_TRUE(has_crowded_object(R"([{"a":1},{"a":1,"b":2}])", 1));
  EXPECT_FALSE(has_crowded_object(R"([{"a":1},{"a":1}]])", 1));
  std::string text = "{";
  for (std::size_t i = 0; i <= kMaxJsonMembers; ++i)
    text += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":0";
  text += "}";
  EXPECT_TRUE(parse_bounded_json(text).is_discarded());
  EXPECT_EQ(parse_bounded_json<nlohmann::json>(text).size(), kMaxJsonMembers + 1);
}

}  // namespace
}  // namespace caravan::data
