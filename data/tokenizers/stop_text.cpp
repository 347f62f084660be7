#include "data/tokenizers/stop_text.h"

#include <algorithm>
#include <memory>

#include "data/error.h"

namespace caravan::data {

StopText::StopText(const Tokenizer& tokenizer, std::vector<std::string> stops)
    : decoder_(tokenizer, true), stops_(std::move(stops)) {
  for (const std::string& stop : stops_) {
    if (stop.empty())
      throw Error(Error::Kind::kUsage, "a stop text is empty; allowed: texts of at least one character");
    longest_ = std::max(longest_, stop.size());
  }
}

bool StopText::push(std::int32_t id) {
  if (seen_) return true;
  tail_ += decoder_.push(id);
  seen_ = std::any_of(stops_.begin(), stops_.end(),
                      [&](const std::string& stop) { return tail_.find(stop) != std::string::npos; });
  if (tail_.size() >= longest_ && longest_ > 0) tail_.erase(0, tail_.size() - (longest_ - 1));
  return seen_;
}

std::function<std::function<bool(std::int32_t)>()> stop_checks(const Tokenizer& tokenizer,
                                                               std::vector<std::string> stops) {
  if (stops.empty()) return {};
  const StopText fresh(tokenizer, std::move(stops));
  return [fresh] {
    return [watch = std::make_shared<StopText>(fresh)](std::int32_t id) { return watch->push(id); };
  };
}

std::string cut_at_stop(std::string text, std::span<const std::string> stops, bool keep) {
  std::size_t begin = std::string::npos, end = std::string::npos;
  for (const std::string& stop : stops) {
    const std::size_t at = text.find(stop);
    // Of two that end together the longer one is cut.
    if (at == std::string::npos || at + stop.size() > end || (at + stop.size() == end && at > begin))
      continue;
    begin = at;
    end = at + stop.size();
  }
  if (end != std::string::npos) text.resize(keep ? end : begin);
  return text;
}

}  // namespace caravan::data
