// Every command that leaves something, killed, told to stop, on a full disk, where it may not write, what it
// may not read, and twice at once.
#include <sys/mount.h>

#include <random>

#include "tests/operator/operator_run.h"

namespace caravan {
namespace {

std::string name_of(const testing::TestParamInfo<std::string>& info) {
  return info.param;
}

class DisturbedJob : public OperatorRun, public testing::WithParamInterface<std::string> {
 protected:
  // Undisturbed, once; how long it took.
  static double whole_seconds(const Job& job) {
    static std::map<std::string, double> known;
    if (const auto found = known.find(job.name); found != known.end()) return found->second;
    fs::create_directories(whole(job));
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(run(words_of(job, whole(job))), 0) << log();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    for (const auto& [name, bytes] : results_of(job, whole(job))) EXPECT_FALSE(bytes.empty()) << name;
    return known[job.name] = seconds.count();
  }
  static std::string whole(const Job& job) { return path("whole-" + job.name); }
  static void expect_whole(const Job& job, const std::string& out) {
    const auto expected = results_of(job, whole(job)), found = results_of(job, out);
    for (const auto& [name, bytes] : expected)
      EXPECT_TRUE(found.at(name) == bytes) << out << "/" << name << " differs";
  }
  // Halves of files. Answers that an evaluation or a rollout goes on with and a release that is begun anew
  // are none.
  static std::vector<std::string> halves_in(const std::string& out) {
    std::vector<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(out)) {
      const std::string name = entry.path().string();
      if (has(name, "/samples/") || has(name, "/rollouts/") || has(name, "/final.partial")) continue;
      if (name.ends_with(".writing") || name.ends_with(".partial")) found.push_back(name);
    }
    return found;
  }
  static std::string fresh(const Job& job, const std::string& what) {
    const std::string out = path(what + "-" + job.name);
    fs::create_directories(out);
    return out;
  }
  static void wait(double seconds, Program& program) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    program.wait_until([&] { return std::chrono::steady_clock::now() > end; });
  }
};

TEST_P(DisturbedJob, KilledAgainAndAgainItEndsWithTheSame) {
  const Job job = OperatorRun::job(GetParam());
  const double seconds = whole_seconds(job);
  const std::string out = fresh(job, "killed");
  std::mt19937 random(11);
  std::uniform_real_distribution<double> share(0.2, 1.0);
  for (int i = 0; i < 3; ++i) {
    Program program(words_in({}, words_of(job, out)), path("log"), start_folder());
    wait(seconds * share(random), program);
    program.signal(SIGKILL);
    program.wait();
  }
  ASSERT_EQ(run(words_of(job, out)), 0) << log();
  expect_whole(job, out);
  EXPECT_EQ(halves_in(out), std::vector<std::string>());
}

TEST_P(DisturbedJob, ToldToStopItSaysSoAndGoesOn) {
  const Job job = OperatorRun::job(GetParam());
  const double seconds = whole_seconds(job);
  const std::string out = fresh(job, "stopped");
  for (const double share : {0.6, 0.9}) {
    Program program(words_in({}, words_of(job, out)), path("log"), start_folder());
    wait(seconds * share, program);
    program.signal(SIGTERM);
    const int code = program.wait();
    EXPECT_TRUE(code == 75 || code == 0 || code == -SIGTERM) << code << program.output();
    // Between two steps of a recipe nobody listens, and the signal ends the process as it ends any other.
    if (code != -SIGTERM) {
      EXPECT_EQ(halves_in(out), std::vector<std::string>());
    }
  }
  ASSERT_EQ(run(words_of(job, out)), 0) << log();
  expect_whole(job, out);
  EXPECT_EQ(halves_in(out), std::vector<std::string>());
}

// A disk that fills at one place after the other, then has room again.
TEST_P(DisturbedJob, AFullDiskIsToldAndLosesNothing) {
  const Job job = OperatorRun::job(GetParam());
  whole_seconds(job);
  const std::string disk = path("disk-" + job.name);
  fs::create_directories(disk);
  if (mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=8k") != 0)
    GTEST_SKIP() << "a small file system cannot be mounted here (needs root)";
  std::size_t times_full = 0;
  int code = 1;
  for (const char* size : {"size=8k", "size=128k", "size=512k", "size=3m", "size=64m"}) {
    ASSERT_EQ(mount("tmpfs", disk.c_str(), "tmpfs", MS_REMOUNT, size), 0);
    code = run(words_of(job, disk));
    if (code == 0) break;
    ++times_full;
    EXPECT_EQ(code, 74) << size << log();
    EXPECT_TRUE(has(log(), "No space left") || has(log(), "check space")) << size << log();
    EXPECT_EQ(halves_in(disk), std::vector<std::string>()) << size;
  }
  EXPECT_EQ(code, 0) << log();
  EXPECT_GT(times_full, 0u);
  expect_whole(job, disk);
  umount(disk.c_str());
}

TEST_P(DisturbedJob, WhereItMayNotWriteItSaysSoAtOnce) {
  const Job job = OperatorRun::job(GetParam());
  if (!plain_user_can_run()) GTEST_SKIP() << "a user without rights cannot reach the program here";
  const std::string out = fresh(job, "closed");
  chmod(out.c_str(), 0555);
  EXPECT_EQ(run(words_of(job, out), {.plain_user = true}), 74) << log();
  EXPECT_TRUE(has(log(), out)) << log();
  EXPECT_TRUE(has(log(), "Permission denied")) << log();
  EXPECT_TRUE(fs::is_empty(out)) << log();
  chmod(out.c_str(), 0755);
}

TEST_P(DisturbedJob, AReadOnlyFileSystemIsToldAsWhatItIs) {
  const Job job = OperatorRun::job(GetParam());
  const std::string disk = path("frozen-" + job.name);
  fs::create_directories(disk);
  if (mount("tmpfs", disk.c_str(), "tmpfs", MS_RDONLY, "size=1m") != 0)
    GTEST_SKIP() << "no file system can be mounted here (needs root)";
  EXPECT_EQ(run(words_of(job, disk)), 74) << log();
  EXPECT_TRUE(has(log(), "Read-only file system")) << log();
  EXPECT_TRUE(has(log(), disk)) << log();
  umount(disk.c_str());
}

TEST_P(DisturbedJob, WhatItMayNotReadItNames) {
  const Job job = OperatorRun::job(GetParam());
  if (!plain_user_can_run()) GTEST_SKIP() << "a user without rights cannot reach the program here";
  static const std::map<std::string, std::vector<std::string>> inputs{
      {"data_run", {"data.yaml", "demo/train.jsonl"}},
      {"data_filter", {"demo/train.jsonl"}},
      {"prefer", {"prefer.yaml", "prompts.jsonl", "base/final/model.safetensors", "base/final/config.json"}},
      {"synthesize", {"synthesize.yaml", "personas.txt"}},
      {"evaluate", {"sums.yaml", "sums.jsonl", "base/final/model.safetensors", "base/final/tokenizer.json"}},
      {"dpo", {"dpo.yaml", "pairs.jsonl", "base/final/model.safetensors", "base/final/config.json"}},
      {"rlvr",
       {"rlvr.yaml", "prompts.jsonl", "base/final/tokenizer.json", "base/final/tokenizer_config.json"}},
      {"release", {"release.yaml", "base/final/model.safetensors", "base/final/config.json"}}};
  int number = 0;
  for (const std::string& input : inputs.at(job.name)) {
    SCOPED_TRACE(input);
    const std::string out = fresh(job, "unread" + std::to_string(number++));
    chmod(out.c_str(), 0777);
    chmod(path(input).c_str(), 0);
    const int code = run(words_of(job, out), {.plain_user = true});
    chmod(path(input).c_str(), 0644);
    EXPECT_EQ(code, 74) << log();
    EXPECT_TRUE(has(log(), path(input)) || has(log(), fs::path(input).filename().string())) << log();
    EXPECT_TRUE(has(log(), "Permission denied")) << log();
  }
}

TEST_P(DisturbedJob, TheSecondInOneFolderIsRefused) {
  const Job job = OperatorRun::job(GetParam());
  whole_seconds(job);
  const std::string out = fresh(job, "twice");
  Program first(words_in({}, words_of(job, out)), path("log-first"), start_folder());
  ASSERT_TRUE(first.wait_until([&] {
    // The owner's number is written once the lock is held.
    return !tests::read_bytes(out + "/.lock").empty() || fs::exists(out + "/rows.jsonl.partial");
  })) << first.output();
  first.signal(SIGSTOP);
  EXPECT_EQ(run(words_of(job, out)), 77) << log();
  EXPECT_TRUE(has(log(), "another")) << log();
  first.signal(SIGCONT);
  EXPECT_EQ(first.wait(), 0) << first.output();
  expect_whole(job, out);
}

class Refused : public OperatorRun {
 protected:
  static Around plain() { return {.plain_user = true}; }
};

// What the pipeline knows of its stages must not be taken for nothing: it would begin anew beside what is
// done.
TEST_F(Refused, APipelineWhoseStateCannotBeRead) {
  if (!plain_user_can_run()) GTEST_SKIP() << "a user without rights cannot reach the program here";
  world_->write("kept.yaml",
                "schema: 1\nstages:\n  - {name: once, command: [sh, -c, 'echo x >> "
                "\"$CARAVAN_STAGE_DIR/times\"']}\nrun: {dir: " +
                    path("kept") + "}\n");
  fs::create_directories(path("kept"));
  chmod(path("kept").c_str(), 0777);
  ASSERT_EQ(run({"train", path("kept.yaml")}, plain()), 0) << log();
  chmod(path("kept/pipeline.json").c_str(), 0);
  EXPECT_EQ(run({"train", path("kept.yaml")}, plain()), 74) << log();
  EXPECT_TRUE(has(log(), path("kept/pipeline.json") + ": cannot be read: Permission denied")) << log();
  EXPECT_EQ(tests::read_bytes(path("kept/1-once/times")), "x\n") << "the stage ran again";
  chmod(path("kept/pipeline.json").c_str(), 0644);
  EXPECT_EQ(run({"train", path("kept.yaml")}, plain()), 0) << log();
}

// Killed when the mix was in its place and its record was not: the next launch must not take it for foreign.
TEST_F(Refused, OwnRowsWhoseRecordAKillPreventedAreNotForeign) {
  const Job job = OperatorRun::job("data_run");
  const std::string out = path("unrecorded"), step = out + "/reports/3-mix/";
  fs::create_directories(out);
  ASSERT_EQ(run(words_of(job, out)), 0) << log();
  const std::string rows = tests::read_bytes(out + "/train.jsonl");
  fs::remove(step + "step.json");
  EXPECT_EQ(run(words_of(job, out)), 77) << "rows that no step tells of\n" << log();
  tests::write_bytes(step + "begun.json", json{{"out", out + "/train.jsonl"}}.dump());
  EXPECT_EQ(run(words_of(job, out)), 0) << log();
  EXPECT_EQ(tests::read_bytes(out + "/train.jsonl"), rows);
  EXPECT_FALSE(fs::exists(step + "begun.json"));
}

// The files of a run that is gone on with.
TEST_F(Refused, ARunWhoseOwnFilesCannotBeRead) {
  if (!plain_user_can_run()) GTEST_SKIP() << "a user without rights cannot reach the program here";
  const std::string whole = path("own-whole");
  fs::create_directories(whole);
  chmod(whole.c_str(), 0777);
  ASSERT_EQ(run({"train", path("sft.yaml"), "--quiet", "run.dir=" + whole}, plain()), 0) << log();
  fs::remove_all(whole + "/final");
  for (const std::string file : {"metrics.jsonl", "run.json"}) {
    const std::string before = tests::read_bytes(whole + "/" + file);
    chmod((whole + "/" + file).c_str(), 0222);
    const int code = run({"train", path("sft.yaml"), "--quiet", "run.dir=" + whole}, plain());
    chmod((whole + "/" + file).c_str(), 0644);
    EXPECT_EQ(code, 74) << file << log();
    EXPECT_TRUE(has(log(), whole + "/" + file + ": cannot be read: Permission denied")) << log();
    EXPECT_EQ(tests::read_bytes(whole + "/" + file), before);
  }
}

// Output that nobody took is an error of every command that writes to stdout.
TEST_F(Refused, AnOutputThatTakesNothing) {
  const std::string model = path("base/final");
  write_jsonl("texts.jsonl", {{{"text", "2 + 2"}}});
  write_jsonl("asked.jsonl", {{{"prompt", "2 + 2"}}});
  write_jsonl("judged.jsonl", {{{"completion", "2"}, {"ground_truth", "2"}}});
  const std::vector<std::pair<std::vector<std::string>, std::string>> commands{
      {{"tokenize", "--model", model}, "texts.jsonl"},
      {{"render", "--model", model}, "demo/train.jsonl"},
      {{"score", "--model", model}, "texts.jsonl"},
      {{"generate", "--model", model, "--max-new-tokens", "2"}, "asked.jsonl"},
      {{"verify", "--reward", "gsm8k"}, "judged.jsonl"},
      {{"data", "inspect", path("demo/train.jsonl")}, "texts.jsonl"},
      {{"data", "filter", path("demo/train.jsonl"), "--empty-turns", "--out", "-"}, "texts.jsonl"},
      {{"describe"}, "texts.jsonl"},
      {{"validate", path("sft.yaml"), "--resolved"}, "texts.jsonl"},
      {{"plan", path("sft.yaml"), "run.dir=" + path("planned")}, "texts.jsonl"},
      {{"evaluate", "--model", model, "--tasks", path("sums.yaml"), "--quiet"}, "texts.jsonl"},
      {{"doctor"}, "texts.jsonl"},
      {{"--help"}, "texts.jsonl"}};
  for (const auto& [words, input] : commands) {
    EXPECT_EQ(run(words, {.shell = "exec \"$0\" \"$@\" < '" + path(input) + "' > /dev/full"}), 74)
        << words[0] << log();
    EXPECT_TRUE(has(log(), "stdout") || has(log(), "standard output") || has(log(), "No space left"))
        << words[0] << log();
  }
}

TEST_F(Refused, TheSecondServerOnAPort) {
  Program first(words_in({}, {"serve", "--model", path("base/final"), "--port", "0"}), path("serve-log"),
                start_folder());
  ASSERT_TRUE(first.wait_until([&] { return has(first.output(), "on http://127.0.0.1:"); }))
      << first.output();
  const std::string text = first.output(), mark = "http://127.0.0.1:";
  const std::string port = std::to_string(std::stoi(text.substr(text.find(mark) + mark.size())));
  EXPECT_EQ(run({"serve", "--model", path("base/final"), "--port", port}), 74) << log();
  EXPECT_TRUE(has(log(), port)) << log();
  first.signal(SIGTERM);
  EXPECT_EQ(first.wait(), 0) << first.output();
}

TEST_F(Refused, ATokenThatCannotBeRead) {
  if (!plain_user_can_run()) GTEST_SKIP() << "a user without rights cannot reach the program here";
  const std::string token = world_->write("token", "0123456789abcdef\n");
  chmod(token.c_str(), 0);
  EXPECT_EQ(run({"serve", "--model", path("base/final"), "--token-file", token}, plain()), 74) << log();
  EXPECT_TRUE(has(log(), token + ": cannot be read: Permission denied")) << log();
}

// A report of a run some of whose files may not be read would be one without curves, and look whole.
TEST_F(Refused, AReportOfWhatCannotBeRead) {
  if (!plain_user_can_run()) GTEST_SKIP() << "a user without rights cannot reach the program here";
  const std::string run_dir = path("base");
  for (const std::string file : {"metrics.jsonl", "data/ledger.jsonl", "run.json"}) {
    SCOPED_TRACE(file);
    chmod((run_dir + "/" + file).c_str(), 0);
    fs::create_directories(path("open"));
    chmod(path("open").c_str(), 0777);
    EXPECT_EQ(run({"report", run_dir, "--out", path("open/report.html")}, plain()), 74) << log();
    chmod((run_dir + "/" + file).c_str(), 0644);
    EXPECT_TRUE(has(log(), run_dir + "/" + file)) << log();
    EXPECT_FALSE(fs::exists(path("open/report.html")));
  }
}

INSTANTIATE_TEST_SUITE_P(Operator, DisturbedJob,
                         testing::Values("data_run", "data_filter", "prefer", "synthesize", "evaluate", "dpo",
                                         "rlvr", "release"),
                         name_of);

}  // namespace
}  // namespace caravan
