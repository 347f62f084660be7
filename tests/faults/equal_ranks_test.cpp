// One rank, two and four: the same losses, gradient norms and weights.
#include <cmath>
#include <cstring>

#include "tests/faults/ranks_fixture.h"

namespace caravan {
namespace {

class EqualRanksTest : public RanksTest {
 protected:
  // The tensors of a safetensors file in fp32, by name.
  static std::map<std::string, std::vector<float>> weights(const std::string& run) {
    const std::string bytes = final_bytes(run);
    std::uint64_t length = 0;
    std::memcpy(&length, bytes.data(), 8);
    const json header = json::parse(bytes.substr(8, length));
    std::map<std::string, std::vector<float>> tensors;
    for (const auto& [name, entry] : header.items()) {
      if (name == "__metadata__") continue;
      const std::size_t begin = entry["data_offsets"][0], end = entry["data_offsets"][1];
      tensors[name].resize((end - begin) / sizeof(float));
      std::memcpy(tensors[name].data(), bytes.data() + 8 + length + begin, end - begin);
    }
    return tensors;
  }
  static void expect_equal(const std::string& a, const std::string& b) {
    const std::vector<json> left = rows(a), right = rows(b);
    ASSERT_EQ(left.size(), right.size());
    for (std::size_t i = 0; i < left.size(); ++i)
      for (const auto& [key, value] : left[i].items()) {
        const double x = value, y = right[i].at(key);
        EXPECT_NEAR(x, y, 1e-6 * std::abs(x)) << b << " row " << i << " " << key;
      }
    const auto here = weights(a), there = weights(b);
    ASSERT_EQ(here.size(), there.size());
    for (const auto& [name, values] : here) {
      double difference = 0.0, norm = 0.0;
      for (std::size_t i = 0; i < values.size(); ++i) {
        difference += std::pow(static_cast<double>(values[i]) - there.at(name)[i], 2);
        norm += std::pow(static_cast<double>(values[i]), 2);
      }
      EXPECT_LE(std::sqrt(difference), 1e-6 * std::sqrt(norm)) << b << " " << name;
    }
  }
};

TEST_F(EqualRanksTest, OneTwoAndFour) {
  ASSERT_EQ(train("one"), 0) << log();
  for (const int ranks : {2, 4}) {
    const std::string run = "ranks-" + std::to_string(ranks);
    ASSERT_EQ(launch(ranks, run), 0) << log();
    expect_equal("one", run);
  }
}

// More ranks than micro-batches in a step: the rest take part all the same.
TEST_F(EqualRanksTest, RanksWithoutWork) {
  const Words large{"batch.micro_tokens=512", "run.max_steps=6"};
  ASSERT_EQ(train("few-one", large), 0) << log();
  ASSERT_EQ(launch(5, "few-five", large), 0) << log();
  expect_equal("few-one", "few-five");
}

// A run may go on with another number of ranks.
TEST_F(EqualRanksTest, ResumedOnFewerRanks) {
  ASSERT_EQ(train("whole"), 0) << log();
  const Words four = launch_words(4, train_words("reduced"));
  ASSERT_EQ(run_until(stepping("reduced", 5), SIGTERM, four), 75) << log();
  ASSERT_EQ(launch(2, "reduced"), 0);
  expect_equal("whole", "reduced");
}

// The next layer's values are on their way while one computes, and so are the gradients of the one behind.
TEST_F(EqualRanksTest, TheTraceShowsWhatOverlaps) {
  ASSERT_EQ(launch(2, "traced", {"run.trace=true", "distributed.shard=3", "run.max_steps=2"}), 0);
  for (const char* name : {"trace_rank_00000.json", "trace_rank_00001.json"}) {
    const auto events = nlohmann::json::parse(tests::read_bytes(path("traced") + "/" + name))["traceEvents"];
    std::map<std::string, std::int64_t> begun, ended;  // first of each
    for (const auto& event : events) {
      if (event["ph"] == "M") continue;
      const std::string what = event["name"], phase = event["ph"];
      const std::int64_t at = event["ts"];
      if (phase == "e")
        ended.emplace(what, at);
      else if (begun.emplace(what, at).second && phase == "X")
        ended.emplace(what, at + event["dur"].get<std::int64_t>());
    }
    EXPECT_LT(begun.at("all_gather values layers.1"), ended.at("forward layers.0"));
    EXPECT_LT(ended.at("all_gather values layers.1"), begun.at("forward layers.1") + 1);
    EXPECT_LT(begun.at("reduce_scatter gradients layers.1"), begun.at("backward layers.0"));
    for (const char* compute : {"forward embed_tokens", "loss", "backward head", "update"})
      EXPECT_TRUE(ended.contains(compute)) << compute;
  }
}

}  // namespace
}  // namespace caravan
