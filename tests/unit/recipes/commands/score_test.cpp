// `caravan score` on a small checkpoint: values, order, packing, and rows that cannot be scored.
#include "recipes/commands/score.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "data/error.h"
#include "data/tokenizers/tokenizer.h"
#include "models/error.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/recipes/commands/demo_checkpoint.h"

namespace caravan::recipes {
namespace {

using data::Json;
using tests::demo_checkpoint;
using tests::Ran;

Ran score(const std::string& input, std::vector<std::string> extra = {},
          const std::string& model = demo_checkpoint()) {
  extra.insert(extra.begin(), {"--model", model});
  return tests::run_lines(run_score, extra, input);
}

const std::string kIds = "{\"ids\":[5,60,7,8,90,11]}\n";

TEST(ScoreCommand, FirstIsNullAndTheSumIsTheSum) {
  const Ran ran = score(kIds);
  ASSERT_EQ(ran.rows.size(), 1u);
  EXPECT_EQ(ran.code, 0);
  const Json& log_probs = ran.rows[0]["log_probs"];
  ASSERT_EQ(log_probs.size(), 6u);
  EXPECT_TRUE(log_probs[0].is_null());
  double sum = 0.0;
  for (std::size_t i = 1; i < 6; ++i) {
    EXPECT_LT(log_probs[i].get<double>(), 0.0);
    sum += log_probs[i].get<double>();
  }
  EXPECT_NEAR(ran.rows[0]["sum"].get<double>(), sum, 1e-5);
}

TEST(ScoreCommand, InputThatCannotBeReadIsNoEndOfInput) {
  std::ifstream folder("/");
  std::ostringstream out;
  const std::vector<std::string> args{"--model", demo_checkpoint()};
  try {
    run_score(args, folder, out);
    ADD_FAILURE() << "a folder was read as if it were empty";
  } catch (const data::Error& error) {
    EXPECT_EQ(error.exit_code(), 74);
  }
}

TEST(ScoreCommand, ATokenDependsOnThoseBeforeItAlone) {
  const Ran ran = score("{\"ids\":[5,60,7,8]}\n{\"ids\":[5,60,7,99]}\n{\"ids\":[6,60,7,8]}\n");
  ASSERT_EQ(ran.rows.size(), 3u);
  const auto at = [&](std::size_t row, std::size_t i) { return ran.rows[row]["log_probs"][i].get<double>(); };
  EXPECT_NEAR(at(0, 2), at(1, 2), 1e-6);
  EXPECT_GT(std::abs(at(0, 3) - at(1, 3)), 1e-4);
  EXPECT_GT(std::abs(at(0, 2) - at(2, 2)), 1e-6);
}

TEST(ScoreCommand, ConversationsSayWhatTrainingWouldCount) {
  const std::string talk =
      "{\"messages\":[{\"role\":\"user\",\"content\":\"2 plus "
      "3?\"},{\"role\":\"assistant\",\"content\":\"5\"}]}\n";
  const Ran ran = score(talk + "{\"instruction\":\"2 plus 3?\",\"output\":\"5\"}\n" + kIds);
  ASSERT_EQ(ran.rows.size(), 3u);
  EXPECT_EQ(ran.code, 0);
  const Json& row = ran.rows[0];
  ASSERT_EQ(row["mask"].size(), row["log_probs"].size());
  double sum = 0.0;
  int count = 0;
  for (std::size_t i = 1; i < row["mask"].size(); ++i) {
    if (row["mask"][i] == 0) continue;
    sum += row["log_probs"][i].get<double>();
    ++count;
  }
  EXPECT_GT(count, 0);
  EXPECT_LT(count, static_cast<int>(row["mask"].size()) - 1);
  EXPECT_EQ(row["trained_count"], count);
  EXPECT_NEAR(row["trained_sum"].get<double>(), sum, 1e-5);
  EXPECT_GT(row["trained_sum"].get<double>(), row["sum"].get<double>());
  EXPECT_EQ(ran.rows[1], row);
  EXPECT_FALSE(ran.rows[2].contains("mask"));
  const Ran all = score(talk, {"--train-on", "all"});
  EXPECT_EQ(all.rows[0]["trained_count"], all.rows[0]["log_probs"].size() - 1);
  EXPECT_EQ(score(talk, {"--format", "alpaca"}).code, 65);
}

TEST(ScoreCommand, TheFolderOfARunNamesItsModel) {
  const tests::TempDir run;
  std::filesystem::create_directories(run / "final");
  run.write("final/config.json", "{}");
  try {
    score(kIds, {}, run.path().string());
    ADD_FAILURE() << "accepted";
  } catch (const data::Error& error) {
    EXPECT_EQ(error.exit_code(), 2);
    EXPECT_NE(std::string(error.what()).find((run / "final").string()), std::string::npos);
  }
}

TEST(ScoreCommand, PackingChangesNothing) {
  std::string input;
  for (int i = 0; i < 30; ++i) {
    Json row;
    for (int k = 0; k <= i * 7 % 23; ++k) row["ids"].push_back((i * 31 + k * 5) % 300);
    input += row.dump() + "\n";
  }
  const Ran packed = score(input), single = score(input, {"--batch-tokens", "1"}),
            some = score(input, {"--batch-tokens=50"});
  ASSERT_EQ(packed.rows.size(), 30u);
  for (std::size_t i = 0; i < 30; ++i) {
    ASSERT_EQ(packed.rows[i]["log_probs"].size(), i * 7 % 23 + 1);
    EXPECT_NEAR(packed.rows[i]["sum"].get<double>(), single.rows[i]["sum"].get<double>(), 1e-4) << i;
    EXPECT_NEAR(packed.rows[i]["sum"].get<double>(), some.rows[i]["sum"].get<double>(), 1e-4) << i;
  }
}

TEST(ScoreCommand, TextAndMessagesAreTheirIds) {
  const auto tokenizer = data::load_tokenizer(demo_checkpoint());
  const std::string text = "What is 3 plus 4?";
  Json ids;
  ids["ids"] = tokenizer->encode_plain(text);
  const Ran ran = score(Json{{"text", text}}.dump() + "\n" + ids.dump() + "\n");
  EXPECT_EQ(ran.rows.at(0), ran.rows.at(1));
  const Ran chat = score(
      "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"},{\"role\":\"assistant\",\"content\":\"Yes\"}]}"
      "\n");
  EXPECT_EQ(chat.code, 0);
  EXPECT_GT(chat.rows.at(0)["log_probs"].size(), 4u);
}

TEST(ScoreCommand, SpecialLookingTextIsTextUnlessAsked) {
  const std::string row = "{\"text\":\"a<|end|>b\"}\n";
  EXPECT_GT(score(row).rows.at(0)["log_probs"].size(),
            score(row, {"--special"}).rows.at(0)["log_probs"].size());
}

TEST(ScoreCommand, BadRowsStandInTheirPlace) {
  const std::vector<std::string> bad{"nonsense",
                                     "[1]",
                                     "{}",
                                     "{\"ids\":[]}",
                                     "{\"ids\":\"x\"}",
                                     "{\"ids\":[1,-1]}",
                                     "{\"ids\":[1,400000]}",
                                     "{\"ids\":[1.5]}",
                                     "{\"ids\":[18446744073709551615]}",
                                     "{\"ids\":[1e400]}",
                                     "{\"ids\":[1],\"text\":\"x\"}",
                                     "{\"text\":\"\"}",
                                     "{\"text\":3}",
                                     "{\"messages\":[]}",
                                     "{\"messages\":{}}",
                                     "{\"messages\":[{\"role\":3}]}",
                                     "{\"text\":\"\\ud800\"}",
                                     "{\"text\":\"\xff\"}",
                                     std::string(300, '[')};
  std::string input = kIds;
  for (const std::string& row : bad) input += row + "\n\n" + kIds;
  const Ran ran = score(input);
  EXPECT_EQ(ran.code, 65);
  ASSERT_EQ(ran.rows.size(), 2 * bad.size() + 1);
  for (std::size_t i = 0; i < bad.size(); ++i) {
    EXPECT_TRUE(ran.rows[2 * i + 1].contains("error")) << bad[i];
    EXPECT_EQ(ran.rows[2 * i + 1].value("error", "").rfind("line " + std::to_string(3 * i + 2) + ": ", 0), 0u)
        << ran.rows[2 * i + 1];
    EXPECT_NEAR(ran.rows[2 * i + 2]["sum"].get<double>(), ran.rows[0]["sum"].get<double>(), 1e-5) << bad[i];
  }
}

TEST(ScoreCommand, ARowBeyondThePositionsIsRefused) {
  Json row;
  for (int i = 0; i < 513; ++i) row["ids"].push_back(1);
  const Ran ran = score(row.dump() + "\n");
  EXPECT_EQ(ran.code, 65);
  EXPECT_NE(ran.rows.at(0).value("error", "").find("max_position_embeddings of the model is 512"),
            std::string::npos);
}

TEST(ScoreCommand, IdsNeedNoTokenizer) {
  const tests::TempDir folder;
  for (const char* file : {"config.json", "model.safetensors"})
    std::filesystem::copy_file(std::filesystem::path(demo_checkpoint()) / file, folder / file);
  const std::string model = folder.path().string();
  EXPECT_EQ(score(kIds, {}, model).rows, score(kIds).rows);
  EXPECT_THROW(score("{\"text\":\"x\"}\n", {}, model), data::Error);
}

TEST(ScoreCommand, Bf16IsNearFp32) {
  const double wide = score(kIds).rows.at(0)["sum"].get<double>(),
               narrow = score(kIds, {"--dtype", "bf16"}).rows.at(0)["sum"].get<double>();
  EXPECT_NEAR(wide, narrow, 0.2);
  EXPECT_NE(wide, narrow);
}

std::string usage_error(const std::vector<std::string>& args) {
  std::istringstream in;
  std::ostringstream out;
  try {
    run_score(args, in, out);
  } catch (const data::Error& error) {
    EXPECT_EQ(error.exit_code(), 2);
    return error.what();
  }
  return "";
}

TEST(ScoreCommand, UsageErrorsNameTheNearestFlag) {
  EXPECT_NE(usage_error({"--modle", "x"}).find("did you mean --model?"), std::string::npos);
  EXPECT_NE(usage_error({}).find("--model is needed"), std::string::npos);
  EXPECT_NE(usage_error({"--model"}).find("needs a value"), std::string::npos);
  EXPECT_NE(usage_error({"--model", "a", "--model", "b"}).find("given twice"), std::string::npos);
  EXPECT_NE(usage_error({"--model", "a", "--dtype", "fp16"}).find("allowed: fp32, bf16"), std::string::npos);
  EXPECT_NE(usage_error({"--model", "a", "--batch-tokens", "0"}).find("from 1"), std::string::npos);
  EXPECT_NE(usage_error({"--model", "a", "--special=1"}).find("takes no value"), std::string::npos);
  EXPECT_THROW(score(kIds, {}, "/nowhere"), models::Error);
}

}  // namespace
}  // namespace caravan::recipes
