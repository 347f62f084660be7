// `caravan data filter` from its flags to its files.
#include "recipes/commands/data_filter.h"

#include <gtest/gtest.h>

#include "data/error.h"
#include "data/filters/filter_options.h"
#include "recipes/commands/field_flags.h"
#include "recipes/field_list.h"
#include "recipes/reader/field_reader.h"
#include "tests/support/json_file.h"
#include "tests/support/temp_dir.h"

namespace caravan::recipes {
namespace {

using data::Error;
using data::Json;

std::string chat(const std::string& id, const std::string& prompt, const std::string& answer) {
  return Json{{"id", id},
              {"messages",
               {{{"role", "user"}, {"content", prompt}}, {{"role", "assistant"}, {"content", answer}}}}}
             .dump() +
         "\n";
}

class DataFilter : public testing::Test {
 protected:
  int filter(std::vector<std::string> args) const {
    for (const std::string& more :
         {std::string("--out"), out_, std::string("--report"), report_, std::string("--force")})
      args.push_back(more);
    testing::internal::CaptureStderr();
    int code = -1;
    try {
      code = run_data_filter(args);
    } catch (...) {
      testing::internal::GetCapturedStderr();
      throw;
    }
    said_ = testing::internal::GetCapturedStderr();
    return code;
  }
  // "65 text" of the error.
  std::string refusal(const std::vector<std::string>& args) const {
    try {
      filter(args);
    } catch (const Error& error) {
      return std::to_string(error.exit_code()) + ' ' + error.what();
    }
    return "accepted";
  }
  static std::string bytes(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::string kept() const {
    std::string ids;
    for (const Json& row : tests::read_json_lines(out_)) ids += row["id"].get<std::string>() + " ";
    return ids;
  }

  tests::TempDir dir_;
  const std::string out_ = (dir_ / "out.jsonl").string(), report_ = (dir_ / "report").string();
  mutable std::string said_;
};

TEST_F(DataFilter, RowsThatStayKeepTheirBytesAndOthersHaveReasons) {
  const std::string good =
      "{ \"id\":\"a\",  \"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":"
      "\"assistant\",\"content\":\"\\u00e9\"}], \"x\":1.50}\n";
  const std::string in =
      dir_.write("in.jsonl", good + chat("b", "q", "I am ChatGPT") + chat("c", " ", "GPT-4") + "\n" +
                                 "broken\n{\"x\":1}\n" + chat("d", "ChatGPT?", "No"));
  EXPECT_EQ(filter({in}), 0);
  EXPECT_NE(said_.find("no filter is named"), std::string::npos);
  EXPECT_EQ(kept(), "a d ");
  EXPECT_TRUE(bytes(out_).starts_with(good));
  const Json report = tests::read_json(report_ + "/report.json");
  EXPECT_EQ(report["totals"]["rows"], 7);
  EXPECT_EQ(report["totals"]["kept"], 2);
  EXPECT_EQ(report["totals"]["dropped"], 4);
  EXPECT_EQ(report["totals"]["ignored"], 1);
  const Json filters =
      Json::parse(R"([{"filter":"empty_turn","rows":1,"alone":0},{"filter":"invalid_json","rows":1,"alone":1},
      {"filter":"no_text","rows":1,"alone":1},{"filter":"provider_name","rows":2,"alone":1}])");
  EXPECT_EQ(report["filters"], filters);
  EXPECT_EQ(report["options"], Json::parse(R"({"reference":"true"})"));
  const std::vector<Json> fates = tests::read_json_lines(report_ + "/fates.jsonl");
  ASSERT_EQ(fates.size(), 7u);
  EXPECT_EQ(fates[2]["reasons"], Json::parse(R"(["empty_turn:user","provider_name:GPT-4"])"));
}

TEST_F(DataFilter, ThreadsDoNotChangeABit) {
  std::string rows;
  for (int i = 0; i < 60000; ++i)
    rows += chat(std::to_string(i), i % 7 ? "Tell me of " + std::to_string(i) : "Hello",
                 i % 5   ? "A word on the sea and the rain."
                 : i % 3 ? "As an AI language model"
                         : "a\n```\nb");
  const std::string in = dir_.write("in.jsonl", rows);
  std::string first;
  for (const char* threads : {"1", "2", "5"}) {
    EXPECT_EQ(filter({in, "--identity-statements", "--trivial-prompts", "--unbalanced-fences", "--languages",
                      "en", "--explain", "2", "--threads", threads}),
              0);
    const std::string all =
        bytes(out_) + bytes(report_ + "/fates.jsonl") + bytes(report_ + "/report.json") + said_;
    if (first.empty()) first = all;
    EXPECT_TRUE(first == all) << threads;
  }
  EXPECT_NE(said_.find("trivial:words"), std::string::npos);
}

TEST_F(DataFilter, SamplesAreCutToWidthAndShowWhatIsHidden) {
  const std::string in =
      dir_.write("in.jsonl", chat("a", "q", "I am ChatGPT\x1b[31m\u202e " + std::string(500, 'x')) +
                                 chat("b", "q", "ChatGPT 2") + chat("c", "q", "ChatGPT 3"));
  EXPECT_EQ(filter({in, "--provider-names", "--explain", "2"}), 0);
  EXPECT_NE(said_.find("assistant turn 2: I am ChatGPT\\u{1B}[31m\\u{202E} xxx"), std::string::npos) << said_;
  EXPECT_NE(said_.find("ChatGPT 2"), std::string::npos);
  EXPECT_EQ(said_.find("ChatGPT 3"), std::string::npos);
  EXPECT_EQ(said_.find('\x1b'), std::string::npos);
  EXPECT_EQ(said_.find(std::string(130, 'x')), std::string::npos);
  EXPECT_EQ(filter({"--explain", in, "--provider-names"}), 0);  // without a number: three
  EXPECT_NE(said_.find("ChatGPT 3"), std::string::npos);
}

TEST_F(DataFilter, ARowWithoutTurnsIsShownAsItIsWritten) {
  EXPECT_EQ(filter({dir_.write("in.jsonl", "{\"rows\":[1,2]}\n"), "--empty-turns", "--explain"}), 0);
  EXPECT_NE(said_.find("no_text"), std::string::npos) << said_;
  EXPECT_NE(said_.find("in.jsonl:1  {\"rows\":[1,2]}"), std::string::npos) << said_;
}

TEST_F(DataFilter, OwnListsAndTokens) {
  const std::string in =
      dir_.write("in.jsonl", chat("a", "q", "Ask Sydney.") + chat("b", "q", "sydneysider") +
                                 chat("c", "q", "Sydneysider"));
  const std::string list = dir_.write("list.txt", "# ours\nSydney\n");
  EXPECT_EQ(filter({in, "--keyword-file", list}), 0);
  EXPECT_EQ(kept(), "b c ");
  EXPECT_EQ(filter({in, "--keyword-file", list, "--keyword-whole-words", "false", "--keyword-case", "exact"}),
            0);
  EXPECT_EQ(kept(), "b ");
}

TEST_F(DataFilter, BadSettingsAreRefusedBeforeAnyWork) {
  const std::string in = dir_.write("in.jsonl", chat("a", "q", "b"));
  EXPECT_EQ(refusal({in, "--max-repeated-ngrams", "1.5"}).substr(0, 2), "2 ");
  EXPECT_EQ(refusal({in, "--min-turns", "-1"}).substr(0, 2), "2 ");
  EXPECT_EQ(refusal({in, "--min-turns", "1.5"}).substr(0, 2), "2 ");
  EXPECT_EQ(refusal({in, "--min-turns", "3", "--max-turns", "2"}).substr(0, 2), "2 ");
  EXPECT_EQ(refusal({in, "--languages", "klingon"}).substr(0, 2), "2 ");
  EXPECT_NE(refusal({in, "--min-turn", "3"}).find("did you mean --min-turns?"), std::string::npos);
  EXPECT_EQ(refusal({in, "--drop-pattern", "("}).substr(0, 2), "65");
  EXPECT_EQ(refusal({in, "--keyword-file", (dir_ / "none").string()}).substr(0, 2), "74");
  EXPECT_EQ(refusal({in, "--keyword-file", dir_.write("empty", "")}).substr(0, 2), "65");
  EXPECT_EQ(refusal({in, "--explain", "0"}).substr(0, 2), "2 ");
  EXPECT_FALSE(std::filesystem::exists(out_));
}

TEST_F(DataFilter, APatternThatBacktracksWithoutEndStopsTheCommandAtTheSameRow) {
  std::string rows;
  for (int i = 0; i < 40; ++i) rows += chat(std::to_string(i), "q", std::string(40, 'a') + "b");
  const std::string in = dir_.write("in.jsonl", rows);
  for (const char* threads : {"1", "3"}) {
    const std::string text = refusal({in, "--drop-pattern", "^(a+)+$", "--threads", threads});
    EXPECT_EQ(text.substr(0, 2), "65") << text;
    EXPECT_NE(text.find("in.jsonl:21"), std::string::npos) << text;
  }
  EXPECT_FALSE(std::filesystem::exists(out_));
}

// A recipe that carries the options reads the same names, by the same rules.
TEST(FilterFields, FlagsAndRecipeKeysAreOneList) {
  data::FilterOptions by_flags, by_recipe;
  CommandFlags flags("test", "");
  FieldFlags fields(flags);
  by_flags.visit_fields(fields);
  const std::vector<std::string> args{
      "--max-tokens",         "4096", "--empty-turns",         "--length-turns=user",
      "--max-repeated-lines", "0.5",  "--keyword-whole-words", "false"};
  EXPECT_TRUE(flags.parse(args));
  YamlNode root = parse_yaml(
      "max_tokens: 4096\nempty_turns: true\nlength_turns: user\nmax_repeated_lines: "
      "0.5\nkeyword_whole_words: false\n",
      {.origin = "r.yaml"});
  ReadState state;
  FieldReader reader(root, "", state);
  by_recipe.visit_fields(reader);
  reader.finish();
  EXPECT_EQ(by_flags, by_recipe);
  EXPECT_EQ(by_recipe.max_tokens, 4096);
  for (const FieldEntry& entry : list_fields(data::FilterOptions()))
    EXPECT_FALSE(entry.spec.help.empty()) << entry.key;
}

}  // namespace
}  // namespace caravan::recipes
