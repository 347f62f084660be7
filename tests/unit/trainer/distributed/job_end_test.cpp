#include "trainer/distributed/job_end.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "trainer/distributed/event_ring.h"

namespace caravan::trainer {
namespace {

using namespace std::chrono_literals;
using Time = std::chrono::system_clock::time_point;

TEST(JobEnd, WhatSlurmSays) {
  EXPECT_EQ(job_end({{"SLURM_JOB_END_TIME", "1700000000"}}), Time(1700000000s));
  EXPECT_EQ(job_end({}), std::nullopt);
  for (const char* text : {"", "soon", "0", "-5", "1e9", "99999999999999", "9999999999999999999999"})
    EXPECT_EQ(job_end({{"SLURM_JOB_END_TIME", text}}), std::nullopt) << text;
}

TEST(JobEnd, RoomForAStepAndASave) {
  const Time end(100000s);
  EXPECT_FALSE(must_save_now(end - 200s, end, 10s, 50s));
  EXPECT_TRUE(must_save_now(end - 170s, end, 10s, 50s));
  EXPECT_TRUE(must_save_now(end + 5s, end, 0s, 0s));
}

TEST(EventRing, TheLastOnes) {
  EventRing ring;
  for (int i = 0; i < 600; ++i) ring.add("begin", i, "all_reduce \"x\"", Time(std::chrono::seconds(i)));
  std::istringstream lines(ring.to_jsonl());
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const auto event = nlohmann::json::parse(line);
    EXPECT_EQ(event["step"], 88 + count);
    EXPECT_EQ(event["call"], "all_reduce \"x\"");
  }
  EXPECT_EQ(count, 512);
}

}  // namespace
}  // namespace caravan::trainer
