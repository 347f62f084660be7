#include "data/readers/json_row.h"

#include <gtest/gtest.h>

#include <random>

#include "data/readers/json_text.h"

namespace caravan::data {
namespace {

using Status = JsonRow::Status;

Status parse(std::string_view text) {
  JsonRow row;
  return row.parse(text);
}

TEST(JsonRow, AcceptsWhatTheStandardAllows) {
  for (const char* text :
       {"{}", "[]", "0", "-0", "1e5", "-1.25E-3", "\"\"", " [ 1 , {\"a\" : null} , true , false ] \r\n",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"", "\"\\ud83d\\ude00\"", "[[[[]]]]", "1e400"}) {
    EXPECT_EQ(parse(text), Status::kOk) << text;
  }
}

TEST(JsonRow, RefusesWhatItForbids) {
  for (const char* text :
       {"",         " ",       "{",           "[1,]",    "{\"a\":1,}", "{\"a\"}", "{a:1}", "01",
        "+1",       "1.",      ".5",          "1e",      "-",          "nul",     "True",  "'a'",
        "\"a",      "\"\\x\"", "\"\\u12g4\"", "\"\\u12", "\"a\tb\"",   "[1 2]",   "{} {}", "NaN",
        "Infinity", "[1}",     "{\"a\":1]",   "/**/1",   "\"\\"}) {
    EXPECT_EQ(parse(text), Status::kInvalidJson) << text;
  }
  EXPECT_EQ(parse(std::string_view("\"\\\0\"", 4)), Status::kInvalidJson);
  EXPECT_EQ(parse(std::string(4096, '\0')), Status::kInvalidJson);
}

TEST(JsonRow, TellsTheKindsOfTroubleApart) {
  EXPECT_EQ(parse("\"\xC0\xAF\""), Status::kInvalidUtf8);
  EXPECT_EQ(parse("\"\xED\xA0\x80\""), Status::kInvalidUtf8);
  EXPECT_EQ(parse("\"\\ud83d\""), Status::kLoneSurrogate);
  EXPECT_EQ(parse("\"\\ude00\\ud83d\""), Status::kLoneSurrogate);
  EXPECT_EQ(parse("\"\\ud83d\\u0041\""), Status::kLoneSurrogate);
  EXPECT_EQ(parse("[\"\\ud83d\""), Status::kInvalidJson);
  EXPECT_EQ(parse("{\"a\":1,\"b\":2,\"a\":3}"), Status::kDuplicateKey);
  EXPECT_EQ(parse("{\"a\":1,\"\\u0061\":3}"), Status::kDuplicateKey);
  EXPECT_EQ(parse("{\"x\":{\"a\":1},\"a\":{\"a\":3}}"), Status::kOk);
}

TEST(JsonRow, ManyKeysAreCheckedToo) {
  std::string text = "{";
  for (int i = 0; i < 100000; ++i) text += "\"k" + std::to_string(i) + "\":0,";
  EXPECT_EQ(parse(text + "\"last\":0}"), Status::kOk);
  EXPECT_EQ(parse(text + "\"k77777\":0}"), Status::kDuplicateKey);
}

TEST(JsonRow, DepthIsBounded) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(parse(nested(JsonRow::kMaxDepth)), Status::kOk);
  EXPECT_EQ(parse(nested(100000)), Status::kTooDeep);
  EXPECT_EQ(parse(std::string(1000000, '{')), Status::kInvalidJson);
}

TEST(JsonRow, ValuesComeBackAsWritten) {
  JsonRow row;
  ASSERT_EQ(row.parse("{\"t\":\"a\\n\\u00e9\\ud83d\\ude00\\\"\",\"n\":12345678901234567890,\"l\":[1,-2,0.5,"
                      "true,null],\"o\":{\"\\u0078\":{}}}"),
            Status::kOk);
  const JsonValue root = row.root();
  EXPECT_EQ(root.find("t")->text(), "a\n\xC3\xA9\xF0\x9F\x98\x80\"");
  EXPECT_EQ(root.find("n")->text(), "12345678901234567890");
  EXPECT_TRUE(root.find("o")->find("x").has_value());
  EXPECT_FALSE(root.find("missing").has_value());
  EXPECT_EQ(root.to_json()->dump(),
            "{\"t\":\"a\\n\xC3\xA9\xF0\x9F\x98\x80\\\"\",\"n\":12345678901234567890,\"l\":[1,-2,0.5,true,"
            "null],\"o\":{\"x\":{}}}");
}

TEST(JsonRow, NumbersThatNothingHoldsAreNotRounded) {
  JsonRow row;
  ASSERT_EQ(row.parse("[1e400]"), Status::kOk);
  EXPECT_FALSE(row.root().to_json().has_value());
  ASSERT_EQ(row.parse("[123456789012345678901234567890]"), Status::kOk);
  EXPECT_FALSE(row.root().to_json().has_value());
}

TEST(JsonRow, TruthIsPythons) {
  const auto truth = [](const char* text) {
    JsonRow row;
    EXPECT_EQ(row.parse(text), Status::kOk);
    return row.root().truthy();
  };
  for (const char* text : {"null", "false", "0", "-0.0", "0e5", "\"\"", "[]", "{}"})
    EXPECT_FALSE(truth(text)) << text;
  for (const char* text : {"true", "1", "-0.01", "\"0\"", "[0]", "{\"a\":0}"})
    EXPECT_TRUE(truth(text)) << text;
}

// The same verdict and value as an independent parser, on random damage to sound rows.
TEST(JsonRow, AgreesWithAnotherParserOnMutations) {
  const std::string sound =
      "{\"messages\":[{\"role\":\"user\",\"content\":\"a \\\"b\\\" \\u00e9 "
      "\\ud83d\\ude00\\n\"},{\"n\":[1.5e3,-7,0,true,null]}],\"x\":{}}";
  const std::string alphabet = "{}[]\",:\\u0019eE+-.tfn \n";
  std::mt19937 random(7);
  JsonRow row;
  int accepted = 0;
  for (int round = 0; round < 50000; ++round) {
    std::string text = sound;
    for (std::size_t edits = random() % 3; edits-- > 0;) {
      const std::size_t at = random() % text.size();
      switch (random() % 3) {
        case 0:
          text[at] = alphabet[random() % alphabet.size()];
          break;
        case 1:
          text.erase(at, 1);
          break;
        default:
          text.insert(at, 1, alphabet[random() % alphabet.size()]);
      }
    }
    const Status status = row.parse(text);
    const Json expected = Json::parse(text, nullptr, false);
    if (status == Status::kOk) {
      ++accepted;
      const std::optional<Json> value = row.root().to_json();
      if (!value) continue;  // a number out of range: the other parser may round it
      ASSERT_FALSE(expected.is_discarded()) << text;
      ASSERT_EQ(value->dump(), expected.dump()) << text;
    } else if (status == Status::kInvalidJson) {
      ASSERT_TRUE(expected.is_discarded()) << text;
    }
  }
  EXPECT_GT(accepted, 10000);
}

// Escapes and plain text wherever they lie in blocks of 32 bytes, and back.
TEST(JsonRow, EscapesAreResolvedWhereverTheyStand) {
  std::mt19937 random(6);
  const std::vector<std::string> pieces = {"\n", "\"",  "\\", "\t", "\xc3\xa9", "\xf0\x9f\x98\x80",
                                           "/",  "\x01"};
  for (int round = 0; round < 5000; ++round) {
    std::string text;
    for (std::size_t i = random() % 6; i > 0; --i)
      text += std::string(random() % 70, 'x') + pieces[random() % pieces.size()];
    std::string written;
    append_json_string(written, text);
    EXPECT_EQ(written, Json(text).dump());
    for (const std::string& row : {written, Json(text).dump(-1, ' ', true)}) {
      JsonRow json;
      ASSERT_EQ(json.parse(row), JsonRow::Status::kOk) << row;
      std::string read = "before ";
      json.root().append_text(read);
      ASSERT_EQ(read, "before " + text) << row;
    }
  }
}

TEST(JsonRow, LongStringsEndWhereTheyEnd) {
  for (std::size_t length = 0; length < 70; ++length) {
    const std::string body(length, 'x');
    JsonRow row;
    const std::string text = "\"" + body + "\"";
    ASSERT_EQ(row.parse(text), Status::kOk) << length;
    EXPECT_EQ(row.root().text(), body);
    EXPECT_EQ(row.parse("\"" + body + "\x01\""), Status::kInvalidJson) << length;
    EXPECT_EQ(row.parse("\"" + body), Status::kInvalidJson) << length;
  }
}

}  // namespace
}  // namespace caravan::data
