// `caravan generate` on a small checkpoint: order, settings, and rows that cannot be completed.
#include "recipes/commands/generate.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include "data/error.h"
#include "data/tokenizers/tokenizer.h"
#include "models/error.h"
#include "recipes/commands/score.h"
#include "tests/unit/recipes/commands/demo_checkpoint.h"

namespace caravan::recipes {
namespace {

using data::Json;
using tests::demo_checkpoint;
using tests::Ran;

Ran generate(const std::string& input, std::vector<std::string> extra = {},
             const std::string& model = demo_checkpoint()) {
  extra.insert(extra.begin(), {"--model", model});
  return tests::run_lines(run_generate, extra, input);
}

std::string rows(int count) {
  std::string input;
  for (int i = 0; i < count; ++i)
    input +=
        Json{{"messages", {{{"role", "user"}, {"content", "What is " + std::to_string(i) + " plus 4?"}}}}}
            .dump() +
        "\n";
  return input;
}

TEST(GenerateCommand, GivesIdsTextLogProbsAndReason) {
  const Ran ran = generate("{\"prompt\":\"What is\"}\n", {"--max-new-tokens", "9"});
  ASSERT_EQ(ran.rows.size(), 1u);
  EXPECT_EQ(ran.code, 0);
  const Json& row = ran.rows[0];
  const std::vector<std::int32_t> ids = row["ids"];
  EXPECT_LE(ids.size(), 9u);
  EXPECT_EQ(row["log_probs"].size(), ids.size());
  EXPECT_EQ(row["text"], data::load_tokenizer(demo_checkpoint())->decode(ids, true));
  EXPECT_EQ(row["finish_reason"], ids.size() == 9 ? "length" : "stop");
}

TEST(GenerateCommand, AnExampleOfAnotherLayoutIsItsPrompt) {
  const Ran ran = generate(rows(1) + "{\"instruction\":\"What is 0 plus 4?\",\"output\":\"4\"}\n",
                           {"--max-new-tokens", "9"});
  ASSERT_EQ(ran.rows.size(), 2u);
  EXPECT_EQ(ran.rows[0], ran.rows[1]);
}

TEST(GenerateCommand, TheOrderIsThatOfTheRowsWhateverTheBatch) {
  for (const std::vector<std::string>& sampling :
       {std::vector<std::string>{}, {"--temperature", "1.1", "--top-k", "50", "--seed", "4"}}) {
    const auto with = [&](const std::string& batch) {
      std::vector<std::string> flags{"--max-new-tokens", "12", "--batch-size", batch};
      flags.insert(flags.end(), sampling.begin(), sampling.end());
      return generate(rows(11), flags).output;
    };
    const std::string alone = with("1");
    EXPECT_EQ(alone, with("3"));
    EXPECT_EQ(alone, with("64"));
  }
}

TEST(GenerateCommand, RowsOfOneSeedDiffer) {
  const std::string row = "{\"ids\":[1,2,3]}\n";
  const Ran ran = generate(row + row, {"--temperature", "1", "--max-new-tokens", "20"});
  EXPECT_NE(ran.rows.at(0)["ids"], ran.rows.at(1)["ids"]);
  EXPECT_EQ(generate(row + row, {"--temperature", "1", "--max-new-tokens", "20"}).output, ran.output);
  EXPECT_NE(generate(row + row, {"--temperature", "1", "--max-new-tokens", "20", "--seed", "1"}).output,
            ran.output);
}

TEST(GenerateCommand, RandomWeightsNeedNoCheckpoint) {
  const std::string source = tests::demo_source();
  const auto random = [&](const std::string& seed) {
    return generate(rows(3), {"--init", "random", "--seed", seed, "--max-new-tokens", "6"}, source).output;
  };
  EXPECT_EQ(random("3"), generate(rows(3), {"--max-new-tokens", "6"}).output);  // was made with seed 3
  EXPECT_NE(random("4"), random("3"));
  EXPECT_THROW(generate(rows(1), {}, source), models::Error);
  EXPECT_THROW(generate(rows(1), {"--init", "zero"}, source), data::Error);
}

TEST(GenerateCommand, LogProbsAreThoseThatScoreGives) {
  const Json prompt = {1, 2, 3, 50, 61};
  const Ran ran = generate(Json{{"ids", prompt}}.dump() + "\n",
                           {"--temperature", "1.3", "--max-new-tokens", "30", "--dtype", "fp32"});
  Json ids = prompt;
  for (const Json& id : ran.rows.at(0)["ids"]) ids.push_back(id);
  const Ran scored =
      tests::run_lines(run_score, {"--model", demo_checkpoint()}, Json{{"ids", ids}}.dump() + "\n");
  const Json& log_probs = ran.rows[0]["log_probs"];
  for (std::size_t i = 0; i < log_probs.size(); ++i)
    EXPECT_NEAR(log_probs[i].get<double>(), scored.rows.at(0)["log_probs"][prompt.size() + i].get<double>(),
                1e-4);
}

TEST(GenerateCommand, ConversationsAskForAnAnswer) {
  const auto tokenizer = data::load_tokenizer(demo_checkpoint());
  const Ran asked = generate(rows(1), {"--max-new-tokens", "5"});
  const Ran bare =
      generate("{\"add_generation_prompt\":false," + rows(1).substr(1), {"--max-new-tokens", "5"});
  EXPECT_NE(asked.rows.at(0)["log_probs"], bare.rows.at(0)["log_probs"]);
}

TEST(GenerateCommand, BadRowsStandInTheirPlace) {
  Json endless;
  for (int i = 0; i < 512; ++i) endless["ids"].push_back(1);
  const std::string good = "{\"ids\":[1,2]}\n";
  const std::vector<std::string> bad{"x",
                                     "{}",
                                     "{\"ids\":[]}",
                                     "{\"prompt\":\"\"}",
                                     "{\"prompt\":\"a\",\"text\":\"a\"}",
                                     "{\"ids\":[400000]}",
                                     endless.dump()};
  std::string input = good;
  for (const std::string& row : bad) input += row + "\n" + good;
  const Ran ran = generate(input, {"--batch-size", "2"});
  EXPECT_EQ(ran.code, 65);
  ASSERT_EQ(ran.rows.size(), 2 * bad.size() + 1);
  for (std::size_t i = 0; i < bad.size(); ++i) {
    EXPECT_TRUE(ran.rows[2 * i + 1].contains("error")) << bad[i];
    EXPECT_EQ(ran.rows[2 * i + 2], ran.rows[0]);
  }
}

TEST(GenerateCommand, MoreThanThePositionsIsRefusedWhereItWasAskedFor) {
  const std::string row = "{\"ids\":[1,2]}\n";
  const Ran asked = generate(row, {"--max-new-tokens", "511"});
  EXPECT_EQ(asked.code, 65);
  EXPECT_NE(asked.rows.at(0).value("error", "").find("max_position_embeddings, 512"), std::string::npos);
  Json almost;
  for (int i = 0; i < 510; ++i) almost["ids"].push_back(1);
  const Ran usual = generate(almost.dump() + "\n");
  EXPECT_EQ(usual.code, 0) << usual.output;
  EXPECT_LE(usual.rows.at(0)["ids"].size(), 2u);
}

TEST(GenerateCommand, WithoutATokenizerTheTextIsNull) {
  const tests::TempDir folder;
  for (const char* file : {"config.json", "model.safetensors"})
    std::filesystem::copy_file(std::filesystem::path(demo_checkpoint()) / file, folder / file);
  const Ran ran = generate("{\"ids\":[1,2]}\n", {"--max-new-tokens", "3"}, folder.path().string());
  EXPECT_EQ(ran.code, 0);
  EXPECT_TRUE(ran.rows.at(0)["text"].is_null());
}

TEST(GenerateCommand, DefaultsComeFromTheCheckpointAndFlagsWin) {
  const tests::TempDir folder;
  std::filesystem::copy(demo_checkpoint(), folder / "model", std::filesystem::copy_options::recursive);
  const std::string model = (folder / "model").string();
  folder.write("model/generation_config.json",
               "{\"do_sample\":true,\"temperature\":1.5,\"max_new_tokens\":7}");
  const std::string row = "{\"ids\":[1,2,3]}\n";
  const Ran file = generate(row, {}, model);
  EXPECT_EQ(file.rows.at(0)["ids"].size(), 7u);
  EXPECT_EQ(file.output, generate(row, {"--temperature", "1.5", "--max-new-tokens", "7"}, model).output);
  EXPECT_NE(file.output, generate(row, {"--temperature", "0"}, model).output);
  folder.write("model/generation_config.json", "{\"do_sample\":true,\"top_p\":0.0}");
  EXPECT_ANY_THROW(generate(row, {}, model)) << "a value that cannot be honoured is refused";
}

TEST(GenerateCommand, SeveralCompletionsOfARow) {
  const std::vector<std::string> flags{"--temperature", "1", "--max-new-tokens", "12"};
  const Ran one = generate(rows(4), flags);
  auto more = flags;
  more.insert(more.end(), {"--n", "3", "--batch-size", "2", "--cache-mib", "1"});
  const Ran three = generate(rows(4), more);
  EXPECT_EQ(three.code, 0) << three.output;
  ASSERT_EQ(three.rows.size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) {
    const Json& choices = three.rows[i]["choices"];
    ASSERT_EQ(choices.size(), 3u);
    EXPECT_EQ(choices[0], one.rows.at(i)) << "the first is the one of --n 1";
    EXPECT_NE(choices[1], choices[2]);
  }
}

TEST(GenerateCommand, ARowsOwnSeedIsAllThatCounts) {
  const std::vector<std::string> flags{"--temperature", "1", "--max-new-tokens", "20"};
  const std::string seeded = "{\"ids\":[1,2,3],\"seed\":7}\n", other = "{\"ids\":[1,2,3],\"seed\":8}\n";
  const Ran ran = generate(seeded + other + seeded, flags);
  EXPECT_EQ(ran.rows.at(0), ran.rows.at(2));
  EXPECT_NE(ran.rows.at(0)["ids"], ran.rows.at(1)["ids"]);
  for (const char* bad : {"-1", "\"x\"", "1.5"})
    EXPECT_TRUE(generate("{\"ids\":[1],\"seed\":" + std::string(bad) + "}\n").rows.at(0).contains("error"));
}

// A terminal that tells how often it was asked behind its end.
class Terminal : public std::stringbuf {
 public:
  using std::stringbuf::stringbuf;
  int ends = 0;

 protected:
  int_type underflow() override {
    const int_type next = std::stringbuf::underflow();
    ends += next == traits_type::eof() ? 1 : 0;
    return next;
  }
  int_type uflow() override {
    const int_type next = std::stringbuf::uflow();
    ends += next == traits_type::eof() ? 1 : 0;
    return next;
  }
};

TEST(GenerateCommand, NothingIsReadBehindTheEnd) {
  Terminal terminal(rows(2));
  std::istream in(&terminal);
  std::ostringstream out;
  const std::vector<std::string> args{"--model", demo_checkpoint(), "--max-new-tokens", "12"};
  EXPECT_EQ(run_generate(args, in, out), 0);
  EXPECT_GE(terminal.ends, 1);
  EXPECT_LE(terminal.ends, 2) << "once, seen in two ways: a person would have to press Ctrl-D again";
}

TEST(GenerateCommand, StopTextsEndTheText) {
  const Json whole = generate(rows(1), {"--max-new-tokens", "20"}).rows.at(0);
  const std::string text = whole["text"];
  ASSERT_GT(text.size(), 6u);
  // A whole character, which may have any length: what random weights write is hardly text.
  const auto starts = [&](std::size_t i) {
    return i == text.size() || (static_cast<unsigned char>(text[i]) & 0xC0u) != 0x80u;
  };
  std::size_t begin = 3, end = 4;
  while (!starts(begin)) ++begin;
  for (end = begin + 1; !starts(end);) ++end;
  const std::string stop = text.substr(begin, end - begin);
  const std::size_t at = text.find(stop);
  const Json cut =
      generate(rows(1), {"--max-new-tokens", "20", "--stop", "never there", "--stop", stop}).rows.at(0);
  EXPECT_EQ(cut["text"], text.substr(0, at));
  EXPECT_EQ(cut["finish_reason"], "stop");
  EXPECT_LT(cut["ids"].size(), whole["ids"].size());
  const Json kept = generate(rows(1), {"--max-new-tokens", "20", "--stop", stop, "--keep-stop"}).rows.at(0);
  EXPECT_EQ(kept["text"], text.substr(0, at + stop.size()));
  EXPECT_EQ(kept["ids"], cut["ids"]);
  EXPECT_THROW(generate(rows(1), {"--stop", ""}), data::Error);
  EXPECT_THROW(generate(rows(1), {"--keep-stop"}), data::Error);
}

TEST(GenerateCommand, StopIdsOfTheCheckpointEndTheText) {
  const tests::TempDir folder;
  std::filesystem::copy(demo_checkpoint(), folder / "model", std::filesystem::copy_options::recursive);
  const std::string model = (folder / "model").string(), row = "{\"ids\":[1,2,3]}\n";
  const std::vector<std::string> flags{"--temperature", "1", "--max-new-tokens", "10"};
  const std::vector<std::int32_t> ids = generate(row, flags).rows.at(0)["ids"];
  folder.write("model/generation_config.json", "{\"eos_token_id\":[" + std::to_string(ids.at(4)) + "]}");
  const Json stopped = generate(row, flags, model).rows.at(0);
  EXPECT_EQ(stopped["finish_reason"], "stop");
  EXPECT_EQ(stopped["ids"].back(), ids.at(4));
  EXPECT_LE(stopped["ids"].size(), 5u);
}

TEST(GenerateCommand, ASettingWithoutEffectIsRefused) {
  try {
    generate("", {"--top-k", "5"});
    FAIL();
  } catch (const data::Error& error) {
    EXPECT_EQ(error.exit_code(), 2);
    EXPECT_NE(std::string(error.what()).find("give --temperature"), std::string::npos);
  }
}

}  // namespace
}  // namespace caravan::recipes
