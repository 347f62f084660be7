#include "trainer/metrics/event_record.h"

#include <bit>

#include "trainer/metrics/crc32c.h"

namespace caravan::trainer {
namespace {

// Field numbers of tensorflow/core/util/event.proto and framework/summary.proto.
constexpr std::uint32_t kEventWallTime = 1;
constexpr std::uint32_t kEventStep = 2;
constexpr std::uint32_t kEventFileVersion = 3;
constexpr std::uint32_t kEventSummary = 5;
constexpr std::uint32_t kEventSessionLog = 7;
constexpr std::uint32_t kSummaryValue = 1;
constexpr std::uint32_t kValueTag = 1;
constexpr std::uint32_t kValueSimple = 2;
constexpr std::uint32_t kSessionStatus = 1;
constexpr std::uint64_t kSessionStart = 1;

enum WireType : std::uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

void put_fixed(std::string& out, std::uint64_t value, int num_bytes) {
  for (int i = 0; i < num_bytes; ++i) out += static_cast<char>((value >> (8 * i)) & 0xffu);
}

void put_varint(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out += static_cast<char>((value & 0x7fu) | 0x80u);
    value >>= 7;
  }
  out += static_cast<char>(value);
}

void put_key(std::string& out, std::uint32_t field, WireType type) {
  put_varint(out, (field << 3) | type);
}

void put_double(std::string& out, std::uint32_t field, double value) {
  put_key(out, field, kFixed64);
  put_fixed(out, std::bit_cast<std::uint64_t>(value), 8);
}

void put_float(std::string& out, std::uint32_t field, float value) {
  put_key(out, field, kFixed32);
  put_fixed(out, std::bit_cast<std::uint32_t>(value), 4);
}

void put_integer(std::string& out, std::uint32_t field, std::uint64_t value) {
  put_key(out, field, kVarint);
  put_varint(out, value);
}

void put_bytes(std::string& out, std::uint32_t field, std::string_view bytes) {
  put_key(out, field, kBytes);
  put_varint(out, bytes.size());
  out += bytes;
}

std::string begin_event(double wall_time_seconds, std::int64_t step) {
  std::string event;
  put_double(event, kEventWallTime, wall_time_seconds);
  put_integer(event, kEventStep, static_cast<std::uint64_t>(step));
  return event;
}

}  // namespace

std::string encode_file_version_event(double wall_time_seconds) {
  std::string event;
  put_double(event, kEventWallTime, wall_time_seconds);
  put_bytes(event, kEventFileVersion, "brain.Event:2");
  return event;
}

std::string encode_scalars_event(double wall_time_seconds, std::int64_t step,
                                 std::span<const MetricValue> values) {
  std::string summary;
  for (const MetricValue& metric : values) {
    std::string value;
    put_bytes(value, kValueTag, metric.name);
    put_float(value, kValueSimple, static_cast<float>(metric.value));
    put_bytes(summary, kSummaryValue, value);
  }
  std::string event = begin_event(wall_time_seconds, step);
  put_bytes(event, kEventSummary, summary);
  return event;
}

std::string encode_restart_event(double wall_time_seconds, std::int64_t first_step) {
  std::string session;
  put_integer(session, kSessionStatus, kSessionStart);
  std::string event = begin_event(wall_time_seconds, first_step);
  put_bytes(event, kEventSessionLog, session);
  return event;
}

std::string frame_record(std::string_view message) {
  std::string length;
  put_fixed(length, message.size(), 8);
  std::string record = length;
  record.reserve(message.size() + 16);
  put_fixed(record, mask_crc32c(crc32c(length)), 4);
  record += message;
  put_fixed(record, mask_crc32c(crc32c(message)), 4);
  return record;
}

}  // namespace caravan::trainer
