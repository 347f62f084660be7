#include "data/walk/row_walk.h"

#include <gtest/gtest.h>
#include <zstd.h>

#include "data/error.h"
#include "tests/support/temp_dir.h"

namespace caravan::data {
namespace {

std::vector<std::string> walk(const std::vector<std::string>& files, std::size_t threads,
                              RowLimits limits = {}) {
  RowWalk rows(files, {.threads = threads, .limits = limits});
  std::vector<std::string> out;
  rows.run<std::vector<std::string>>(
      [](const WalkBlock& block, JsonRow& json, std::vector<std::string>& found) {
        found.clear();
        for (std::size_t i = 0; i < block.size(); ++i) {
          const WalkRow row = walk_row(block, i, json);
          found.push_back(std::to_string(row.number) + " " + std::to_string(row.where.file) + ":" +
                          std::to_string(row.where.line) + " " +
                          (row.sound() ? row.id() : std::string(row.problem)));
        }
      },
      [&](const WalkBlock&, std::vector<std::string>& found) {
        out.insert(out.end(), found.begin(), found.end());
      });
  return out;
}

TEST(RowWalk, EveryRowHasItsNumberFileLineAndProblem) {
  const tests::TempDir dir;
  const std::string a = dir.write(
      "a.jsonl", "{\"id\":\"x\"}\r\n\nno json\n{\"id\":7}\n[1]\n{\"a\":1,\"a\":2}\n\"\xff\"\n\"\\ud800\"");
  const std::string b = dir.write("b.json", "[{\"id\":\"y\"},\n{}]");
  EXPECT_EQ(walk({a, b}, 1),
            (std::vector<std::string>{"0 0:1 x", "1 0:2 blank_line", "2 0:3 invalid_json", "3 0:4 7",
                                      "4 0:5 wrong_type:row", "5 0:6 duplicate_key", "6 0:7 invalid_utf8",
                                      "7 0:8 lone_surrogate", "8 1:1 y", "9 1:2 "}));
}

TEST(RowWalk, ThreadsAndBlocksDoNotShow) {
  const tests::TempDir dir;
  std::vector<std::string> files;
  for (int file = 0; file < 3; ++file) {
    std::string text;
    for (int i = 0; i < 1000; ++i) text += "{\"id\":\"" + std::to_string(i * 3 + file) + "\"}\n";
    files.push_back(dir.write(std::to_string(file) + ".jsonl", text));
  }
  const std::vector<std::string> alone = walk(files, 1);
  ASSERT_EQ(alone.size(), 3000u);
  EXPECT_EQ(alone[1500], "1500 1:501 1501");
  for (const std::size_t threads : {1u, 2u, 7u}) {
    for (const std::size_t bytes : {1u, 100u, 5000u}) {
      EXPECT_EQ(walk(files, threads, {.block_bytes = bytes}), alone);
    }
  }
}

TEST(RowWalk, FilesAreHashedAsTheyLieOnTheDisk) {
  const tests::TempDir dir;
  const std::string text = "{\"id\":\"x\"}\n{}\n";
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 3));
  const std::string plain = dir.write("a.jsonl", text), zst = dir.write("b.jsonl.zst", packed);
  RowWalk rows({plain, zst}, {.threads = 2, .hash_files = true});
  rows.run<int>([](const WalkBlock&, JsonRow&, int&) {}, [](const WalkBlock&, int&) {});
  ASSERT_EQ(rows.files_read().size(), 2u);
  EXPECT_EQ(rows.files_read()[0].sha256, sha256_hex(text));
  EXPECT_EQ(rows.files_read()[1].sha256, sha256_hex(packed));
  EXPECT_EQ(rows.files_read()[1].rows, 2u);
  EXPECT_EQ(rows.rows_read(), 4u);
}

// A second walk over the same rows sees the same, and any change shows, also where only line ends moved.
TEST(RowWalk, AFingerprintTellsWhetherTheRowsAreTheSame) {
  const tests::TempDir dir;
  const auto fingerprint = [&](const std::string& text, std::size_t threads) {
    RowWalk rows({dir.write("a.jsonl", text)}, {.threads = threads, .print_rows = true});
    rows.run<int>([](const WalkBlock&, JsonRow&, int&) {}, [](const WalkBlock&, int&) {});
    return rows.files_read()[0].fingerprint;
  };
  std::string text;
  for (int i = 0; i < 30000; ++i) text += "{\"id\":" + std::to_string(i) + "}\n";
  const std::uint64_t first = fingerprint(text, 1);
  EXPECT_EQ(fingerprint(text, 3), first);
  std::string other = text;
  other[5] = '7';
  EXPECT_NE(fingerprint(other, 1), first);
  EXPECT_NE(fingerprint("1\n23\n", 1), fingerprint("12\n3\n", 1));
}

TEST(RowWalk, TheWishToStopEndsItBetweenBlocks) {
  const tests::TempDir dir;
  const std::string file = dir.write("a.jsonl", "{}\n{}\n{}\n");
  int asked = 0;
  RowWalk rows({file}, {.threads = 1, .limits = {.block_bytes = 1}, .stop = [&] { return ++asked > 2; }});
  int blocks = 0;
  try {
    rows.run<int>([](const WalkBlock&, JsonRow&, int&) {}, [&](const WalkBlock&, int&) { ++blocks; });
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Error::Kind::kInterrupted);
  }
  EXPECT_EQ(blocks, 2);
}

TEST(RowWalk, LinesOverTheLimitHaveAFateAndTheOthersGoOn) {
  const tests::TempDir dir;
  const std::string file =
      dir.write("a.jsonl", "{\"id\":\"" + std::string(5000, 'x') + "\"}\n{\"id\":\"y\"}\n");
  EXPECT_EQ(walk({file}, 2, {.row_bytes = 1000}),
            (std::vector<std::string>{"0 0:1 line_too_long", "1 0:2 y"}));
}

}  // namespace
}  // namespace caravan::data
