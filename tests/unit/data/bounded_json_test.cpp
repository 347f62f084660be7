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

}  // namespace
}  // namespace caravan::data
