// Both sides of a pair to tokens: one fate for the two.
#include <algorithm>

#include "data/error.h"
#include "data/loader/tokenize.h"

namespace caravan::data {
namespace {

// Tokens at the front that both sides share: the prompt, and what the answers begin with alike.
std::size_t common_prefix(const TokenizedRow& a, const TokenizedRow& b) {
  return static_cast<std::size_t>(
      std::mismatch(a.ids.begin(), a.ids.end(), b.ids.begin(), b.ids.end()).first - a.ids.begin());
}

void cut_front(TokenizedRow& side, std::size_t count) {
  side.ids.erase(side.ids.begin(), side.ids.begin() + static_cast<std::ptrdiff_t>(count));
  side.trained.erase(side.trained.begin(), side.trained.begin() + static_cast<std::ptrdiff_t>(count));
  side.cut_tokens += static_cast<std::uint32_t>(count);
}

void cut_back(TokenizedRow& side, std::size_t length) {
  if (side.ids.size() <= length) return;
  side.cut_tokens += static_cast<std::uint32_t>(side.ids.size() - length);
  side.ids.resize(length);
  side.trained.resize(length);
}

void drop(TokenizedRow& row, const std::string& reason) {
  row.clear();
  row.add_reason(reason);
}

// Warnings of the other side that this one does not have.
void merge_reasons(TokenizedRow& out, const std::string& codes) {
  for (std::size_t begin = 0; begin < codes.size();) {
    const std::size_t end = std::min(codes.find(',', begin), codes.size());
    const std::string code = codes.substr(begin, end - begin);
    if (("," + out.reason + ",").find("," + code + ",") == std::string::npos) out.add_reason(code);
    begin = end + 1;
  }
}

std::string longer_side(const TokenizedRow& chosen, const TokenizedRow& rejected, std::size_t most) {
  if (chosen.ids.size() > most && rejected.ids.size() > most) return "";
  return chosen.ids.size() > most ? "chosen:" : "rejected:";
}

}  // namespace

void ConversationTokenizer::tokenize_pair(const Conversation& chosen, const Conversation& rejected,
                                          const std::string& where, TokenizedRow& second,
                                          TokenizedRow& out) const {
  if (!encode(chosen, where, out)) return drop(out, "chosen:" + out.reason);
  if (!encode(rejected, where, second)) return drop(out, "rejected:" + second.reason);
  if (out.ids == second.ids) return drop(out, "chosen_equals_rejected");
  if (!fit_pair(where, out, second)) return;
  out.ends = {static_cast<std::uint32_t>(out.ids.size()),
              static_cast<std::uint32_t>(out.ids.size() + second.ids.size())};
  out.ids.insert(out.ids.end(), second.ids.begin(), second.ids.end());
  out.trained.insert(out.trained.end(), second.trained.begin(), second.trained.end());
  out.cut_tokens += second.cut_tokens;
  out.straddling_tokens += second.straddling_tokens;
  out.role = DocumentRole::kChosen;
  merge_reasons(out, second.reason);
}

bool ConversationTokenizer::fit_pair(const std::string& where, TokenizedRow& chosen,
                                     TokenizedRow& rejected) const {
  const auto most = static_cast<std::size_t>(options_.max_length);
  const std::size_t longest = std::max(chosen.ids.size(), rejected.ids.size());
  const auto dropped = [&chosen](const std::string& reason) {
    drop(chosen, reason);
    return false;
  };
  chosen.fate = longest > most ? Fate::kTruncated : Fate::kTrained;
  if (longest > most) {
    switch (options_.too_long) {
      case TooLong::kSplit:  // refused before any row is read
      case TooLong::kDrop:
        return dropped(longer_side(chosen, rejected, most) + "too_long");
      case TooLong::kError:
        throw Error(Error::Kind::kData, where + ": the longer side of the pair has " +
                                            std::to_string(longest) + " tokens, data.max_length is " +
                                            std::to_string(most) +
                                            "; raise it or choose another data.too_long than error");
      case TooLong::kTruncateRight:
        cut_back(chosen, most);
        cut_back(rejected, most);
        break;
      case TooLong::kTruncateLeft:
        // Answers are compared under one prompt, so both lose the same of it.
        if (longest - most > common_prefix(chosen, rejected)) return dropped("cut_left_no_prompt");
        cut_front(chosen, longest - most);
        cut_front(rejected, longest - most);
    }
  }
  const char* reason = longest > most ? "cut_left_no_answer" : "no_trained_tokens";
  if (count_trained_targets(chosen.trained) == 0) return dropped(std::string("chosen:") + reason);
  if (count_trained_targets(rejected.trained) == 0) return dropped(std::string("rejected:") + reason);
  if (chosen.ids == rejected.ids) return dropped("cut_left_no_difference");
  return true;
}

}  // namespace caravan::data
