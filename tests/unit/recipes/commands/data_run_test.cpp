#include "recipes/commands/data_run.h"

#include <gtest/gtest.h>

#include "data/error.h"
#include "tests/support/temp_dir.h"

namespace caravan::recipes {
namespace {

using data::BlockFates;
using data::Error;
using data::JsonRow;
using data::RowWalk;
using data::WalkBlock;

void keep_all(const WalkBlock& block, JsonRow& json, BlockFates& fates, bool details) {
  fates.clear(details);
  for (std::size_t i = 0; i < block.size(); ++i) {
    const data::WalkRow row = walk_row(block, i, json);
    if (row.sound()) {
      fates.keep(row);
    } else {
      fates.refuse(row);
    }
  }
}

int run(const std::vector<std::string>& args, const std::function<void()>& between = {}) {
  DataFlags flags("data keep", "caravan data keep\n");
  if (!flags.parse(args)) return 0;
  DataRun run(flags, data::Json::object());
  if (between) {
    RowWalk first = run.first_walk();
    first.run<int>([](const WalkBlock&, JsonRow&, int&) {}, [](const WalkBlock&, int&) {});
    run.remember(first);
    between();
  }
  run.walk().run<BlockFates>([&](const WalkBlock& block, JsonRow& json,
                                 BlockFates& fates) { keep_all(block, json, fates, run.details()); },
                             [&](const WalkBlock&, BlockFates& fates) { run.take(fates); });
  return run.finish();
}

Error::Kind failure(const std::vector<std::string>& args, const std::function<void()>& between = {}) {
  try {
    run(args, between);
  } catch (const Error& error) {
    return error.kind();
  }
  ADD_FAILURE() << "no error";
  return Error::Kind::kUsage;
}

TEST(DataRun, RowsThatAreKeptKeepTheirBytes) {
  const tests::TempDir dir;
  const std::string in = dir.write("in.jsonl", "{ \"b\" : 1.0e3,\"a\":\"\\u0041\" }\n{}\n");
  const std::string out = (dir / "out.jsonl").string();
  EXPECT_EQ(run({in, "--out", out, "--quiet"}), 0);
  EXPECT_EQ(tests::read_bytes(out), tests::read_bytes(in));
  EXPECT_EQ(failure({in, "--out", out, "--quiet"}), Error::Kind::kUnsafe);
  EXPECT_EQ(run({in, "--out", out, "--quiet", "--force"}), 0);
  EXPECT_EQ(failure({in, "--out", in, "--quiet", "--force"}), Error::Kind::kUnsafe);
  EXPECT_EQ(failure({in, "--quiet"}), Error::Kind::kUsage);
  EXPECT_EQ(failure({"--out", out}), Error::Kind::kUsage);
}

TEST(DataRun, AFileThatChangesBetweenTwoReadingsIsRefused) {
  const tests::TempDir dir;
  const std::string in = dir.write("in.jsonl", "{\"a\":1}\n");
  const std::string out = (dir / "out.jsonl").string();
  EXPECT_EQ(run({in, "--out", out, "--quiet"}, [] {}), 0);
  EXPECT_EQ(failure({in, "--out", out, "--quiet", "--force"}, [&] { dir.write("in.jsonl", "{\"a\":2}\n"); }),
            Error::Kind::kData);
  EXPECT_EQ(tests::read_bytes(out), "{\"a\":1}\n");
  EXPECT_EQ(failure({"-", "--out", out, "--quiet", "--force"}, [] {}), Error::Kind::kUsage);
}

TEST(DataRun, ADamagedFileLeavesNothing) {
  const tests::TempDir dir;
  const std::string good = dir.write("a.jsonl", "{}\n"),
                    bad = dir.write("b.jsonl.zst", "\x28\xb5\x2f\xfd rest");
  const std::string out = (dir / "out.jsonl").string(), report = (dir / "report").string();
  EXPECT_EQ(failure({good, bad, "--out", out, "--report", report}), Error::Kind::kData);
  EXPECT_FALSE(std::filesystem::exists(out));
  EXPECT_FALSE(std::filesystem::exists(out + ".partial"));
  EXPECT_TRUE(std::filesystem::is_empty(report));
}

}  // namespace
}  // namespace caravan::recipes
