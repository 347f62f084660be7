// A run that was killed, stopped or disturbed ends with the same bits as one that was not. Real processes,
// real signals.
#include <sys/mount.h>

#include <map>
#include <random>
#include <set>

#include "tests/support/run_fixture.h"

namespace caravan {
namespace {

using tests::Program;

class ResumeTest : public RunFixture {
 protected:
  static void SetUpTestSuite() {
    make_small_demo(300, 20);
    dir_->write("recipe.yaml", kRecipe);
    for (const std::string dtype : {"fp32", "bf16"}) {
      ASSERT_EQ(train(dtype, "undisturbed-" + dtype), 0) << log();
      undisturbed_[dtype] = result_of("undisturbed-" + dtype);
    }
  }

  static Words train_words(const std::string& dtype, const std::string& run_dir, const Words& more = {}) {
    return RunFixture::train_words(run_dir, joined({"model.dtype=" + dtype}, more));
  }
  static int train(const std::string& dtype, const std::string& run_dir, const Words& more = {}) {
    return run(train_words(dtype, run_dir, more));
  }

  // Everything a run leaves that must not depend on how it was disturbed: final files, the last checkpoint's
  // tensors, the metrics (what measures time and memory left out).
  static std::map<std::string, std::string> result_of(const std::string& run_dir) {
    std::map<std::string, std::string> result;
    const fs::path root = dir_->path() / run_dir;
    for (const auto& entry : fs::directory_iterator(root / "final"))
      result["final/" + entry.path().filename().string()] = tests::read_bytes(entry.path());
    result["state"] = tests::read_bytes(root / "checkpoints/step-00000024/state-00000-of-00001.safetensors");
    result["ledger"] = tests::read_bytes(root / "data/ledger.jsonl");
    result["metrics"] = json(rows(run_dir)).dump(1);
    return result;
  }

  static void expect_undisturbed(const std::string& dtype, const std::string& run_dir) {
    const auto found = result_of(run_dir);
    ASSERT_EQ(found.size(), undisturbed_[dtype].size());
    for (const auto& [name, bytes] : undisturbed_[dtype])
      EXPECT_TRUE(found.at(name) == bytes) << run_dir << ": " << name << " differs";
  }

  // Kills a fresh run as soon as `seen` holds, then lets it finish.
  static void kill_when(const std::string& dtype, const std::string& run_dir,
                        const std::function<bool()>& seen) {
    ASSERT_EQ(run_until(seen, SIGKILL, train_words(dtype, run_dir)), -SIGKILL);
    ASSERT_EQ(train(dtype, run_dir), 0) << log();
    expect_undisturbed(dtype, run_dir);
  }

  static std::function<bool()> has_step(const std::string& run_dir, int step) {
    return [file = path(run_dir + "/metrics.jsonl"), text = "\"step\":" + std::to_string(step) + ","] {
      return tests::read_bytes(file).find(text) != std::string::npos;
    };
  }
  static bool any_in(const std::string& folder, const std::function<bool(const std::string&)>& matches) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(dir_->path() / folder, ignored))
      if (matches(entry.path().filename().string())) return true;
    return false;
  }

  static inline const std::string kRecipe =
      "schema: 1\nstage: sft\nmodel: {path: demo, init: random}\n"
      "data: {sources: [{path: demo/train.jsonl}], max_length: 256 tokens}\n"
      "batch: {tokens: 1024, micro_tokens: 512}\n"
      "optimizer: {learning_rate: 1.0e-3, weight_decay: 0.1}\n"
      "schedule: {name: cosine, warmup: 2 steps}\n"
      "loss: {neftune_noise_alpha: 5}\n"
      "run: {dir: unset, max_steps: 24, seed: 5, checkpoint_every: 4 steps, keep: 2}\n"
      "evaluation: {every: 8 steps, sources: [{path: demo/held_out.jsonl}]}\n";
  static inline std::map<std::string, std::map<std::string, std::string>> undisturbed_;
};

TEST_F(ResumeTest, SameRecipeSameBits) {
  ASSERT_EQ(train("fp32", "again"), 0) << log();
  expect_undisturbed("fp32", "again");
}

TEST_F(ResumeTest, KilledWhileTokenizing) {
  kill_when("fp32", "kill-tokenizing", [] { return fs::exists(path("kill-tokenizing/data/cache")); });
}

TEST_F(ResumeTest, KilledWhileStepping) {
  kill_when("bf16", "kill-stepping",
            [] { return fs::exists(path("kill-stepping/checkpoints/step-00000008/manifest.json")); });
  const json card = json::parse(tests::read_bytes(path("kill-stepping/run.json")));
  ASSERT_EQ(card["launches"].size(), 2u);
  EXPECT_EQ(card["launches"][0]["outcome"], "lost");
  EXPECT_EQ(card["launches"][1]["outcome"], "done");
  EXPECT_GT(card["launches"][1]["first_step"], 8);
  EXPECT_EQ(card["launches"][1]["totals"]["steps"].get<int>(),
            25 - card["launches"][1]["first_step"].get<int>());
  EXPECT_TRUE(card["final_hashes"].contains("model.safetensors"));
}

TEST_F(ResumeTest, KilledWhileSaving) {
  kill_when("fp32", "kill-saving", [] {
    return any_in("kill-saving/checkpoints",
                  [](const std::string& name) { return name.ends_with("12.partial"); });
  });
}

TEST_F(ResumeTest, KilledWhileExporting) {
  kill_when("fp32", "kill-exporting", [] {
    return any_in("kill-exporting", [](const std::string& name) {
      return name.starts_with("final") || name.starts_with(".final");
    });
  });
}

TEST_F(ResumeTest, KilledAtRandomMomentsAgainAndAgain) {
  std::mt19937 random(7);
  std::uniform_int_distribution<int> milliseconds(100, 1200);
  for (int kill = 0; kill < 8; ++kill) {
    Program program = start(train_words("bf16", "kill-random"));
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds(random));
    program.wait_until([&] { return std::chrono::steady_clock::now() > end; });
    program.signal(SIGKILL);
    program.wait();
  }
  ASSERT_EQ(train("bf16", "kill-random"), 0) << log();
  expect_undisturbed("bf16", "kill-random");
}

TEST_F(ResumeTest, SignalsFinishTheStepSaveAndEndWith75) {
  for (const int number : {SIGTERM, SIGINT, SIGUSR1, SIGHUP}) {
    const std::string run_dir = "signal-" + std::to_string(number);
    ASSERT_EQ(run_until(has_step(run_dir, 2), number, train_words("fp32", run_dir)), 75) << log();
    ASSERT_EQ(train("fp32", run_dir), 0) << log();
    expect_undisturbed("fp32", run_dir);
  }
}

// The evaluation that a stop cut short is made up for, in the place where it would have been.
TEST_F(ResumeTest, StoppedWhileEvaluating) {
  const Words long_evaluation{"evaluation.sources.0.path=" + path("demo/train.jsonl")};
  ASSERT_EQ(train("fp32", "evaluated", long_evaluation), 0) << log();
  const Words words = train_words("fp32", "stopped-evaluating", long_evaluation);
  EXPECT_EQ(run_until(has_step("stopped-evaluating", 8), SIGTERM, words), 75) << log();
  const std::string metrics = tests::read_bytes(path("stopped-evaluating/metrics.jsonl"));
  EXPECT_EQ(metrics.find("\"eval/loss\"", metrics.find("\"step\":8,")), std::string::npos) << metrics;
  ASSERT_EQ(train("fp32", "stopped-evaluating", long_evaluation), 0) << log();
  EXPECT_EQ(result_of("stopped-evaluating"), result_of("evaluated"));
}

// Tasks look at the model in place, between steps; they must not move it.
TEST_F(ResumeTest, TasksAreAskedAndChangeNothing) {
  dir_->write("tasks/quiz.yaml",
              "schema: 1\nname: quiz\nkind: multiple_choice\nsuite: development\ndata: quiz.jsonl\n"
              "prompt: \"{{ q }}\"\nchoices: \"{{ c | tojson }}\"\nanswer: \"{{ a }}\"\n");
  dir_->write("tasks/quiz.jsonl", "{\"q\": \"two plus two is\", \"c\": [\"four\", \"five\"], \"a\": 0}\n");
  dir_->write("tasks/sums.yaml",
              "schema: 1\nname: sums\nkind: generation\nsuite: development\ndata: sums.jsonl\nchat: true\n"
              "prompt: \"{{ q }}\"\nground_truth: \"5\"\nverifiers: [{name: gsm8k}]\n"
              "generation: {max_new_tokens: 8}\n");
  dir_->write("tasks/sums.jsonl", "{\"q\": \"2 plus 3?\"}\n");
  // A verifier that can tell of no answer is a mistake in the task, which no run is to be lost for.
  dir_->write("tasks/unclear.yaml",
              "schema: 1\nname: unclear\nkind: generation\nsuite: development\ndata: sums.jsonl\nchat: true\n"
              "prompt: \"{{ q }}\"\nground_truth: \"no number\"\nverifiers: [{name: gsm8k}]\n"
              "generation: {max_new_tokens: 2}\n");
  ASSERT_EQ(train("fp32", "with-tasks",
                  {"evaluation.tasks=[" + path("tasks/quiz.yaml") + ", " + path("tasks/sums.yaml") + ", " +
                   path("tasks/unclear.yaml") + "]"}),
            0)
      << log();
  EXPECT_NE(
      tests::read_bytes(path("with-tasks/log.txt")).find("unclear: the verifier could tell of none of 1"),
      std::string::npos);
  const auto found = result_of("with-tasks");
  EXPECT_TRUE(found.at("state") == undisturbed_["fp32"].at("state"));
  std::ifstream lines(path("with-tasks/metrics.jsonl"));
  std::set<std::int64_t> steps;
  for (std::string line; std::getline(lines, line);) {
    const json row = json::parse(line);
    if (row.contains("eval/quiz/acc_norm") && row.contains("eval/sums/acc") &&
        row.contains("eval/unclear/acc"))
      steps.insert(row["step"].get<std::int64_t>());
  }
  EXPECT_EQ(steps, (std::set<std::int64_t>{0, 8, 16, 24}));
  EXPECT_TRUE(fs::exists(path("with-tasks/evaluation/step-00000008/samples/sums.jsonl.zst")));
}

TEST_F(ResumeTest, StoppedBeforeTheFirstStepStillEndsWith75) {
  const auto begun = [] { return fs::exists(path("signal-early/recipe.yaml")); };
  ASSERT_EQ(run_until(begun, SIGTERM, train_words("fp32", "signal-early")), 75) << log();
  ASSERT_EQ(train("fp32", "signal-early"), 0) << log();
  expect_undisturbed("fp32", "signal-early");
}

TEST_F(ResumeTest, TornAndDamagedCheckpointsArePassedOver) {
  fs::copy(path("undisturbed-fp32"), path("torn"), fs::copy_options::recursive);
  fs::remove_all(path("torn/final"));
  fs::resize_file(path("torn/checkpoints/step-00000024/state-00000-of-00001.safetensors"), 1000);
  ASSERT_EQ(train("fp32", "torn"), 0) << log();
  EXPECT_NE(tests::read_bytes(path("torn/log.txt")).find("passed over"), std::string::npos);
  expect_undisturbed("fp32", "torn");
}

TEST_F(ResumeTest, AChangedBitInTheNewestCheckpointIsFound) {
  fs::copy(path("undisturbed-fp32"), path("flipped"), fs::copy_options::recursive);
  fs::remove_all(path("flipped/final"));
  const std::string file = path("flipped/checkpoints/step-00000024/state-00000-of-00001.safetensors");
  std::string bytes = tests::read_bytes(file);
  bytes[bytes.size() - 100] = static_cast<char>(bytes[bytes.size() - 100] ^ 4);
  tests::write_bytes(file, bytes);
  ASSERT_EQ(train("fp32", "flipped"), 0) << log();
  EXPECT_NE(tests::read_bytes(path("flipped/log.txt")).find("does not match its hash"), std::string::npos);
  expect_undisturbed("fp32", "flipped");
}

TEST_F(ResumeTest, DamagedCheckpointsOnlyAreNotStartedOver) {
  fs::copy(path("undisturbed-fp32"), path("all-damaged"), fs::copy_options::recursive);
  fs::remove_all(path("all-damaged/final"));
  for (const auto& entry : fs::directory_iterator(path("all-damaged/checkpoints")))
    fs::remove(entry.path() / "manifest.json");
  const std::string before = tests::read_bytes(path("all-damaged/metrics.jsonl"));
  EXPECT_EQ(train("fp32", "all-damaged"), 65) << log();
  EXPECT_NE(log().find("none is complete"), std::string::npos) << log();
  EXPECT_EQ(tests::read_bytes(path("all-damaged/metrics.jsonl")), before);
}

TEST_F(ResumeTest, FilesThatNoRunMadeAreNotReplaced) {
  dir_->write("foreign/final/notes.txt", "mine");
  EXPECT_EQ(train("fp32", "foreign"), 77) << log();
  EXPECT_NE(log().find("holds final"), std::string::npos) << log();
  dir_->write("foreign-metrics/metrics.jsonl", "mine");
  EXPECT_EQ(train("fp32", "foreign-metrics"), 77) << log();
  EXPECT_EQ(tests::read_bytes(path("foreign-metrics/metrics.jsonl")), "mine");
  fs::copy(path("undisturbed-fp32"), path("foreign-final"), fs::copy_options::recursive);
  fs::remove(path("foreign-final/final/config.json"));
  EXPECT_EQ(train("fp32", "foreign-final"), 77) << log();
  EXPECT_TRUE(fs::exists(path("foreign-final/final/model.safetensors")));
  EXPECT_EQ(tests::read_bytes(path("foreign/final/notes.txt")), "mine");
}

TEST_F(ResumeTest, AChangedRecipeIsRefusedWithTheDifferences) {
  fs::copy(path("undisturbed-fp32"), path("changed"), fs::copy_options::recursive);
  EXPECT_EQ(train("fp32", "changed", {"optimizer.learning_rate=0.002"}), 2);
  EXPECT_NE(log().find("optimizer.learning_rate"), std::string::npos) << log();
  EXPECT_EQ(train("fp32", "changed", {"run.keep=5"}), 0) << log();
}

TEST_F(ResumeTest, ChangedDataIsRefusedAsUnsafe) {
  const std::string dialogues = tests::read_bytes(path("demo/train.jsonl"));
  dir_->write("own.jsonl", dialogues);
  const Words own{"data.sources.0.path=" + path("own.jsonl")};
  ASSERT_EQ(run_until(has_step("own-data", 2), SIGTERM, train_words("fp32", "own-data", own)), 75) << log();
  const json card = json::parse(tests::read_bytes(path("own-data/run.json")));
  EXPECT_EQ(card["launches"][0]["outcome"], "stopped");
  EXPECT_EQ(card["launches"][0]["reason"], "SIGTERM");
  dir_->write("own.jsonl", dialogues + dialogues.substr(0, dialogues.find('\n') + 1));
  EXPECT_EQ(train("fp32", "own-data", own), 77) << log();
  EXPECT_NE(log().find("data:" + path("own.jsonl")), std::string::npos) << log();
  // The checkpoint knows what it was made from, also without the card.
  fs::remove(path("own-data/run.json"));
  EXPECT_EQ(train("fp32", "own-data", own), 77) << log();
  EXPECT_NE(log().find("step-"), std::string::npos) << log();
  EXPECT_NE(tests::read_bytes(path("own-data/log.txt")).find(" error "), std::string::npos);
}

TEST_F(ResumeTest, AFinishedRunIsLeftAlone) {
  const std::string before = tests::read_bytes(path("undisturbed-fp32/metrics.jsonl"));
  ASSERT_EQ(train("fp32", "undisturbed-fp32"), 0) << log();
  EXPECT_EQ(tests::read_bytes(path("undisturbed-fp32/metrics.jsonl")), before);
}

TEST_F(ResumeTest, ACardThatNeverHeardOfTheEndIsClosed) {
  fs::copy(path("undisturbed-fp32"), path("unclosed"), fs::copy_options::recursive);
  json card = json::parse(tests::read_bytes(path("unclosed/run.json")));
  const json hashes = card["final_hashes"];
  ASSERT_FALSE(hashes.empty());
  card.erase("final_hashes");
  card["launches"][0].erase("outcome");
  dir_->write("unclosed/run.json", card.dump());
  ASSERT_EQ(train("fp32", "unclosed"), 0) << log();
  card = json::parse(tests::read_bytes(path("unclosed/run.json")));
  EXPECT_EQ(card["launches"][0]["outcome"], "done");
  EXPECT_EQ(card["launches"][0]["last_step"], 24);
  EXPECT_EQ(card["final_hashes"], hashes);
}

TEST_F(ResumeTest, TwoRunsInOneDirectoryAreRefused) {
  Program first = start(train_words("fp32", "twice"), "log-first");
  ASSERT_TRUE(first.wait_until([] { return fs::exists(path("twice/recipe.yaml")); })) << first.output();
  EXPECT_EQ(train("fp32", "twice"), 77) << log();
  EXPECT_NE(log().find("another run is using this directory"), std::string::npos) << log();
  EXPECT_EQ(first.wait(), 0) << first.output();
  expect_undisturbed("fp32", "twice");
}

TEST_F(ResumeTest, AFullDiskLosesNothingAndEndsWith74) {
  const std::string disk = path("small-disk");
  fs::create_directories(disk);
  if (mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=3m") != 0)
    GTEST_SKIP() << "a small file system cannot be mounted here (needs root)";
  EXPECT_EQ(train("fp32", "small-disk/run"), 74) << log();
  for (const auto& entry : fs::directory_iterator(disk + "/run/checkpoints"))
    EXPECT_FALSE(entry.path().filename().string().ends_with(".partial")) << entry.path();
  fs::copy(disk + "/run", path("rescued"), fs::copy_options::recursive);
  umount(disk.c_str());
  ASSERT_EQ(train("fp32", "rescued"), 0) << log();
  expect_undisturbed("fp32", "rescued");
}

}  // namespace
}  // namespace caravan
