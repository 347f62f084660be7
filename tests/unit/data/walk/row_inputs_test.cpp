#include "data/walk/row_inputs.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "data/error.h"
#include "tests/support/temp_dir.h"

namespace caravan::data {
namespace {

TEST(RowInputs, NamesKeepTheirOrderAndGlobsAreSorted) {
  const tests::TempDir dir;
  const std::string b = dir.write("b.jsonl", ""), a = dir.write("a.jsonl", ""), c = dir.write("c.csv", "");
  EXPECT_EQ(RowInputs({c, (dir / "*.jsonl").string()}).files(), (std::vector<std::string>{c, a, b}));
  EXPECT_TRUE(RowInputs({a}).rereadable());
}

TEST(RowInputs, TwiceIsRefusedByWhateverName) {
  const tests::TempDir dir;
  const std::string a = dir.write("a.jsonl", "");
  std::filesystem::create_symlink(a, dir / "link.jsonl");
  EXPECT_THROW(RowInputs({a, a}), Error);
  EXPECT_THROW(RowInputs({a, (dir / "link.jsonl").string()}), Error);
  EXPECT_THROW(RowInputs({a, (dir / "*.jsonl").string()}), Error);
  EXPECT_THROW(RowInputs({}), Error);
  EXPECT_THROW(RowInputs({dir.path().string()}), Error);
}

TEST(RowInputs, PipesCanBeReadOnce) {
  const tests::TempDir dir;
  const std::string pipe = (dir / "pipe").string();
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const RowInputs inputs({pipe});
  EXPECT_FALSE(inputs.rereadable());
  EXPECT_THROW(inputs.need_rereadable("data dedup"), Error);
  EXPECT_FALSE(RowInputs({"-"}).rereadable());
}

}  // namespace
}  // namespace caravan::data
