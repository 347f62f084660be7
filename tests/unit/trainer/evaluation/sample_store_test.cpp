// Samples on the disk: stopped anywhere they go on, finished they are whole, of something else they are
// refused.
#include "trainer/evaluation/sample_store.h"

#include <gtest/gtest.h>

#include "data/error.h"
#include "data/readers/row_source.h"
#include "tests/support/temp_dir.h"
#include "trainer/error.h"

namespace caravan::trainer {
namespace {

using data::Json;
using tests::TempDir;

const Json kIdentity{{"model", "a"}, {"task", "b"}};

Json sample(std::int64_t index, std::int64_t number) {
  return {{"index", index}, {"item", "f:" + std::to_string(index)}, {"sample", number}};
}

TEST(SampleStore, GoesOnAfterALineThatWasCutShort) {
  const TempDir folder;
  {
    SampleStore store(folder.path(), "t", kIdentity);
    store.add(sample(1, 0));
    store.add(sample(0, 0));
  }
  const std::string path = (folder / "t.jsonl.partial").string();
  tests::write_bytes(path, tests::read_bytes(path) + "{\"index\":7,\"sam");
  SampleStore store(folder.path(), "t", kIdentity);
  EXPECT_EQ(store.num_kept(), 2u);
  EXPECT_TRUE(store.has(1, 0));
  EXPECT_FALSE(store.has(7, 0));
  store.add(sample(0, 1));
  store.finish();
  EXPECT_FALSE(std::filesystem::exists(path));
  SampleStore again(folder.path(), "t", kIdentity);
  ASSERT_EQ(again.rows().size(), 3u);
  EXPECT_EQ(again.rows()[0], sample(0, 0)) << "in the order of items";
  EXPECT_EQ(again.rows()[1], sample(0, 1));
  EXPECT_EQ(again.rows()[2], sample(1, 0));
}

TEST(SampleStore, ADamagedLineIsNamedAndNothingBehindItIsLost) {
  const TempDir folder;
  {
    SampleStore store(folder.path(), "t", kIdentity);
    store.add(sample(0, 0));
  }
  const std::string path = (folder / "t.jsonl.partial").string();
  const std::string text = tests::read_bytes(path) + "{\"index\":7,\"sam\n" + sample(1, 0).dump() + "\n";
  tests::write_bytes(path, text);
  try {
    SampleStore(folder.path(), "t", kIdentity);
    FAIL() << "read on";
  } catch (const data::Error& error) {
    EXPECT_NE(std::string(error.what()).find(path + ":3"), std::string::npos) << error.what();
  }
  EXPECT_EQ(tests::read_bytes(path), text);
}

TEST(SampleStore, OfSomethingElseIsRefused) {
  const TempDir folder;
  {
    SampleStore store(folder.path(), "t", kIdentity);
    store.add(sample(0, 0));
  }
  const Json other{{"model", "c"}, {"task", "b"}};
  const auto refused = [&] {
    try {
      SampleStore(folder.path(), "t", other);
    } catch (const Error& error) {
      EXPECT_EQ(error.exit_code(), 77);
      return std::string(error.what()).find("(model differ)") != std::string::npos;
    }
    return false;
  };
  EXPECT_TRUE(refused()) << "half done";
  SampleStore store(folder.path(), "t", kIdentity);
  store.finish();
  EXPECT_TRUE(refused()) << "done";
}

TEST(SampleStore, WithoutAFolderItIsMemory) {
  SampleStore store;
  store.add(sample(3, 0));
  store.add(sample(2, 0));
  store.finish();
  EXPECT_EQ(store.rows()[0], sample(2, 0));
}

}  // namespace
}  // namespace caravan::trainer
