// What writes texts: declared here, fulfilled by an endpoint or by a model of our own where those live.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/message.h"

namespace caravan::data {

struct GenerationRequest {
  std::vector<Message> messages = {};  // ends with the turn that is to be answered
  std::int64_t max_tokens = 1024;
  double temperature = 0.0;
  double top_p = 1.0;
  std::uint64_t seed = 0;  // two requests that differ in it alone are two draws
};

struct Generation {
  std::string text = {};     // UTF-8; whatever the model said, to be distrusted
  std::string problem = {};  // why there is none: "refused", "timeout"; empty: there is one
  bool cut = false;          // max_tokens ended it
};

class TextGenerator {
 public:
  virtual ~TextGenerator() = default;
  // For provenance: the model and whatever else fixes what it writes.
  virtual std::string name() const = 0;
  // One generation for each request, in their order. What goes wrong with one request is its `problem`;
  // throws data::Error where none can be served.
  virtual std::vector<Generation> generate(std::span<const GenerationRequest> requests) = 0;
};

}  // namespace caravan::data
