#include "data/walk/row_writer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include "data/error.h"
#include "data/readers/byte_source.h"
#include "tests/support/temp_dir.h"

namespace caravan::data {
namespace {

std::string unpacked(const std::string& path) {
  const std::unique_ptr<ByteSource> source = open_bytes(path);
  std::string out, piece(1 << 16, '\0');
  while (const std::size_t got = source->read(piece.data(), piece.size())) out.append(piece, 0, got);
  return out;
}

Error::Kind kind_of_failure(const std::string& path, const WholeFileOptions& options) {
  try {
    RowWriter writer(path, options, false);
  } catch (const Error& error) {
    return error.kind();
  }
  ADD_FAILURE() << path << " was not refused";
  return Error::Kind::kData;
}

TEST(RowWriter, PacksByTheEndingAndHashesWhatLiesOnTheDisk) {
  const tests::TempDir dir;
  std::string lines;
  for (int i = 0; i < 100000; ++i) lines += "{\"n\":" + std::to_string(i) + "}\n";
  for (const std::string name : {"a.jsonl", "a.ndjson", "a.jsonl.gz", "a.jsonl.zst"}) {
    const std::string path = (dir / name).string();
    RowWriter writer(path, {}, true);
    for (std::size_t at = 0; at < lines.size(); at += 7777)
      writer.write(std::string_view(lines).substr(at, 7777));
    EXPECT_FALSE(std::filesystem::exists(path));
    writer.finish();
    writer.commit();
    EXPECT_EQ(unpacked(path), lines) << name;
    EXPECT_EQ(writer.sha256(), sha256_hex(tests::read_bytes(path))) << name;
    EXPECT_EQ(writer.bytes(), std::filesystem::file_size(path)) << name;
    EXPECT_FALSE(std::filesystem::exists(path + ".partial"));
  }
}

TEST(RowWriter, HowTheLinesAreCutDoesNotShow) {
  const tests::TempDir dir;
  std::string lines;
  for (std::uint64_t i = 0; i < 400000; ++i) lines += "{\"n\":" + std::to_string(i * 7919) + "}\n";
  for (const std::string ending : {".jsonl.gz", ".jsonl.zst"}) {
    std::vector<std::string> bytes;
    for (const std::size_t step : {std::size_t{1000}, std::size_t{77777}, lines.size()}) {
      const std::string path = (dir / (std::to_string(step) + ending)).string();
      RowWriter writer(path, {}, false);
      for (std::size_t at = 0; at < lines.size(); at += step)
        writer.write(std::string_view(lines).substr(at, step));
      writer.finish();
      writer.commit();
      bytes.push_back(tests::read_bytes(path));
    }
    EXPECT_EQ(bytes[0], bytes[1]) << ending;
    EXPECT_EQ(bytes[0], bytes[2]) << ending;
  }
}

TEST(RowWriter, NothingIsLeftWithoutCommit) {
  const tests::TempDir dir;
  const std::string path = dir.write("a.jsonl", "before\n");
  {
    RowWriter writer(path, {.force = true}, false);
    writer.write("after\n");
    writer.finish();
  }
  EXPECT_EQ(tests::read_bytes(path), "before\n");
  EXPECT_FALSE(std::filesystem::exists(path + ".partial"));
}

TEST(RowWriter, WhatAKilledProcessLeftIsWrittenOver) {
  const tests::TempDir dir;
  const std::string path = (dir / "a.jsonl").string();
  dir.write("a.jsonl.partial", "a longer text that nobody finished");
  RowWriter writer(path, {}, false);
  writer.write("x\n");
  writer.finish();
  writer.commit();
  EXPECT_EQ(tests::read_bytes(path), "x\n");
}

TEST(RowWriter, RefusesWhatItMustNotWrite) {
  const tests::TempDir dir;
  const std::string input = dir.write("in.jsonl", "{}\n");
  std::filesystem::create_hard_link(input, dir / "same.jsonl");
  EXPECT_EQ(kind_of_failure(input, {}), Error::Kind::kUnsafe);
  EXPECT_EQ(kind_of_failure(input, {.force = true, .inputs = {input}}), Error::Kind::kUnsafe);
  EXPECT_EQ(kind_of_failure((dir / "same.jsonl").string(), {.force = true, .inputs = {input}}),
            Error::Kind::kUnsafe);
  EXPECT_EQ(kind_of_failure((dir / "out.csv").string(), {}), Error::Kind::kUsage);
  EXPECT_EQ(kind_of_failure((dir / "none" / "out.jsonl").string(), {}), Error::Kind::kInputOutput);
  EXPECT_EQ(tests::read_bytes(input), "{}\n");
}

TEST(RowWriter, TwoThatWriteTheSameFileAreToldApart) {
  const tests::TempDir dir;
  const std::string path = (dir / "a.jsonl").string();
  const RowWriter first(path, {}, false);
  EXPECT_EQ(kind_of_failure(path, {.force = true}), Error::Kind::kUnsafe);
}

TEST(RowWriter, AFullDiskIsAnError) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  const int saved = ::dup(STDOUT_FILENO);
  const int full = ::open("/dev/full", O_WRONLY);
  ::dup2(full, STDOUT_FILENO);
  RowWriter writer("-", {}, false);
  try {
    writer.write("x\n");
    writer.finish();
    ADD_FAILURE() << "written to a full disk";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Error::Kind::kInputOutput);
  }
  ::dup2(saved, STDOUT_FILENO);
  ::close(saved);
  ::close(full);
}

}  // namespace
}  // namespace caravan::data
