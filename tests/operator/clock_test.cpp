// A wall clock that leaps a day ahead and an hour back twice a second: nothing that is computed, waited for
// or gone on with depends on it.
#include "tests/operator/operator_run.h"

namespace caravan {
namespace {

class LeapingClock : public OperatorRun {
 protected:
  static Around leaping() { return {.variables = {"LD_PRELOAD=" CARAVAN_BINARY_DIR "/libclock_jump.so"}}; }
};

TEST_F(LeapingClock, EveryJobWritesTheSameBytes) {
  for (const Job& job : jobs()) {
    const std::string usual = path("clock-usual-" + job.name), out = path("clock-" + job.name);
    fs::create_directories(usual);
    fs::create_directories(out);
    ASSERT_EQ(run(words_of(job, usual)), 0) << log();
    ASSERT_EQ(run(words_of(job, out), leaping()), 0) << log();
    EXPECT_EQ(results_of(job, out), results_of(job, usual)) << job.name;
  }
}

TEST_F(LeapingClock, TheTimeLeftIsThatOfTheSteps) {
  const std::string out = path("eta");
  ASSERT_EQ(
      run({"train", path("sft.yaml"), "run.dir=" + out, "run.max_steps=40", "run.log_every=1"}, leaping()), 0)
      << log();
  std::size_t told = 0;
  std::istringstream lines(log());
  for (std::string line; std::getline(lines, line);) {
    const std::size_t at = line.find("ETA ");
    if (at == std::string::npos) continue;
    ++told;
    EXPECT_TRUE(line.substr(at + 4).starts_with("00:")) << line;
  }
  EXPECT_GT(told, 20u);
  for (const json& row : read_jsonl(out + "/metrics.jsonl")) {
    if (!row.contains("speed/step_seconds")) continue;
    EXPECT_GT(row["speed/step_seconds"].get<double>(), 0.0);
    EXPECT_LT(row["speed/step_seconds"].get<double>(), 60.0);
  }
  const json totals = json::parse(tests::read_bytes(out + "/run.json"))["launches"][0]["totals"];
  EXPECT_LT(totals["step_seconds"].get<double>(), 60.0) << totals;
}

// Minutes between checkpoints are minutes: none here but the last, however far the clock leaps.
TEST_F(LeapingClock, MinutesBetweenCheckpointsAreMinutes) {
  const std::string out = path("minutes");
  ASSERT_EQ(run({"train", path("sft.yaml"), "--quiet", "run.dir=" + out, "run.max_steps=400",
                 "run.checkpoint_every=30 minutes", "run.keep=0"},
                leaping()),
            0)
      << log();
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(out + "/checkpoints"))
    names.push_back(entry.path().filename().string());
  EXPECT_EQ(names, std::vector<std::string>{"step-00000400"});
}

// Stopped under one time and gone on with under another: the same weights, and curves in order.
TEST_F(LeapingClock, GoneOnWithADayEarlier) {
  const std::string out = path("yesterday"), whole = path("whole-clock");
  ASSERT_EQ(run({"train", path("sft.yaml"), "--quiet", "run.dir=" + whole}), 0) << log();
  Program program(words_in(leaping(), {"train", path("sft.yaml"), "--quiet", "run.dir=" + out}), path("log"),
                  start_folder());
  ASSERT_TRUE(program.wait_until([&] {
    return fs::exists(out + "/checkpoints/step-00000003/manifest.json");
  })) << program.output();
  program.signal(SIGKILL);
  program.wait();
  // The newest by name of step, not by the time of its folder.
  const auto now = fs::file_time_type::clock::now();
  for (const auto& entry : fs::directory_iterator(out + "/checkpoints"))
    fs::last_write_time(entry.path(), now + std::chrono::hours(24));
  ASSERT_EQ(run({"train", path("sft.yaml"), "--quiet", "run.dir=" + out}, leaping()), 0) << log();
  EXPECT_EQ(tests::read_bytes(out + "/final/model.safetensors"),
            tests::read_bytes(whole + "/final/model.safetensors"));
  EXPECT_EQ(read_jsonl(out + "/metrics.jsonl").size(), read_jsonl(whole + "/metrics.jsonl").size());
}

TEST_F(LeapingClock, HooksHaveTheirTimeAndNoMore) {
  const auto pipeline = [&](const std::string& name, const std::string& sleep, const std::string& timeout) {
    world_->write(
        name + ".yaml",
        "schema: 1\nstages:\n  - name: wait\n    command: [\"true\"]\n    after: [{command: [sleep, \"" +
            sleep + "\"], timeout: " + timeout + " seconds}]\nrun: {dir: " + path(name) + "}\n");
    const auto begin = std::chrono::steady_clock::now();
    const int code = run({"train", path(name + ".yaml"), "--quiet"}, leaping());
    return std::pair{code, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count()};
  };
  EXPECT_EQ(pipeline("patient", "2", "60").first, 0) << log();
  const auto [code, seconds] = pipeline("impatient", "300", "2");
  EXPECT_EQ(code, 70) << log();
  EXPECT_GT(seconds, 1.5);
  EXPECT_LT(seconds, 60.0);
}

TEST_F(LeapingClock, AServerAnswersAndEnds) {
  Program server(
      words_in(leaping(), {"serve", "--model", path("base/final"), "--port", "0", "--timeout", "60"}),
      path("serve-log"), start_folder());
  ASSERT_TRUE(server.wait_until([&] { return has(server.output(), "on http://"); })) << server.output();
  const std::string text = server.output();
  const std::string url =
      text.substr(text.find("http://"), text.find('\n', text.find("http://")) - text.find("http://"));
  for (int i = 0; i < 3; ++i) {
    Program client(
        {"/usr/bin/env", "curl", "-sS", "--max-time", "50", "-H", "Content-Type: application/json", "-d",
         R"({"model": "final", "prompt": "What is 1 + 1?", "max_tokens": 200, "temperature": 0})",
         url + "/v1/completions"},
        path("log"), start_folder());
    ASSERT_EQ(client.wait(), 0) << log();
    EXPECT_TRUE(json::parse(log()).contains("choices")) << log();
  }
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(), 0) << server.output();
}

}  // namespace
}  // namespace caravan
