// scripts/bench on programs and tables that are made up: medians and ranges, what fails, and what counts as
// worse.
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/program.h"
#include "tests/support/temp_dir.h"

namespace caravan {
namespace {

using nlohmann::json;

class Bench : public testing::Test {
 protected:
  int bench(const std::vector<std::string>& more) {
    std::vector<std::string> words{"/usr/bin/env", "python3", CARAVAN_SOURCE_DIR "/scripts/bench"};
    words.insert(words.end(), more.begin(), more.end());
    return tests::Program(words, path("log")).wait();
  }
  std::string path(const std::string& name) const { return (dir_.path() / name).string(); }
  std::string log() const { return tests::read_bytes(path("log")); }
  bool told(const std::string& part) const { return log().find(part) != std::string::npos; }

  // Prints one rate after the other, a run each; only verifier_bench of all programs is there.
  void make_program(const std::string& rates) {
    dir_.write("rates", rates);
    const std::string program =
        dir_.write("verifier_bench",
                   "#!/bin/sh\ncd \"${0%/*}\" || exit 1\nread -r rate < rates\nsed -i 1d rates\n"
                   "for what in 'gsm8k sound' 'math sound' 'ifeval strict' 'ifeval loose'\n"
                   "do echo \"$what  $rate verdicts/s  7 rows in 0.001 s\"; done\n");
    std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  }
  int measure(const std::vector<std::string>& more) {
    std::vector<std::string> words{"--model",   path("."),       "--data",    path("."),
                                   "--caravan", path("caravan"), "--figures", path("figures.json"),
                                   "--work",    path("work")};
    words.insert(words.end(), more.begin(), more.end());
    return bench(words);
  }

  // A rate of 100 (95 to 105) beside a peer of 25 (24 to 26), and a peak of 100 MB (99 to 101) without one.
  static json table(const std::string& cpu) {
    const json peer = {{"median", 25.0}, {"low", 24.0}, {"high", 26.0}, {"ratio", 4.0}};
    return {{"schema", 1},
            {"cpu", cpu},
            {"cores", 2},
            {"memory_mb", 8000},
            {"commit", "abc"},
            {"date", "2026-01-01 00:00 UTC"},
            {"runs", 3},
            {"figures",
             {{"near.rate", figure("MB/s", true, 100, 95, 105, {{"rensa", peer}})},
              {"clean.peak", figure("MB", false, 100, 99, 101, json::object())}}}};
  }
  static json figure(const char* unit, bool higher, double median, double low, double high,
                     const json& peers) {
    return {{"unit", unit}, {"higher_is_better", higher}, {"median", median}, {"low", low},
            {"high", high}, {"other_cores_busy", 0.0},    {"peers", peers}};
  }
  static void set(json& table, const char* name, double median, double low, double high) {
    json& one = table["figures"][name];
    one["median"] = median, one["low"] = low, one["high"] = high;
    for (json& peer : one["peers"]) peer["ratio"] = median / peer["median"].get<double>();
  }
  int compare(const json& last, const json& now) {
    return bench({"--compare", dir_.write("last.json", last.dump()), dir_.write("now.json", now.dump())});
  }

  tests::TempDir dir_;
};

TEST_F(Bench, MediansOfFreshProcessesAreKeptAndComparedTheNextTime) {
  make_program("100\n300\n200\n");
  ASSERT_EQ(measure({"--only", "verifier", "--write"}), 0) << log();
  const json written = json::parse(tests::read_bytes(path("figures.json")));
  const json& gsm8k = written["figures"]["verifier.gsm8k"];
  EXPECT_EQ(gsm8k["median"], 200);
  EXPECT_EQ(gsm8k["low"], 100);
  EXPECT_EQ(gsm8k["high"], 300);
  EXPECT_EQ(written["figures"].size(), 4u);
  // A third less, and within what was seen before.
  make_program("130\n132\n134\n");
  EXPECT_EQ(measure({"--only", "verifier"}), 0) << log();
  EXPECT_TRUE(told("-34.0 %")) << log();
  make_program("80\n81\n82\n");
  EXPECT_EQ(measure({"--only", "verifier"}), 1) << log();
  EXPECT_TRUE(told("worse: verifier.gsm8k: 81 (80 to 82) after 200 (100 to 300) verdicts/s, -59.5 %"))
      << log();
}

TEST_F(Bench, WhatFailsIsOneLineAndTheOthersAreMeasured) {
  make_program("100\n");
  EXPECT_EQ(measure({"--only", "template", "verifier", "--runs", "1", "--write"}), 1) << log();
  EXPECT_TRUE(told("failed: template: " + path("template_bench") + " is not there")) << log();
  EXPECT_EQ(json::parse(tests::read_bytes(path("figures.json")))["figures"]["verifier.math"]["median"], 100);
  make_program("broken\n");
  EXPECT_EQ(measure({"--only", "verifier", "--runs", "1"}), 1) << log();
  EXPECT_TRUE(told("failed: verifier: no line like")) << log();
  EXPECT_EQ(measure({"--only", "nothing"}), 2) << log();
  EXPECT_TRUE(told("allowed are sft, ")) << log();
}

TEST_F(Bench, AFigureIsWorseBeyondATenthAndBothRanges) {
  struct Case {
    const char* name;
    double median, low, high;
    bool worse;
  };
  for (const Case& one : {Case{"near.rate", 91, 90, 92, false}, Case{"near.rate", 85, 84, 86, true},
                          Case{"near.rate", 85, 84, 101, false}, Case{"near.rate", 150, 149, 151, false},
                          Case{"clean.peak", 115, 114, 116, true}, Case{"clean.peak", 109, 108, 110, false},
                          Case{"clean.peak", 50, 49, 51, false}}) {
    json now = table("a");
    set(now, one.name, one.median, one.low, one.high);
    EXPECT_EQ(compare(table("a"), now), one.worse ? 1 : 0) << one.name << " " << one.median << "\n" << log();
    EXPECT_EQ(told("worse: " + std::string(one.name)), one.worse) << log();
  }
}

TEST_F(Bench, OfAnotherMachineOnlyRatiosAreCompared) {
  json now = table("b");
  set(now, "near.rate", 50, 49, 51);
  set(now, "clean.peak", 500, 499, 501);
  json& peer = now["figures"]["near.rate"]["peers"]["rensa"];
  peer = {{"median", 12.5}, {"low", 12.0}, {"high", 13.0}, {"ratio", 4.0}};
  EXPECT_EQ(compare(table("a"), now), 0) << log();
  EXPECT_TRUE(told("another machine, so ratios alone are compared")) << log();
  peer = {{"median", 25.0}, {"low", 24.0}, {"high", 26.0}, {"ratio", 2.0}};
  EXPECT_EQ(compare(table("a"), now), 1) << log();
  EXPECT_TRUE(told("worse: near.rate over rensa: 2 (1.88 to 2.12) after 4 (3.65 to 4.38), -50.0 %")) << log();
  now["figures"].erase("near.rate");
  EXPECT_EQ(compare(table("a"), now), 0) << log();
  EXPECT_TRUE(told("nothing could be compared")) << log();
  now["cpu"] = "a", now["cores"] = 4;
  EXPECT_EQ(compare(table("a"), now), 0) << log();
  EXPECT_TRUE(told("nothing could be compared")) << log();
}

TEST_F(Bench, ABusyMachineIsSaidOnTop) {
  json now = table("a");
  now["figures"]["near.rate"]["other_cores_busy"] = 0.4;
  EXPECT_EQ(compare(table("a"), now), 0) << log();
  EXPECT_EQ(log().find("NOT A QUIET MACHINE: others kept up to 0.40 cores busy during near;"), 0u) << log();
}

}  // namespace
}  // namespace caravan
