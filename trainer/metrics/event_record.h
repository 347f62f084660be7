// Records of TensorBoard event files, as bytes: the few protobuf messages of tensorflow.Event that we write,
// and their frames.
//
// Goals: files that TensorBoard opens. Non-goals: reading them, general protobuf. The functions are pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "trainer/metrics/metric.h"

namespace caravan::trainer {

// tensorflow.Event messages; `wall_time_seconds` since 1970.
std::string encode_file_version_event(double wall_time_seconds);
std::string encode_scalars_event(double wall_time_seconds, std::int64_t step,
                                 std::span<const MetricValue> values);
// Says that the run starts again: events of earlier files at `first_step` or later are void.
std::string encode_restart_event(double wall_time_seconds, std::int64_t first_step);

// TFRecord frame: length, masked CRC-32C of the length, bytes, masked CRC-32C of the bytes; little-endian.
std::string frame_record(std::string_view message);

}  // namespace caravan::trainer
