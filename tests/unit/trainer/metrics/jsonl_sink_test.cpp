#include "trainer/metrics/jsonl_sink.h"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/temp_dir.h"
#include "trainer/error.h"

namespace caravan::trainer {
namespace {

using tests::read_bytes;
using tests::TempDir;
using tests::write_bytes;

std::vector<MetricValue> loss(double value) {
  return {{"train/loss", value}};
}

TEST(JsonlSink, WritesOneObjectAStep) {
  const TempDir dir;
  JsonlSink sink(dir / "metrics.jsonl", 0);
  sink.write(1, std::vector<MetricValue>{
                    {"train/loss", 0.1}, {"train/tokens", 1000000}, {"train/learning_rate", 5e-6}});
  sink.flush();
  EXPECT_EQ(read_bytes(dir / "metrics.jsonl"),
            "{\"step\":1,\"train/loss\":0.1,\"train/tokens\":1000000,\"train/learning_rate\":5e-06}\n");
}

TEST(JsonlSink, NumbersComeBackBitEqual) {
  const TempDir dir;
  JsonlSink sink(dir / "metrics.jsonl", 0);
  const std::vector<double> values = {
      1.0 / 3, 2.2250738585072014e-308, 1.7976931348623157e308, 123456789012345680.0,
      -0.0,    9007199254740993.0};
  for (std::size_t i = 0; i < values.size(); ++i)
    sink.write(static_cast<std::int64_t>(i) + 1, loss(values[i]));
  std::istringstream rows(read_bytes(dir / "metrics.jsonl"));
  std::string row;
  for (const double value : values) {
    ASSERT_TRUE(std::getline(rows, row));
    const double read = nlohmann::json::parse(row)["train/loss"].get<double>();
    EXPECT_EQ(std::memcmp(&read, &value, sizeof value), 0) << row;
  }
}

TEST(JsonlSink, WhatJsonLacksIsNamed) {
  const TempDir dir;
  JsonlSink sink(dir / "metrics.jsonl", 0);
  const double infinity = std::numeric_limits<double>::infinity();
  sink.write(3, std::vector<MetricValue>{
                    {"a", std::numeric_limits<double>::quiet_NaN()}, {"b", infinity}, {"c", -infinity}});
  EXPECT_EQ(read_bytes(dir / "metrics.jsonl"),
            "{\"step\":3,\"a\":\"NaN\",\"b\":\"Infinity\",\"c\":\"-Infinity\"}\n");
}

TEST(JsonlSink, ResumeCutsOffStepsThatAreDoneAgain) {
  const TempDir dir;
  const auto path = dir / "metrics.jsonl";
  {
    JsonlSink sink(path, 0);
    for (int step = 1; step <= 7; ++step) sink.write(step, loss(step));
  }
  {
    JsonlSink sink(path, 5);
    sink.write(6, loss(60));
  }
  EXPECT_EQ(read_bytes(path),
            "{\"step\":1,\"train/loss\":1}\n{\"step\":2,\"train/loss\":2}\n{\"step\":3,\"train/loss\":3}\n"
            "{\"step\":4,\"train/loss\":4}\n{\"step\":5,\"train/loss\":5}\n{\"step\":6,\"train/loss\":60}\n");
}

TEST(JsonlSink, RowTornByACrashIsCutOff) {
  const TempDir dir;
  const auto path = dir / "metrics.jsonl";
  write_bytes(path, "{\"step\":1,\"train/loss\":1}\n{\"step\":1,\"evaluation/loss\":2}\n{\"step\":2,\"trai");
  JsonlSink sink(path, 2);
  EXPECT_EQ(read_bytes(path), "{\"step\":1,\"train/loss\":1}\n{\"step\":1,\"evaluation/loss\":2}\n");
}

TEST(JsonlSink, RunThatBeginsAnewStartsEmpty) {
  const TempDir dir;
  const auto path = dir / "metrics.jsonl";
  write_bytes(path, "{\"step\":1,\"train/loss\":1}\n");
  JsonlSink sink(path, 0);
  EXPECT_EQ(read_bytes(path), "");
}

TEST(JsonlSink, AForeignFileIsNamedWithItsLineAndLeftAlone) {
  const TempDir dir;
  const auto path = dir / "metrics.jsonl";
  const std::string text = "{\"step\":1,\"train/loss\":1}\nhello\n{\"step\":2,\"train/loss\":1}\n";
  write_bytes(path, text);
  try {
    JsonlSink sink(path, 2);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Error::Kind::kData);
    EXPECT_NE(std::string(error.what()).find("metrics.jsonl:2: found \"hello\""), std::string::npos)
        << error.what();
  }
  EXPECT_EQ(read_bytes(path), text);
}

TEST(JsonlSink, FullDiskIsAnInputOutputError) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  JsonlSink sink("/dev/full", 0);
  try {
    sink.write(1, loss(1));
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), 74);
    EXPECT_NE(std::string(error.what()).find("/dev/full: cannot write: No space left on device"),
              std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace caravan::trainer
