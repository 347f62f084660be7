// `caravan evaluate` on a small checkpoint: scores equal to caravan score, answers equal to caravan generate,
// the same figures after a stop, and refusals.
#include "recipes/commands/evaluate.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "data/error.h"
#include "data/readers/row_source.h"
#include "recipes/commands/generate.h"
#include "recipes/commands/score.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/recipes/commands/demo_checkpoint.h"
#include "trainer/error.h"

namespace caravan::recipes {
namespace {

using data::Json;
using tests::demo_checkpoint;
using tests::TempDir;

const std::string kChoiceTask =
    "schema: 1\nname: quiz\nkind: multiple_choice\nsuite: development\ndata: quiz.jsonl\n"
    "prompt: \"{{ q }}\"\nchoices: \"{{ c | tojson }}\"\nanswer: \"{{ a }}\"\n";
const std::string kChoiceRows = R"({"q": "two plus two is", "c": ["four", "five and a half"], "a": 0})"
                                "\n"
                                R"({"q": "red or blue?", "c": ["red", "blue", "green"], "a": 2})"
                                "\n";
const std::string kAnswerTask =
    "schema: 1\nname: sums\nkind: generation\nsuite: development\ndata: sums.jsonl\nchat: true\n"
    "prompt: \"{{ q }}\"\nground_truth: \"{{ a }}\"\nverifiers: [{name: gsm8k}]\n"
    "generation: {max_new_tokens: 12}\n";
const std::string kAnswerRows =
    "{\"q\": \"2 plus 3?\", \"a\": \"5\"}\n{\"q\": \"4 plus 4?\", \"a\": \"8\"}\n";

std::string evaluate(std::vector<std::string> args) {
  args.insert(args.begin(), {"--model", demo_checkpoint(), "--quiet", "--dtype", "fp32"});
  std::ostringstream out;
  EXPECT_EQ(run_evaluate(args, out), 0);
  return out.str();
}

std::vector<Json> samples_of(const std::filesystem::path& file) {
  const auto source = data::open_rows(file.string());
  std::vector<Json> rows;
  data::RowBlock block;
  while (source->next(block))
    for (const auto& row : block.rows) rows.push_back(Json::parse(block.text(row)));
  rows.erase(rows.begin());
  return rows;
}

template <class Error>
std::string refusal_of(std::vector<std::string> args, int code) {
  try {
    evaluate(std::move(args));
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), code);
    return error.what();
  }
  return "";
}

double score_of(const std::string& text) {
  const tests::Ran ran =
      tests::run_lines(run_score, {"--model", demo_checkpoint()}, Json{{"text", text}}.dump() + "\n");
  return ran.rows.at(0).at("sum").get<double>();
}

TEST(EvaluateCommand, AChoicesLogProbabilityIsThatOfScore) {
  const TempDir folder;
  folder.write("quiz.jsonl", kChoiceRows);
  const std::string task = folder.write("quiz.yaml", kChoiceTask);
  const std::string table = evaluate({"--tasks", task, "--out", (folder / "out").string()});
  EXPECT_NE(table.find("quiz/acc_norm"), std::string::npos) << table;
  const std::vector<Json> samples = samples_of(folder / "out/samples/quiz.jsonl.zst");
  ASSERT_EQ(samples.size(), 2u);
  const double wanted = score_of("two plus two is five and a half") - score_of("two plus two is");
  EXPECT_NEAR(samples[0]["log_probs"][1].get<double>(), wanted, 1e-4);
  EXPECT_EQ(samples[1]["log_probs"].size(), 3u);
  const Json results = Json::parse(tests::read_bytes(folder / "out/results.json"));
  EXPECT_EQ(results["tasks"]["quiz"]["items"], 2);
  EXPECT_TRUE(results["metrics"].contains("quiz/acc"));
}

TEST(EvaluateCommand, BatchesDoNotMatter) {
  const TempDir folder;
  folder.write("quiz.jsonl", kChoiceRows);
  const std::string task = folder.write("quiz.yaml", kChoiceTask);
  evaluate({"--tasks", task, "--out", (folder / "a").string()});
  evaluate({"--tasks", task, "--out", (folder / "b").string(), "--batch-tokens", "1"});
  const auto a = samples_of(folder / "a/samples/quiz.jsonl.zst"),
             b = samples_of(folder / "b/samples/quiz.jsonl.zst");
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t c = 0; c < a[i]["log_probs"].size(); ++c)
      EXPECT_NEAR(a[i]["log_probs"][c].get<double>(), b[i]["log_probs"][c].get<double>(), 1e-4);
}

TEST(EvaluateCommand, AnAnswerIsThatOfGenerate) {
  const TempDir folder;
  folder.write("sums.jsonl", kAnswerRows);
  const std::string task = folder.write("sums.yaml", kAnswerTask);
  evaluate({"--tasks", task, "--out", (folder / "out").string()});
  const std::vector<Json> samples = samples_of(folder / "out/samples/sums.jsonl.zst");
  ASSERT_EQ(samples.size(), 2u);
  const tests::Ran ran = tests::run_lines(
      run_generate, {"--model", demo_checkpoint(), "--max-new-tokens", "12", "--temperature", "0"},
      "{\"messages\":[{\"role\":\"user\",\"content\":\"4 plus 4?\"}]}\n");
  EXPECT_EQ(samples[1]["completion"], ran.rows.at(0)["text"]);
  EXPECT_EQ(samples[1]["log_probs"].size(), ran.rows.at(0)["log_probs"].size());
  EXPECT_EQ(samples[1]["index"], 1);
}

TEST(EvaluateCommand, WhatIsThereIsNotAskedAgain) {
  const TempDir folder;
  folder.write("sums.jsonl", kAnswerRows);
  const std::string task = folder.write("sums.yaml", kAnswerTask), out = (folder / "out").string();
  evaluate({"--tasks", task, "--out", out});
  // As a kill after the first sample leaves it, with a mark that generation would not write.
  std::vector<Json> samples = samples_of(folder / "out/samples/sums.jsonl.zst");
  const auto source = data::open_rows((folder / "out/samples/sums.jsonl.zst").string());
  data::RowBlock block;
  ASSERT_TRUE(source->next(block));
  const std::string head(block.text(block.rows[0]));
  samples[0]["completion"] = "kept";
  folder.write("out/samples/sums.jsonl.partial", head + "\n" + samples[0].dump() + "\n");
  std::filesystem::remove(folder / "out/samples/sums.jsonl.zst");
  evaluate({"--tasks", task, "--out", out});
  const std::vector<Json> again = samples_of(folder / "out/samples/sums.jsonl.zst");
  EXPECT_EQ(again[0]["completion"], "kept");
  EXPECT_EQ(again[1], samples[1]);
  // Other settings are another set of samples.
  EXPECT_NE(
      refusal_of<trainer::Error>({"--tasks", task, "--out", out, "sums.generation.max_new_tokens=3"}, 77)
          .find("samples of something else"),
      std::string::npos);
}

TEST(EvaluateCommand, TextsHavePerplexities) {
  const TempDir folder;
  folder.write("text.jsonl", "{\"text\": \"two plus two is four\"}\n");
  const std::string table =
      evaluate({"--tasks", "text", "--data", folder.path().string(), "--out", (folder / "out").string()});
  EXPECT_NE(table.find("text/bits_per_byte"), std::string::npos);
  const std::vector<Json> samples = samples_of(folder / "out/samples/text.jsonl.zst");
  EXPECT_LT(samples.at(0)["log_prob"].get<double>(), score_of("two plus two is four"))
      << "the first token is scored too, given the beginning";
}

TEST(EvaluateCommand, ItemsThatDoNotFitAreLeftOutAndCounted) {
  const TempDir folder;
  std::string words;
  for (int i = 0; i < 3000; ++i) words += " seven";
  folder.write("sums.jsonl", kAnswerRows + Json{{"q", words}, {"a", "1"}}.dump() + "\n");
  const std::string table = evaluate({"--tasks", folder.write("sums.yaml", kAnswerTask)});
  EXPECT_NE(table.find("sums: 1 item left out, not in the figures: too_long"), std::string::npos) << table;
}

TEST(EvaluateCommand, UnseenTasksWaitForTheRelease) {
  EXPECT_NE(refusal_of<data::Error>({"--tasks", "mmlu_pro"}, 77).find("--release"), std::string::npos);
}

TEST(EvaluateCommand, AVerifierThatCannotTellIsAnError) {
  const TempDir folder;
  folder.write("sums.jsonl", "{\"q\": \"2 plus 3?\", \"a\": \"no number\"}\n");
  const std::string text = refusal_of<data::Error>({"--tasks", folder.write("sums.yaml", kAnswerTask)}, 65);
  EXPECT_NE(text.find("could tell of none"), std::string::npos) << text;
}

TEST(EvaluateCommand, SamplesOfOneSeedAreTheSameAndDifferFromEachOther) {
  const TempDir folder;
  folder.write("sums.jsonl", kAnswerRows);
  const std::string task = folder.write("sums.yaml", kAnswerTask);
  const std::vector<std::string> sampled{"--tasks", task, "sums.generation.n=3",
                                         "sums.generation.temperature=1.5"};
  auto args = sampled;
  args.insert(args.end(), {"--out", (folder / "a").string()});
  evaluate(args);
  args = sampled;
  args.insert(args.end(), {"--out", (folder / "b").string(), "--batch-size", "1"});
  evaluate(args);
  const auto a = samples_of(folder / "a/samples/sums.jsonl.zst");
  EXPECT_EQ(a, samples_of(folder / "b/samples/sums.jsonl.zst"));
  ASSERT_EQ(a.size(), 6u);
  EXPECT_NE(a[0]["completion"], a[1]["completion"]);
}

TEST(EvaluateCommand, ARecipeAsksSeveralModelsAndGivesOneTable) {
  const TempDir dir;
  dir.write("quiz.yaml", kChoiceTask);
  dir.write("quiz.jsonl", kChoiceRows);
  const std::string model = demo_checkpoint(), out = (dir / "out").string();
  const std::string recipe =
      dir.write("evaluate.yaml", "schema: 1\nstage: evaluate\nmodels:\n  - {name: one, path: " + model +
                                     ", dtype: fp32}\n  - {name: two, path: " + model +
                                     ", dtype: bf16}\ntasks: [quiz.yaml]\nrun: {dir: " + out + "}\n");
  std::ostringstream table;
  EXPECT_EQ(run_evaluate(std::vector<std::string>{recipe, "--quiet"}, table), 0);
  const std::string one =
      evaluate({"--tasks", (dir / "quiz.yaml").string(), "--out", (dir / "alone").string()});
  std::istringstream lines(table.str());
  std::string head, values;
  std::getline(lines, head);
  while (std::getline(lines, values) && !values.starts_with("quiz/acc ")) {
  }
  EXPECT_NE(head.find("one"), std::string::npos) << table.str();
  EXPECT_NE(head.find("two"), std::string::npos) << table.str();
  const auto read = [](const std::filesystem::path& file) {
    std::ifstream in(file);
    return Json::parse(in);
  };
  const Json alone = read(dir / "alone/results.json"), both = read(dir / "out/results.json");
  EXPECT_EQ(both["models"]["one"]["tasks"], alone["tasks"]);
  EXPECT_EQ(read(dir / "out/two/results.json")["metrics"], both["models"]["two"]["metrics"]);
  EXPECT_TRUE(std::filesystem::exists(dir / "out/one/samples/quiz.jsonl.zst"));
  // TensorBoard has the scores once, however often the recipe is run.
  std::ostringstream again;
  EXPECT_EQ(run_evaluate(std::vector<std::string>{recipe, "--quiet"}, again), 0);
  EXPECT_EQ(again.str(), table.str());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir / "out/one/tensorboard"),
                          std::filesystem::directory_iterator()),
            1);
  const auto refused = [&](const std::string& word) {
    std::ostringstream nothing;
    EXPECT_ANY_THROW(run_evaluate(std::vector<std::string>{recipe, "--quiet", word}, nothing)) << word;
  };
  refused("models.1.name=one");
  refused("models.1.name=../x");
  refused("tasks=[]");
  refused("models.0.path=" + (dir / "none").string());
  refused("run.dir=" + dir.path().string());
}

}  // namespace
}  // namespace caravan::recipes
