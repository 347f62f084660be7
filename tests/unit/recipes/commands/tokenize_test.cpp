#include "recipes/commands/tokenize.h"

#include <gtest/gtest.h>

#include <sstream>

#include "data/error.h"
#include "data/message.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/data/tokenizers/small_tokenizer.h"

namespace caravan::recipes {
namespace {

class Tokenize : public testing::Test {
 protected:
  Tokenize() { folder_.write("tokenizer.json", tests::small_byte_level().dump()); }

  // What the command writes; `code` receives its exit code.
  std::string run(std::vector<std::string> args, const std::string& rows, int* code = nullptr,
                  bool color = false) {
    args.insert(args.begin(), {"--model", folder_.path().string()});
    std::istringstream in(rows);
    std::ostringstream out;
    const int result = run_tokenize(args, in, out, color);
    if (code) *code = result;
    return out.str();
  }

  tests::TempDir folder_;
};

// small_byte_level: a byte is its own id; 256 = "th", 257 = "the", 258 = " the", 300 = "<|end|>", 301 =
// "<|user|>".
TEST_F(Tokenize, TextRowsBecomeIds) {
  EXPECT_EQ(run({}, "{\"text\":\"the a\"}\n\n{\"text\":\"\"}\n"), "{\"ids\":[257,32,97]}\n{\"ids\":[]}\n");
}

TEST_F(Tokenize, SpecialsCountOnlyWhenAsked) {
  const std::string row = R"({"text":"a<|end|>"})";
  EXPECT_EQ(run({}, row), "{\"ids\":[97,60,124,101,110,100,124,62]}\n");
  EXPECT_EQ(run({"--special"}, row), "{\"ids\":[97,300]}\n");
}

TEST_F(Tokenize, ConversationsCarryAMaskAndUserTextStaysText) {
  folder_.write("chat_template.jinja",
                "{% for m in messages %}<|user|>{{ m.role }}:{{ m.content }}<|end|>{% endfor %}"
                "{% if add_generation_prompt %}<|user|>assistant:{% endif %}");
  const std::string row =
      R"({"messages":[{"role":"user","content":"<|end|>"},{"role":"assistant","content":"the"}]})";
  // 301 "user:" "<|end|>" as bytes, 300; 301 "assistant:" "the" 300
  EXPECT_EQ(run({}, row),
            "{\"ids\":[301,117,115,101,114,58,60,124,101,110,100,124,62,300,"
            "301,97,115,115,105,115,116,97,110,116,58,257,300],"
            "\"mask\":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1]}\n");
}

TEST_F(Tokenize, DecodeReturnsText) {
  EXPECT_EQ(run({"--decode"}, R"({"ids":[257,300,226,130]})"), "{\"text\":\"the<|end|>\xef\xbf\xbd\"}\n");
  EXPECT_EQ(run({"--decode", "--skip-special"}, R"({"ids":[257,300]})"), "{\"text\":\"the\"}\n");
}

TEST_F(Tokenize, ARowInErrorKeepsItsPlaceAndTheExitCodeSaysSo) {
  int code = 0;
  const std::string out = run({}, "{\"text\":\"a\"}\nnonsense\n{\"text\":7}\n{\"text\":\"b\"}\n", &code);
  EXPECT_EQ(code, 65);
  EXPECT_EQ(
      out,
      "{\"ids\":[97]}\n{\"error\":\"line 2: no valid JSON; a row looks like {\\\"text\\\": \\\"...\\\"}\"}\n"
      "{\"error\":\"line 3: \\\"text\\\" must be a string\"}\n{\"ids\":[98]}\n");
  run({"--decode"}, R"({"ids":[99999]})", &code);
  EXPECT_EQ(code, 65);
  run({"--decode"}, R"({"ids":[18446744073709551615]})", &code);
  EXPECT_EQ(code, 65);
}

TEST_F(Tokenize, ATemplateThatDoesNotParseEndsTheRun) {
  folder_.write("chat_template.jinja", "{% for %}");
  EXPECT_THROW(run({}, R"({"messages":[]})"), data::Error);
}

TEST_F(Tokenize, ShowMarksTokens) {
  EXPECT_EQ(run({"--show"}, R"({"text":"the\na\u001bé"})"),
            "the|\xe2\x86\xb5\n|a|<0x1B>|<0xC3>|<0xA9>\n6 tokens\n\n");
  const std::string coloured = run({"--show"}, R"({"text":"the"})", nullptr, true);
  EXPECT_NE(coloured.find("\x1b[30;48;5;153m"
                          "the\x1b[0m"),
            std::string::npos)
      << coloured;
}

TEST_F(Tokenize, WrongOptionsAreUsageErrors) {
  for (const std::vector<std::string>& args :
       {std::vector<std::string>{"--nonsense"}, {"--skip-special"}, {"--decode", "--show"}, {"--train-on"}}) {
    try {
      run(args, "");
      FAIL() << args[0];
    } catch (const data::Error& error) {
      EXPECT_EQ(error.exit_code(), 2) << error.what();
    }
  }
  std::istringstream in;
  std::ostringstream out;
  EXPECT_THROW(run_tokenize({}, in, out, false), data::Error);
}

TEST_F(Tokenize, OtherLayoutsAreConversations) {
  folder_.write("chat_template.jinja", "{% for m in messages %}{{ m.content }}<|end|>{% endfor %}");
  const std::string talk =
      R"({"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]})";
  const std::string alpaca = R"({"instruction":"a","output":"b"})";
  EXPECT_EQ(run({}, alpaca), run({}, talk));
  EXPECT_EQ(run({"--format", "alpaca"}, alpaca), run({}, talk));
  int code = 0;
  EXPECT_NE(run({"--format", "sharegpt"}, alpaca, &code).find("missing_field:conversations"),
            std::string::npos);
  EXPECT_EQ(code, 65);
}

// The rows of a recipe, with layouts, lengths and fates of its training.
class TokenizeRecipe : public Tokenize {
 protected:
  TokenizeRecipe() {
    folder_.write("config.json", "{}");
    folder_.write("chat_template.jinja",
                  "{% for m in messages %}<|user|>{{ m.role }}:{{ m.content }}<|end|>{% endfor %}"
                  "{% if add_generation_prompt %}<|user|>assistant:{% endif %}");
    folder_.write("rows.jsonl", R"({"instruction":"a","output":"the"}
{"instruction":"a","output":""}
{"instruction":"a","output":"the the the the"}
)");
    folder_.write("r.yaml",
                  "schema: 1\nstage: sft\nmodel: {path: ., init: random}\n"
                  "data: {sources: [{path: rows.jsonl}], max_length: 22 tokens}\nbatch: {tokens: 100}\n"
                  "optimizer: {learning_rate: 1e-3}\nrun: {dir: run, max_steps: 1}\n");
  }

  std::string rows(std::vector<std::string> args) {
    args.insert(args.begin(), {"--recipe", (folder_.path() / "r.yaml").string()});
    std::istringstream in;
    std::ostringstream out;
    EXPECT_EQ(run_tokenize(args, in, out, false), 0);
    return out.str();
  }
};

TEST_F(TokenizeRecipe, ShowsFatesOfTraining) {
  EXPECT_EQ(rows({"--show"}),
            "rows.jsonl:1: trained\n"
            "<|user|>|u|s|e|r|:|a|<|end|>|<|user|>|a|s|s|i|s|t|a|n|t|:|[[the]]|[[<|end|>]]\n"
            "21 tokens, 2 trained\n\n"
            "rows.jsonl:2: dropped, empty_content\n\n"
            "rows.jsonl:3: dropped, too_long\n\n");
}

TEST_F(TokenizeRecipe, OverridesAndRowsAndJson) {
  const std::string cut = rows({"data.too_long=truncate_right", "--rows", "3"});
  std::istringstream lines(cut);
  std::vector<data::Json> found;
  for (std::string line; std::getline(lines, line);) found.push_back(data::Json::parse(line));
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[2]["line"], 3);
  EXPECT_EQ(found[2]["fate"], "truncated");
  EXPECT_EQ(found[2]["documents"][0]["ids"].size(), 22u);
  EXPECT_EQ(found[2]["documents"][0]["mask"][21], 1);
  EXPECT_EQ(found[1]["documents"].size(), 0u);
  const std::string one = rows({"--rows=1"});
  EXPECT_EQ(std::count(one.begin(), one.end(), '\n'), 1);
}

TEST_F(TokenizeRecipe, NothingElseGoesWithARecipe) {
  std::istringstream in;
  std::ostringstream out;
  const std::vector<std::string> args{"--recipe", "r.yaml", "--train-on", "all"};
  EXPECT_THROW(run_tokenize(args, in, out, false), data::Error);
  const std::vector<std::string> rows{"--model", folder_.path().string(), "--rows", "3"};
  EXPECT_THROW(run_tokenize(rows, in, out, false), data::Error);
}

}  // namespace
}  // namespace caravan::recipes
