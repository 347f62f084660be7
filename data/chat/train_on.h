// Which tokens of a conversation the model learns from.
#pragma once

#include <array>
#include <string_view>

namespace caravan::data {

enum class TrainOn { kAssistant, kLastAssistant, kCompletion, kAll };
constexpr std::array<std::string_view, 4> choice_names(TrainOn) {
  return {"assistant", "last_assistant", "completion", "all"};
}

}  // namespace caravan::data
