#include "models/weights/header_parser.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "models/error.h"
#include "models/weights/quote.h"
#include "models/weights/strict_json.h"

namespace caravan::models {

namespace {

constexpr std::size_t kMaxDimensions = 8;
constexpr std::string_view kAllowedDtypes = "F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL";

// Receives the events of the JSON library. Every method throws on what the format does not allow, so it never
// returns false.
class HeaderHandler {
 public:
  explicit HeaderHandler(const std::string& path) : path_(path) {}
  SafetensorsHeader take() { return std::move(header_); }

  bool start_object(std::size_t) {
    if (place_ == Place::kRoot) {
      place_ = Place::kTop;
    } else if (place_ == Place::kTop && current_.name == "__metadata__") {
      if (metadata_seen_) fail("__metadata__ stands twice in the header");
      metadata_seen_ = true;
      place_ = Place::kMetadata;
    } else if (place_ == Place::kTop) {
      has_dtype_ = has_shape_ = has_offsets_ = false;
      place_ = Place::kTensor;
    } else {
      fail_value("an object");
    }
    return true;
  }
  bool end_object() {
    if (place_ == Place::kTensor) finish_tensor();
    place_ = place_ == Place::kTop ? Place::kDone : Place::kTop;
    return true;
  }
  bool key(std::string& text) {
    if (place_ == Place::kTop) {
      current_ = StoredTensor{};
      current_.name = text;
    } else if (place_ == Place::kMetadata) {
      metadata_key_ = text;
    } else {
      field_key(text);
    }
    return true;
  }
  bool start_array(std::size_t) {
    if (place_ == Place::kTensor && field_ == "shape") {
      place_ = Place::kShape;
    } else if (place_ == Place::kTensor && field_ == "data_offsets") {
      place_ = Place::kOffsets;
      num_offsets_ = 0;
    } else {
      fail_value("an array");
    }
    return true;
  }
  bool end_array() {
    if (place_ == Place::kOffsets && num_offsets_ != 2) {
      fail_tensor("data_offsets has " + std::to_string(num_offsets_) + " numbers, [begin, end] is needed");
    }
    place_ = Place::kTensor;
    return true;
  }
  bool string(std::string& text) {
    if (place_ == Place::kMetadata) {
      if (!header_.metadata.emplace(metadata_key_, text).second) {
        fail("__metadata__ has the key \"" + printable(metadata_key_) + "\" twice");
      }
    } else if (place_ == Place::kTensor && field_ == "dtype") {
      const std::optional<Dtype> dtype = dtype_of_safetensors_name(text);
      if (!dtype) {
        fail_tensor("dtype \"" + printable(text) +
                    "\" is not supported; allowed: " + std::string(kAllowedDtypes));
      }
      current_.dtype = *dtype;
    } else {
      fail_value("\"" + printable(text) + "\"");
    }
    return true;
  }
  bool number_unsigned(std::uint64_t value) {
    if (place_ == Place::kShape && value <= INT64_MAX) {
      if (current_.shape.size() == kMaxDimensions) {
        fail_tensor("shape has more than " + std::to_string(kMaxDimensions) + " dimensions");
      }
      current_.shape.push_back(static_cast<std::int64_t>(value));
    } else if (place_ == Place::kOffsets && num_offsets_ < 2) {
      (num_offsets_++ == 0 ? current_.begin : current_.end) = value;
    } else {
      fail_value(std::to_string(value));
    }
    return true;
  }
  bool number_integer(std::int64_t value) {
    fail_value(std::to_string(value));
    return false;
  }
  bool number_float(double, const std::string& text) {
    fail_value(printable(text));
    return false;
  }
  bool null() {
    fail_value("null");
    return false;
  }
  bool boolean(bool value) {
    fail_value(value ? "true" : "false");
    return false;
  }
  bool binary(nlohmann::json::binary_t&) {
    fail_value("binary data");
    return false;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception& error) {
    fail("the header is not valid JSON at its byte " + std::to_string(position) + " (" +
         syntax_error_text(error) + "); this is not a safetensors file or it is damaged: fetch it again");
    return false;
  }

 private:
  enum class Place { kRoot, kTop, kMetadata, kTensor, kShape, kOffsets, kDone };

  void field_key(const std::string& text) {
    field_ = text;
    bool* seen = text == "dtype"          ? &has_dtype_
                 : text == "shape"        ? &has_shape_
                 : text == "data_offsets" ? &has_offsets_
                                          : nullptr;
    if (seen == nullptr) {
      fail_tensor("has the unknown field \"" + printable(text) + "\"; allowed: dtype, shape, data_offsets");
    }
    if (*seen) fail_tensor("has the field " + text + " twice");
    *seen = true;
  }
  void finish_tensor() {
    if (!has_dtype_ || !has_shape_ || !has_offsets_) {
      fail_tensor(std::string("has no ") + (!has_dtype_ ? "dtype" : !has_shape_ ? "shape" : "data_offsets"));
    }
    header_.tensors.push_back(std::move(current_));
    current_ = StoredTensor{};
  }
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(Error::Kind::kData, path_ + ": " + what);
  }
  [[noreturn]] void fail_tensor(const std::string& what) const {
    fail("tensor " + printable(current_.name) + ": " + what);
  }
  [[noreturn]] void fail_value(const std::string& found) const {
    switch (place_) {
      case Place::kRoot:
      case Place::kDone:
        fail("the header starts with " + found +
             ", an object {...} is needed; this is not a safetensors file");
      case Place::kTop:
        fail_tensor("holds " + found + ", an object with dtype, shape and data_offsets is needed");
      case Place::kMetadata:
        fail("__metadata__ holds " + found + " under \"" + printable(metadata_key_) + "\", text is needed");
      case Place::kShape:
      case Place::kOffsets:
        fail_tensor(field_ + " holds " + found + ", whole numbers from 0 to 2^63-1 are needed" +
                    (place_ == Place::kOffsets ? ", two of them" : ""));
      case Place::kTensor:
        break;
    }
    fail_tensor(field_ + " is " + found + ", " + (field_ == "dtype" ? "a text" : "an array of numbers") +
                " is needed");
  }

  std::string path_;
  SafetensorsHeader header_;
  Place place_ = Place::kRoot;
  StoredTensor current_;
  std::string field_;
  std::string metadata_key_;
  bool metadata_seen_ = false;
  bool has_dtype_ = false;
  bool has_shape_ = false;
  bool has_offsets_ = false;
  int num_offsets_ = 0;
};

}  // namespace

SafetensorsHeader parse_header_json(std::string_view text, const std::string& path) {
  HeaderHandler handler(path);
  nlohmann::json::sax_parse(text, &handler);
  return handler.take();
}

}  // namespace caravan::models
