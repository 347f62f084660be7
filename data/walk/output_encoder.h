// Compression of what a RowWriter writes. The bytes depend on the input alone, not on how it was cut or on
// the number of cores.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace caravan::data {

class OutputEncoder {
 public:
  using Sink = std::function<void(std::string_view)>;
  virtual ~OutputEncoder() = default;
  virtual void encode(std::string_view bytes, const Sink& sink) = 0;
  // The end of the stream.
  virtual void finish(const Sink& sink) = 0;
};

// By the ending of the name: .gz, .zst, or none (bytes as they are).
std::unique_ptr<OutputEncoder> make_encoder(const std::string& path);

}  // namespace caravan::data
