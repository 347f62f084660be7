#include "models/weights/safetensors_header.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <numeric>
#include <tuple>

#include "models/error.h"
#include "models/weights/header_parser.h"
#include "models/weights/quote.h"

namespace caravan::models {

namespace {

constexpr std::size_t kLengthBytes = 8;

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  throw Error(Error::Kind::kData, path + ": " + what);
}

[[noreturn]] void fail_tensor(const std::string& path, const std::string& name, const std::string& what) {
  fail(path, "tensor " + printable(name) + ": " + what);
}

std::string range_text(const StoredTensor& tensor) {
  std::string text = "[";
  return text.append(std::to_string(tensor.begin))
      .append(", ")
      .append(std::to_string(tensor.end))
      .append("]");
}

std::uint64_t header_length(std::span<const std::byte> file, const std::string& path) {
  if (file.size() < kLengthBytes) {
    fail(path, "has " + std::to_string(file.size()) +
                   " bytes, a safetensors file has at least 8; it is empty or cut short: fetch it again");
  }
  std::uint64_t length = 0;
  std::memcpy(&length, file.data(), kLengthBytes);  // x86-64 is little-endian, as the format
  const std::string found = "the length field says the header has " + std::to_string(length) + " bytes";
  if (length > kMaxSafetensorsHeaderBytes) {
    fail(path, found + ", at most " + std::to_string(kMaxSafetensorsHeaderBytes) +
                   " are allowed; this is not a safetensors file or it is damaged");
  }
  if (length > file.size() - kLengthBytes) {
    fail(path, found + ", but the file has only " + std::to_string(file.size()) +
                   "; it is cut short or damaged: fetch it again");
  }
  return length;
}

// Bytes of shape x dtype, refused where they do not fit 64 bits.
std::uint64_t checked_bytes(const StoredTensor& tensor, const std::string& path) {
  std::uint64_t bytes = dtype_size(tensor.dtype);
  for (const std::int64_t size : tensor.shape) {
    if (__builtin_mul_overflow(bytes, static_cast<std::uint64_t>(size), &bytes) || bytes > INT64_MAX) {
      fail_tensor(path, tensor.name,
                  "shape " + shape_text(tensor.shape) + " has more elements than 64 bits can count");
    }
  }
  return bytes;
}

// One tensor by itself. Its range is relative to the data here.
void check_tensor(const StoredTensor& tensor, std::uint64_t data_bytes, const std::string& path) {
  const std::uint64_t needed = checked_bytes(tensor, path);
  if (tensor.end < tensor.begin) {
    fail_tensor(path, tensor.name, "data_offsets " + range_text(tensor) + " end before they begin");
  }
  if (tensor.end > data_bytes) {
    fail_tensor(path, tensor.name,
                "data_offsets " + range_text(tensor) + " lie beyond the end of the file, which holds " +
                    std::to_string(data_bytes) +
                    " bytes of data; the file is cut short or damaged: fetch it again");
  }
  if (tensor.end - tensor.begin != needed) {
    fail_tensor(path, tensor.name,
                "dtype " + std::string(safetensors_name(tensor.dtype)) + " and shape " +
                    shape_text(tensor.shape) + " need " + std::to_string(needed) + " bytes, data_offsets " +
                    range_text(tensor) + " hold " + std::to_string(tensor.end - tensor.begin));
  }
}

// All tensors together must cover the data once: bytes that two tensors share, or that none owns, are damage
// or a hiding place.
void check_cover(const std::vector<StoredTensor>& tensors, std::uint64_t data_bytes,
                 const std::string& path) {
  std::vector<std::size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::tie(tensors[a].begin, tensors[a].end) < std::tie(tensors[b].begin, tensors[b].end);
  });
  std::uint64_t covered = 0;
  std::string before;
  for (const std::size_t index : order) {
    const StoredTensor& tensor = tensors[index];
    if (tensor.begin < covered) {
      fail_tensor(path, tensor.name,
                  "data_offsets " + range_text(tensor) + " overlap those of " + printable(before) +
                      ", which end at " + std::to_string(covered));
    }
    if (tensor.begin > covered) {
      fail_tensor(path, tensor.name,
                  "data_offsets " + range_text(tensor) + " leave a hole: the data before end at " +
                      std::to_string(covered));
    }
    covered = tensor.end;
    before = tensor.name;
  }
  if (covered != data_bytes) {
    fail(path, std::to_string(data_bytes - covered) +
                   " bytes follow the last tensor; the file is damaged, or something is appended to it");
  }
}

}  // namespace

SafetensorsHeader parse_safetensors_header(std::span<const std::byte> file, const std::string& path) {
  const std::uint64_t length = header_length(file, path);
  const std::string_view text(reinterpret_cast<const char*>(file.data()) + kLengthBytes, length);
  SafetensorsHeader header = parse_header_json(text, path);
  const std::uint64_t data_begin = kLengthBytes + length;
  const std::uint64_t data_bytes = file.size() - data_begin;

  std::sort(header.tensors.begin(), header.tensors.end(),
            [](const StoredTensor& a, const StoredTensor& b) { return a.name < b.name; });
  for (std::size_t i = 1; i < header.tensors.size(); ++i) {
    if (header.tensors[i].name == header.tensors[i - 1].name) {
      fail_tensor(path, header.tensors[i].name,
                  "stands twice in the header; which one counts is not defined");
    }
  }
  for (const StoredTensor& tensor : header.tensors) check_tensor(tensor, data_bytes, path);
  check_cover(header.tensors, data_bytes, path);
  for (StoredTensor& tensor : header.tensors) {
    tensor.begin += data_begin;
    tensor.end += data_begin;
  }
  return header;
}

namespace {

// Writes "name":{...} by hand to keep the order of keys that other readers and writers use.
void append_entry(std::string& text, const StoredTensor& tensor) {
  if (text.size() > 1) text += ',';
  text += nlohmann::json(tensor.name).dump() + ":{\"dtype\":\"" +
          std::string(safetensors_name(tensor.dtype)) +
          "\",\"shape\":" + nlohmann::json(tensor.shape).dump() + ",\"data_offsets\":[" +
          std::to_string(tensor.begin) + "," + std::to_string(tensor.end) + "]}";
}

void check_names(std::span<const TensorSpec> specs) {
  std::vector<std::string_view> names;
  for (const TensorSpec& spec : specs) names.push_back(spec.name);
  std::sort(names.begin(), names.end());
  const auto doubled = std::adjacent_find(names.begin(), names.end());
  if (doubled != names.end()) {
    throw Error(Error::Kind::kData,
                "tensor " + printable(*doubled) + " is to be written twice into one file");
  }
}

}  // namespace

SafetensorsLayout lay_out_safetensors(std::span<const TensorSpec> specs,
                                      const std::map<std::string, std::string>& metadata) {
  check_names(specs);
  std::vector<std::size_t> order(specs.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const std::size_t size_a = dtype_size(specs[a].dtype), size_b = dtype_size(specs[b].dtype);
    return size_a != size_b ? size_a > size_b : specs[a].name < specs[b].name;
  });

  SafetensorsLayout layout;
  layout.tensors.resize(specs.size());
  std::string text = "{";
  if (!metadata.empty()) text += "\"__metadata__\":" + nlohmann::json(metadata).dump();
  std::uint64_t offset = 0;
  for (const std::size_t index : order) {
    const TensorSpec& spec = specs[index];
    const std::uint64_t end = offset + byte_size(spec.shape, spec.dtype);
    layout.tensors[index] = {spec.name, spec.dtype, spec.shape, offset, end};
    append_entry(text, layout.tensors[index]);
    offset = end;
  }
  text += '}';
  text.append((8 - text.size() % 8) % 8, ' ');

  const std::uint64_t length = text.size();
  layout.header.assign(reinterpret_cast<const char*>(&length), kLengthBytes);
  layout.header += text;
  layout.file_bytes = layout.header.size() + offset;
  for (StoredTensor& tensor : layout.tensors) {
    tensor.begin += layout.header.size();
    tensor.end += layout.header.size();
  }
  return layout;
}

}  // namespace caravan::models
