#include "recipes/stages/input_hashes.h"

#include <gtest/gtest.h>

#include "data/error.h"
#include "tests/support/temp_dir.h"

namespace caravan::recipes {
namespace {

using tests::TempDir;

// Of "abc", from FIPS 180-4; of nothing, as `sha256sum /dev/null` prints it.
constexpr const char* kOfAbc = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr const char* kOfNothing = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

TEST(InputHashes, AreWhatSha256sumPrints) {
  const TempDir dir;
  dir.write("a", "abc");
  dir.write("b", "");
  const auto hashes = hash_files({{"data:a", dir / "a"}, {"data:b", dir / "b"}, {"again", dir / "a"}});
  EXPECT_EQ(hashes.at("data:a"), kOfAbc);
  EXPECT_EQ(hashes.at("data:b"), kOfNothing);
  EXPECT_EQ(hashes.at("again"), kOfAbc);
  EXPECT_TRUE(hash_files({}).empty());
}

TEST(InputHashes, AFileThatIsGoneIsAnError) {
  const TempDir dir;
  dir.write("a", "abc");
  EXPECT_THROW(hash_files({{"a", dir / "a"}, {"b", dir / "b"}}), data::Error);
}

TEST(InputHashes, OfACheckpointAreItsConfigAndWeights) {
  const TempDir dir;
  for (const char* name :
       {"config.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
        "model.safetensors.index.json", "tokenizer.json", "README.md"})
    dir.write(name, "abc");
  EXPECT_EQ(hash_files(checkpoint_files(dir.path(), "model:", true)).size(), 4u);
  const auto config = hash_files(checkpoint_files(dir.path(), "model:", false));
  ASSERT_EQ(config.size(), 1u);
  EXPECT_EQ(config.begin()->first, "model:config.json");
}

}  // namespace
}  // namespace caravan::recipes
