#include "trainer/metrics/tensorboard_sink.h"

#include <gtest/gtest.h>

#include <bit>
#include <map>
#include <vector>

#include "tests/support/python.h"
#include "tests/support/temp_dir.h"
#include "trainer/metrics/crc32c.h"

namespace caravan::trainer {
namespace {

using tests::read_bytes;
using tests::TempDir;

// A reader of its own for protobuf's wire format: field number -> (number or bytes).
struct Field {
  std::uint64_t number = 0;
  std::string bytes;
};

std::uint64_t read_little_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i > 0; --i)
    value = (value << 8) | static_cast<unsigned char>(bytes[i - 1]);
  return value;
}

std::uint64_t take_varint(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    if (bytes.empty() || shift > 63) throw std::runtime_error("bad varint");
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    value |= std::uint64_t{byte & 0x7fu} << shift;
    if ((byte & 0x80u) == 0) return value;
  }
}

std::multimap<std::uint64_t, Field> parse_message(std::string_view bytes) {
  std::multimap<std::uint64_t, Field> fields;
  while (!bytes.empty()) {
    const std::uint64_t key = take_varint(bytes);
    Field field;
    std::size_t size = 0;
    switch (key & 7u) {
      case 0:
        field.number = take_varint(bytes);
        break;
      case 1:
        size = 8;
        break;
      case 2:
        size = take_varint(bytes);
        break;
      case 5:
        size = 4;
        break;
      default:
        throw std::runtime_error("bad wire type");
    }
    if (size > bytes.size()) throw std::runtime_error("short message");
    field.bytes = bytes.substr(0, size);
    if ((key & 7u) == 1 || (key & 7u) == 5) field.number = read_little_endian(field.bytes);
    bytes.remove_prefix(size);
    fields.emplace(key >> 3, std::move(field));
  }
  return fields;
}

std::vector<std::string> read_records(std::string_view file) {
  std::vector<std::string> records;
  while (!file.empty()) {
    if (file.size() < 16) throw std::runtime_error("short frame");
    const std::uint64_t size = read_little_endian(file.substr(0, 8));
    EXPECT_EQ(read_little_endian(file.substr(8, 4)), mask_crc32c(crc32c(file.substr(0, 8))));
    records.emplace_back(file.substr(12, size));
    EXPECT_EQ(read_little_endian(file.substr(12 + size, 4)), mask_crc32c(crc32c(records.back())));
    file.remove_prefix(16 + size);
  }
  return records;
}

TEST(Crc32c, EqualsPublishedValues) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);            // the catalogue's check value
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);  // RFC 3720, B.4
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  EXPECT_EQ(crc32c(""), 0u);
}

TensorboardSink::Clock clock_at(double seconds) {
  return [=] {
    return std::chrono::system_clock::time_point(
        std::chrono::duration_cast<std::chrono::system_clock::duration>(
            std::chrono::duration<double>(seconds)));
  };
}

TEST(TensorboardSink, ScalarsReadBack) {
  const TempDir dir;
  TensorboardSink sink(dir / "tensorboard", 0, clock_at(1700000000.25));
  sink.write(300, std::vector<MetricValue>{{"train/loss", 0.125}, {"train/grad_norm", 2.5}});
  sink.flush();
  EXPECT_TRUE(sink.path().filename().string().starts_with("events.out.tfevents.1700000000.")) << sink.path();
  const auto records = read_records(read_bytes(sink.path()));
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(parse_message(records[0]).find(3)->second.bytes, "brain.Event:2");
  const auto event = parse_message(records[2]);
  EXPECT_NEAR(std::bit_cast<double>(event.find(1)->second.number), 1700000000.25, 1e-6);
  EXPECT_EQ(event.find(2)->second.number, 300u);
  const auto summary = parse_message(event.find(5)->second.bytes);
  ASSERT_EQ(summary.count(1), 2u);
  const auto value = parse_message(summary.find(1)->second.bytes);
  EXPECT_EQ(value.find(1)->second.bytes, "train/loss");
  EXPECT_EQ(std::bit_cast<float>(static_cast<std::uint32_t>(value.find(2)->second.number)), 0.125f);
}

// TensorBoard reads files in order of name.
TEST(TensorboardSink, AClockThatWasSetBackDoesNotChangeTheOrderOfFiles) {
  const TempDir dir;
  dir.write("tensorboard/notes.txt", "mine");
  const TensorboardSink first(dir / "tensorboard", 0, clock_at(1700000000));
  const TensorboardSink second(dir / "tensorboard", 10, clock_at(1699913600));
  const TensorboardSink third(dir / "tensorboard", 20, clock_at(1699913600));
  EXPECT_LT(first.path().filename(), second.path().filename());
  EXPECT_LT(second.path().filename(), third.path().filename());
}

TEST(TensorboardSink, RestartVoidsTheStepsDoneAgain) {
  const TempDir dir;
  TensorboardSink first(dir / "tensorboard", 0, clock_at(5));
  TensorboardSink second(dir / "tensorboard", 40, clock_at(5));
  EXPECT_NE(first.path(), second.path());
  const auto records = read_records(read_bytes(second.path()));
  ASSERT_EQ(records.size(), 2u);
  const auto event = parse_message(records[1]);
  EXPECT_EQ(event.find(2)->second.number, 41u);
  EXPECT_EQ(parse_message(event.find(7)->second.bytes).find(1)->second.number, 1u);  // SessionLog.START
}

// The judge is TensorBoard's own reader.
TEST(TensorboardSink, TensorboardReadsItBack) {
  SKIP_WITHOUT_PYTHON_MODULE("tensorboard");
  const TempDir dir;
  {
    TensorboardSink sink(dir / "tensorboard", 0, clock_at(1700000000));
    for (int step = 1; step <= 8; ++step)
      sink.write(step, std::vector<MetricValue>{{"train/loss", 1.0 / step}});
  }
  {
    TensorboardSink sink(dir / "tensorboard", 6, clock_at(1700000100));
    for (int step = 7; step <= 9; ++step)
      sink.write(step, std::vector<MetricValue>{{"train/loss", 10.0 * step}});
  }
  tests::write_bytes(dir / "read.py", R"(
import sys
import logging; logging.disable(logging.CRITICAL)
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1], size_guidance={'scalars': 0})
events.Reload()
print(' '.join(f'{e.step}:{e.value:.6g}' for e in events.Scalars('train/loss')))
)");
  const auto result =
      tests::run_python((dir / "read.py").string(), "'" + (dir / "tensorboard").string() + "'");
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.output, "1:1 2:0.5 3:0.333333 4:0.25 5:0.2 6:0.166667 7:70 8:80 9:90\n");
}

}  // namespace
}  // namespace caravan::trainer
