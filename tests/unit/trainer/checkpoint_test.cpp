// Which checkpoints are kept, and which are taken.
#include "trainer/checkpoint/checkpoint.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <set>

#include "tests/support/temp_dir.h"

namespace caravan::trainer {
namespace {

namespace fs = std::filesystem;

void save(const tests::TempDir& dir, std::int64_t step, std::int64_t keep) {
  CheckpointContent content;
  content.step = step;
  content.tensors = {{"a", at::full({3}, static_cast<double>(step))}};
  content.progress = {{"tokens_done", step}};
  content.recipe_yaml = "schema: 1\n";
  write_checkpoint(dir.path(), content, keep);
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
  EXPECT_EQ(newest_checkpoint(dir.path(), [](const std::string&) {})->step, 6);
}

TEST(Checkpoint, ADamagedOneIsNotCounted) {
  const tests::TempDir dir;
  for (const std::int64_t step : {2, 4}) save(dir, step, 0);
  fs::resize_file(dir / "checkpoints/step-00000004/state.safetensors", 10);
  save(dir, 6, 2);
  EXPECT_EQ(kept(dir), (Names{"step-00000002", "step-00000004", "step-00000006"}));
}

TEST(Checkpoint, WhatIsNoManifestIsSaidInWords) {
  const tests::TempDir dir;
  const auto reason = [&](const std::string& manifest) {
    tests::write_bytes(dir / "checkpoints/step-00000002/manifest.json", manifest);
    std::string note;
    EXPECT_FALSE(newest_checkpoint(dir.path(), [&](const std::string& text) { note = text; }));
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
  EXPECT_EQ(newest_checkpoint(dir.path(), [](const std::string&) {})->step, 2);
}

}  // namespace
}  // namespace caravan::trainer
