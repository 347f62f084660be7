// A text generator that says what a test tells it to, and remembers what it was asked.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "data/text_generator.h"

namespace caravan::tests {

class ScriptedGenerator : public data::TextGenerator {
 public:
  using Script = std::function<data::Generation(const data::GenerationRequest&)>;
  explicit ScriptedGenerator(Script script) : script_(std::move(script)) {}
  std::string name() const override { return "script"; }
  std::vector<data::Generation> generate(std::span<const data::GenerationRequest> requests) override {
    max_at_once = std::max(max_at_once, requests.size());
    std::vector<data::Generation> made;
    for (const data::GenerationRequest& request : requests) {
      asked.push_back(request);
      made.push_back(script_(request));
    }
    return made;
  }
  std::vector<data::GenerationRequest> asked;
  std::size_t max_at_once = 0;  // requests of one call

 private:
  Script script_;
};

}  // namespace caravan::tests
