// Ten thousand files, none, an empty one, one row, one token.
#include <cmath>

#include "tests/operator/operator_run.h"

namespace caravan {
namespace {

class Inputs : public OperatorRun {
 protected:
  static json dialogue(const std::string& question, const std::string& answer) {
    return {{"messages",
             {{{"role", "user"}, {"content", question}}, {{"role", "assistant"}, {"content", answer}}}}};
  }
  static void expect_finite(const std::string& out) {
    const std::string metrics = tests::read_bytes(out + "/metrics.jsonl");
    EXPECT_FALSE(metrics.empty());
    EXPECT_FALSE(has(metrics, "NaN") || has(metrics, "Infinity")) << metrics;
  }
  // The command ends so, and says these words.
  static void expect_refusal(const std::vector<std::string>& words, int code,
                             const std::vector<std::string>& parts) {
    EXPECT_EQ(run(words), code) << words[0] << ": " << log();
    for (const std::string& part : parts) EXPECT_TRUE(has(log(), part)) << part << ": " << log();
  }
};

TEST_F(Inputs, TenThousandFilesOfAGlob) {
  constexpr int kFiles = 10000;
  const std::vector<json> rows = read_jsonl(path("demo/train.jsonl"));
  fs::create_directories(path("many"));
  for (int i = 0; i < kFiles; ++i) {
    char name[32];
    std::snprintf(name, sizeof name, "many/%05d.jsonl", i);
    // Each row once.
    json row = rows[static_cast<std::size_t>(i) % rows.size()];
    row["id"] = std::to_string(i);
    world_->write(name, row.dump() + "\n");
  }
  const Around few{.shell = "ulimit -n 256"};
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_EQ(
      run({"data", "filter", path("many/*.jsonl"), "--empty-turns", "--out", path("many.jsonl"), "--quiet"},
          few),
      0)
      << log();
  EXPECT_EQ(read_jsonl(path("many.jsonl")).size(), static_cast<std::size_t>(kFiles));
  ASSERT_EQ(run({"validate", path("sft.yaml"), "data.sources.0.path=" + path("many/*.jsonl")}, few), 0)
      << log();
  ASSERT_EQ(run({"train", path("sft.yaml"), "--quiet", "data.sources.0.path=" + path("many/*.jsonl"),
                 "run.dir=" + path("many-run"), "run.max_steps=3"},
                few),
            0)
      << log();
  // The same rows in one file are the same training.
  ASSERT_EQ(run({"train", path("sft.yaml"), "--quiet", "data.sources.0.path=" + path("many.jsonl"),
                 "run.dir=" + path("one-run"), "run.max_steps=3"},
                few),
            0)
      << log();
  EXPECT_EQ(read_jsonl(path("many-run/data/ledger.jsonl")).size(), static_cast<std::size_t>(kFiles));
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  std::printf("10,000 files: %.1f s in all\n", seconds.count());
}

TEST_F(Inputs, AnEmptyFileIsRefusedByAll) {
  world_->write("empty.jsonl", "");
  world_->write("blank.jsonl", "\n\n  \n");
  for (const std::string file : {"empty.jsonl", "blank.jsonl"}) {
    SCOPED_TRACE(file);
    const std::string name = path(file), out = path("out-" + file);
    expect_refusal({"train", path("sft.yaml"), "data.sources.0.path=" + name, "run.dir=" + out + "sft"}, 65,
                   {file});
    expect_refusal({"train", path("dpo.yaml"), "data.sources.0.path=" + name, "run.dir=" + out + "dpo"}, 65,
                   {file});
    expect_refusal({"train", path("rlvr.yaml"), "data.sources.0.path=" + name, "run.dir=" + out + "rlvr"}, 65,
                   {file});
    expect_refusal({"validate", path("sft.yaml"), "data.sources.0.path=" + name}, 65, {file, "holds no row"});
    expect_refusal({"prefer", path("prefer.yaml"), "prompts.path=" + name, "run.dir=" + out + "prefer",
                    "out=" + out + "prefer/pairs.jsonl"},
                   65, {file});
    expect_refusal({"evaluate", "--model", path("base/final"), "--tasks", path("sums.yaml"),
                    "sums.data=" + name, "--out", out + "evaluate"},
                   65, {file});
    EXPECT_FALSE(fs::exists(out + "sft/final"));
  }
  expect_refusal(
      {"train", path("sft.yaml"), "data.sources.0.path=" + path("none-*.jsonl"), "run.dir=" + path("none")},
      2, {"none-*.jsonl"});
}

// A row alone: every stage takes it, and what it computes is a number.
TEST_F(Inputs, OneRow) {
  write_jsonl("one.jsonl", {dialogue("What is 1 + 1?", "It is 2.")});
  write_jsonl("one_pair.jsonl", {read_jsonl(path("pairs.jsonl"))[0]});
  write_jsonl("one_prompt.jsonl", {read_jsonl(path("prompts.jsonl"))[0]});
  write_jsonl("one_item.jsonl", {{{"q", "What is 1 + 1?"}, {"a", "[0-9]"}}});
  ASSERT_EQ(run({"train", path("sft.yaml"), "data.sources.0.path=" + path("one.jsonl"),
                 "run.dir=" + path("one-sft"), "evaluation.sources.0.path=" + path("one.jsonl")}),
            0)
      << log();
  expect_finite(path("one-sft"));
  ASSERT_EQ(run({"train", path("dpo.yaml"), "data.sources.0.path=" + path("one_pair.jsonl"),
                 "run.dir=" + path("one-dpo")}),
            0)
      << log();
  expect_finite(path("one-dpo"));
  ASSERT_EQ(run({"train", path("rlvr.yaml"), "data.sources.0.path=" + path("one_prompt.jsonl"),
                 "run.dir=" + path("one-rlvr"), "rollout.prompts=1", "batch.sequences=4"}),
            0)
      << log();
  expect_finite(path("one-rlvr"));
  ASSERT_EQ(run({"evaluate", "--model", path("base/final"), "--tasks", path("sums.yaml"),
                 "sums.data=" + path("one_item.jsonl"), "--out", path("one-evaluate")}),
            0)
      << log();
  EXPECT_FALSE(has(log(), "nan")) << log();
  const json metrics = json::parse(tests::read_bytes(path("one-evaluate/results.json")))["metrics"];
  EXPECT_TRUE(metrics["sums/acc"] == 0.0 || metrics["sums/acc"] == 1.0) << metrics;
  ASSERT_EQ(run({"data", "run", path("data.yaml"), "sources.0.path=" + path("one.jsonl"),
                 "run.dir=" + path("one-data"), "out=" + path("one-data/train.jsonl")}),
            0)
      << log();
  EXPECT_EQ(read_jsonl(path("one-data/train.jsonl")).size(), 1u);
  for (const char* dir : {"one-sft", "one-dpo", "one-rlvr"})
    EXPECT_EQ(run({"report", path(dir)}), 0) << log();
}

// Answers of one token, and models asked for one.
TEST_F(Inputs, OneToken) {
  write_jsonl("short.jsonl", {dialogue("2?", "2"), dialogue("3?", "3"), dialogue("4?", "")});
  ASSERT_EQ(run({"train", path("sft.yaml"), "data.sources.0.path=" + path("short.jsonl"),
                 "run.dir=" + path("short-sft"), "batch.tokens=null", "batch.sequences=1"}),
            0)
      << log();
  expect_finite(path("short-sft"));
  ASSERT_EQ(run({"train", path("rlvr.yaml"), "rollout.max_new_tokens=1", "run.dir=" + path("short-rlvr")}), 0)
      << log();
  expect_finite(path("short-rlvr"));
  write_jsonl("asked.jsonl", {{{"prompt", "2"}}});
  ASSERT_EQ(run({"generate", "--model", path("base/final"), "--max-new-tokens", "1"},
                {.shell = "exec \"$0\" \"$@\" < '" + path("asked.jsonl") + "' > '" + path("said") + "'"}),
            0)
      << log();
  const json said = json::parse(tests::read_bytes(path("said")));
  ASSERT_EQ(said["ids"].size(), 1u) << said;
  EXPECT_TRUE(std::isfinite(said["log_probs"][0].get<double>())) << said;
  write_jsonl("ids.jsonl", {{{"ids", {5}}}});
  ASSERT_EQ(run({"score", "--model", path("base/final")},
                {.shell = "exec \"$0\" \"$@\" < '" + path("ids.jsonl") + "' > '" + path("said") + "'"}),
            0)
      << log();
  const json scored = json::parse(tests::read_bytes(path("said")));
  EXPECT_EQ(scored["log_probs"], json::array({nullptr})) << scored;
  EXPECT_EQ(scored["sum"], 0.0) << scored;
}

// Lengths that leave nothing to learn are told before a step is done.
TEST_F(Inputs, LengthsThatLeaveNothing) {
  expect_refusal({"train", path("sft.yaml"), "data.max_length=1 tokens", "run.dir=" + path("length1")}, 2,
                 {"data.max_length", "at least 2"});
  expect_refusal({"train", path("sft.yaml"), "data.max_length=2 tokens", "run.dir=" + path("length2")}, 65,
                 {"too_long"});
  expect_refusal({"train", path("dpo.yaml"), "data.max_length=2 tokens", "run.dir=" + path("length2-dpo")},
                 65, {"too_long"});
  expect_refusal({"train", path("rlvr.yaml"), "data.max_length=2 tokens", "run.dir=" + path("length2-rlvr")},
                 2, {"max_new_tokens", "no prompt would fit"});
  expect_refusal({"train", path("sft.yaml"), "batch.tokens=1", "run.dir=" + path("batch1")}, 2, {"batch"});
  for (const char* dir : {"length1", "length2", "length2-dpo", "length2-rlvr", "batch1"})
    EXPECT_FALSE(fs::exists(path(dir) + "/final"));
}

}  // namespace
}  // namespace caravan
