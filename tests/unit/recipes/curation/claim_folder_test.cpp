// Whose a run folder is.
#include "recipes/curation/claim_folder.h"

#include <gtest/gtest.h>

#include "data/error.h"
#include "tests/support/temp_dir.h"
#include "trainer/error.h"

namespace caravan::recipes {
namespace {

using Lock = std::optional<trainer::RunLock>;

// "77 ..." or "claimed".
std::string claim(const std::filesystem::path& dir, std::string_view stage) {
  Lock lock;
  try {
    claim_folder(dir, stage, lock);
  } catch (const data::Error& error) {
    return std::to_string(error.exit_code()) + ' ' + error.what();
  }
  return lock.has_value() ? "claimed" : "not locked";
}

TEST(ClaimFolder, WhatAKilledRunLeftAtItsVeryStartIsNobodys) {
  const tests::TempDir dir;
  EXPECT_EQ(claim(dir / "new", "stages"), "claimed");
  ASSERT_TRUE(std::filesystem::exists(dir / "new/.lock"));
  EXPECT_EQ(claim(dir / "new", "stages"), "claimed") << "its lock alone";
  dir.write("new/recipe.yaml.partial", "sta");
  EXPECT_EQ(claim(dir / "new", "data"), "claimed") << "half a recipe";
}

TEST(ClaimFolder, AFolderOfSomethingElseIsRefused) {
  const tests::TempDir dir;
  dir.write("run/recipe.yaml", "schema: 1\nstages: []\n");
  EXPECT_EQ(claim(dir / "run", "stages"), "claimed");
  const std::string error = claim(dir / "run", "data");
  EXPECT_TRUE(error.starts_with("77 ")) << error;
  EXPECT_NE(error.find("something else than a run of a recipe of stage: data"), std::string::npos) << error;
  dir.write("notes/notes.txt", "mine\n");
  EXPECT_TRUE(claim(dir / "notes", "stages").starts_with("77 "));
  EXPECT_TRUE(claim(dir / "notes/notes.txt", "stages").starts_with("77 ")) << "a file";
  EXPECT_FALSE(std::filesystem::exists(dir / "notes/.lock"));
}

TEST(ClaimFolder, OneProcessAtATime) {
  const tests::TempDir dir;
  Lock first, second;
  claim_folder(dir / "run", "data", first);
  EXPECT_THROW(claim_folder(dir / "run", "data", second), trainer::Error);
}

}  // namespace
}  // namespace caravan::recipes
