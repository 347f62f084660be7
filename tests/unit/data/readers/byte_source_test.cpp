#include "data/readers/byte_source.h"

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include "data/error.h"
#include "tests/support/temp_dir.h"

namespace caravan::data {
namespace {

std::string gzip(const std::string& text) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(compressBound(static_cast<uLong>(text.size())) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string zstd(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

std::string read_all(const std::string& path, std::size_t step = 100000) {
  const std::unique_ptr<ByteSource> source = open_bytes(path);
  std::string out, piece(step, '\0');
  while (const std::size_t got = source->read(piece.data(), piece.size())) out.append(piece, 0, got);
  return out;
}

std::string long_text() {
  std::string text;
  for (int i = 0; i < 200000; ++i) text += std::to_string(i * 7919) + "\n";
  return text;
}

TEST(ByteSource, DecompressesByContentNotByName) {
  const tests::TempDir dir;
  const std::string text = long_text();
  EXPECT_EQ(read_all(dir.write("plain.jsonl.gz", text)), text);
  EXPECT_EQ(read_all(dir.write("gz.jsonl", gzip(text))), text);
  EXPECT_EQ(read_all(dir.write("zst.jsonl", zstd(text))), text);
  EXPECT_EQ(read_all(dir.write("small.zst", zstd(text)), 7), text);
  EXPECT_EQ(read_all(dir.write("small.gz", gzip(text)), 7), text);
  EXPECT_EQ(read_all(dir.write("empty.gz", gzip(""))), "");
  EXPECT_EQ(read_all(dir.write("empty", "")), "");
}

// The last frame ends where what was asked for does.
TEST(ByteSource, FramesThatFillTheBufferToTheByteAreWhole) {
  const tests::TempDir dir;
  for (const std::size_t step : {7u, 4096u, 262144u}) {
    const std::string text = long_text().substr(0, 2 * step);
    ASSERT_EQ(text.size(), 2 * step);
    EXPECT_EQ(read_all(dir.write("even.zst", zstd(text)), step), text) << step;
    EXPECT_EQ(read_all(dir.write("two.zst", zstd(text) + zstd(text)), step), text + text) << step;
    EXPECT_EQ(read_all(dir.write("even.gz", gzip(text)), step), text) << step;
  }
}

TEST(ByteSource, ReadsMembersAndFramesInARow) {
  const tests::TempDir dir;
  EXPECT_EQ(read_all(dir.write("a.gz", gzip("one") + gzip("") + gzip("two") + std::string(100, '\0'))),
            "onetwo");
  EXPECT_EQ(read_all(dir.write("a.zst", zstd("one") + zstd("two"))), "onetwo");
}

TEST(ByteSource, TruncatedAndDamagedFilesAreErrors) {
  const tests::TempDir dir;
  const std::string text = long_text();
  for (std::string bytes : {gzip(text), zstd(text)}) {
    EXPECT_THROW(read_all(dir.write("cut", bytes.substr(0, bytes.size() / 2))), Error);
    EXPECT_THROW(read_all(dir.write("tail", bytes.substr(0, bytes.size() - 1))), Error);
    EXPECT_THROW(read_all(dir.write("garbage", bytes + "garbage")), Error);
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 0x55);
    bytes[bytes.size() / 2 + 1] = static_cast<char>(bytes[bytes.size() / 2 + 1] ^ 0x55);
    EXPECT_THROW(read_all(dir.write("damaged", bytes)), Error);
  }
}

TEST(ByteSource, MissingFilesAndFoldersNameThemselves) {
  const tests::TempDir dir;
  const std::string missing = (dir.path() / "none.jsonl").string();
  try {
    open_bytes(missing);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(missing), std::string::npos);
    EXPECT_EQ(error.kind(), Error::Kind::kInputOutput);
  }
  EXPECT_THROW(open_bytes(dir.path().string()), Error);
}

}  // namespace
}  // namespace caravan::data
