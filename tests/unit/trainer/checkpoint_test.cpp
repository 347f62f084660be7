// Which checkpoints are kept, and which are taken.
#include "trainer/checkpoint/checkpoint_writer.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <set>

#include "tests/support/temp_dir.h"
#include "trainer/error.h"

namespace caravan::trainer {
namespace {

namespace fs = std::filesystem;

CheckpointContent content_of(std::int64_t step) {
  CheckpointContent content;
  content.step = step;
  content.state = {{"a", at::full({3}, static_cast<double>(step)), 0, 3, true}};
  content.progress = {{"tokens_done", step}};
  content.recipe_yaml = "schema: 1\n";
  return content;
}

void save(const tests::TempDir& dir, std::int64_t step, std::int64_t keep) {
  const auto alone = make_single_group();
  CheckpointWriter writer(dir.path(), keep, *alone);
  writer.begin(content_of(step));
  EXPECT_EQ(writer.finish()->step, step);
}

std::optional<FoundCheckpoint> newest(const tests::TempDir& dir, std::string* note = nullptr) {
  return newest_checkpoint(dir.path(), *make_single_group(), [&](const std::string& text) {
    if (note != nullptr) *note = text;
  });
}

std::set<std::string> kept(const tests::TempDir& dir) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(dir / "checkpoints"))
    names.insert(entry.path().filename().string());
  return names;
}

using Names = std::set<std::string>;

TEST(Checkpoint, TheNewestAreKept) {
  const tests::TempDir dir;
  for (const std::int64_t step : {2, 4, 6}) save(dir, step, 2);
  EXPECT_EQ(kept(dir), (Names{"step-00000004", "step-00000006"}));
  for (const std::int64_t step : {8, 10}) save(dir, step, 0);
  EXPECT_EQ(kept(dir).size(), 4u);
}

// A run goes on from step 2 because 6 is damaged; what it saves next must not be deleted for being older.
TEST(Checkpoint, ADamagedNewerOneDoesNotCostTheOneJustWritten) {
  const tests::TempDir dir;
  for (const std::int64_t step : {2, 6}) save(dir, step, 0);
  fs::remove(dir / "checkpoints/step-00000006/manifest.json");
  save(dir, 4, 1);
  EXPECT_EQ(kept(dir), (Names{"step-00000004", "step-00000006"}));
  save(dir, 6, 1);
  EXPECT_EQ(kept(dir), Names{"step-00000006"});
  EXPECT_EQ(newest(dir)->step, 6);
}

TEST(Checkpoint, ADamagedOneIsNotCounted) {
  const tests::TempDir dir;
  for (const std::int64_t step : {2, 4}) save(dir, step, 0);
  fs::resize_file(dir / "checkpoints/step-00000004/state-00000-of-00001.safetensors", 10);
  save(dir, 6, 2);
  EXPECT_EQ(kept(dir), (Names{"step-00000002", "step-00000004", "step-00000006"}));
}

TEST(Checkpoint, WhatIsNoManifestIsSaidInWords) {
  const tests::TempDir dir;
  const auto reason = [&](const std::string& manifest) {
    tests::write_bytes(dir / "checkpoints/step-00000002/manifest.json", manifest);
    std::string note;
    EXPECT_FALSE(newest(dir, &note));
    return note;
  };
  save(dir, 2, 0);
  for (const std::string text : {"", "{", "[]", "\xFF\xFE", "{\"check\":1}", "{}"}) {
    EXPECT_NE(reason(text).find("it is no manifest"), std::string::npos) << text << ": " << reason(text);
  }
}

TEST(Checkpoint, APipeIsNotWaitedFor) {
  const tests::TempDir dir;
  for (const std::int64_t step : {2, 4}) save(dir, step, 0);
  const fs::path manifest = dir / "checkpoints/step-00000004/manifest.json";
  fs::remove(manifest);
  ASSERT_EQ(mkfifo(manifest.c_str(), 0600), 0);
  EXPECT_EQ(newest(dir)->step, 2);
}

TEST(Checkpoint, TheStateMayChangeWhileItIsWritten) {
  const tests::TempDir dir;
  const auto alone = make_single_group();
  CheckpointWriter writer(dir.path(), 0, *alone);
  const at::Tensor state = at::full({1 << 20}, 1.0);
  CheckpointContent content = content_of(1);
  content.state = {{"a", state, 0, 1 << 20, true}};
  writer.begin(content);
  state.fill_(2.0);
  writer.finish();
  const at::Tensor back = at::zeros({1 << 20});
  restore(*newest(dir), {{"a", back, 0, 1 << 20, true}});
  EXPECT_TRUE(at::equal(back, at::full({1 << 20}, 1.0)));
}

TEST(Checkpoint, OneOnItsWayIsCompletedByTheNextAndGivenUpByNobody) {
  const tests::TempDir dir;
  const auto alone = make_single_group();
  {
    CheckpointWriter writer(dir.path(), 0, *alone);
    EXPECT_FALSE(writer.poll());
    EXPECT_FALSE(writer.begin(content_of(1)));
    EXPECT_EQ(writer.begin(content_of(2))->step, 1);
    std::optional<SavedCheckpoint> saved;
    while (!saved) saved = writer.poll();
    EXPECT_EQ(saved->step, 2);
    EXPECT_FALSE(writer.finish());
    writer.begin(content_of(3));
  }
  EXPECT_EQ(kept(dir), (Names{"step-00000001", "step-00000002"})) << "a writer that is destroyed gives up";
}

TEST(Checkpoint, WhatGoesWrongIsThrownByTheNextCallAndCostsNothingElse) {
  const tests::TempDir dir;
  save(dir, 1, 0);
  const auto alone = make_single_group();
  CheckpointWriter writer(dir.path(), 0, *alone);
  CheckpointContent content = content_of(2);
  content.state.push_back(content.state[0]);  // a name twice
  writer.begin(content);
  EXPECT_THROW(writer.finish(), std::exception);
  EXPECT_EQ(kept(dir), Names{"step-00000001"});
  writer.begin(content_of(3));
  EXPECT_EQ(writer.finish()->step, 3);
  EXPECT_EQ(newest(dir)->step, 3);
}

TEST(Checkpoint, AStateThatDoesNotFitIsRefused) {
  const tests::TempDir dir;
  save(dir, 1, 0);
  const auto found = newest(dir);
  const auto message = [&](const std::vector<StatePart>& state) {
    try {
      restore(*found, state);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), Error::Kind::kData);
      return std::string(error.what());
    }
    return std::string();
  };
  const at::Tensor three = at::zeros({3});
  EXPECT_EQ(message({{"a", three, 0, 3, true}}), "");
  EXPECT_NE(message({{"b", three, 0, 3, true}}).find("b is missing"), std::string::npos);
  EXPECT_NE(message({{"a", at::zeros({4}), 0, 4, true}}).find("another size"), std::string::npos);
  EXPECT_NE(message({{"a", at::zeros({3}, at::kInt), 0, 3, true}}).find("another dtype"), std::string::npos);
  EXPECT_NE(message({{"a", three, 0, 3, true}, {"b", three, 0, 3, true}}).find("holds 1"), std::string::npos);
}

}  // namespace
}  // namespace caravan::trainer
