#include "data/rewards/answer_text.h"

#include "data/rewards/python_literal.h"
#include "data/rewards/text_pieces.h"

namespace caravan::data {
namespace {

constexpr std::string_view kOpen = "<think>", kClose = "</think>";

bool is_punctuation(char c) {
  return (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) || (c >= 123 && c <= 126);
}

// Whole words a, an, the become a space; a word ends where no word character follows.
std::string without_articles(std::string_view text) {
  std::string result;
  std::size_t at = 0;
  for (const std::string_view run : word_runs(text)) {
    const auto begin = static_cast<std::size_t>(run.data() - text.data());
    result.append(text.substr(at, begin - at));
    if (run == "a" || run == "an" || run == "the")
      result.push_back(' ');
    else
      result.append(run);
    at = begin + run.size();
  }
  return result.append(text.substr(at));
}

std::optional<std::string> as_answer(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number()) return value.dump();
  return std::nullopt;
}

}  // namespace

std::string strip_thinking(std::string_view completion) {
  const std::string no_roles = replace_all(completion, "<|assistant|>", "");
  std::string_view rest = trim(no_roles);
  if (const std::size_t end = rest.rfind(kClose); end != std::string_view::npos)
    rest.remove_prefix(end + kClose.size());
  const std::string no_tags = replace_all(replace_all(rest, "<answer>", ""), "</answer>", "");
  return std::string(trim(no_tags));
}

AnswerPart answer_part(std::string_view completion) {
  const std::string no_roles = replace_all(completion, "<|assistant|>", "");
  std::string_view text = no_roles;
  const std::size_t open = text.find(kOpen), close = text.rfind(kClose);
  const bool closed = close != std::string_view::npos;
  if (open != std::string_view::npos || closed) {
    const std::string_view before = trim(text.substr(0, std::min(open, text.size())));
    const std::string_view after = closed ? trim(text.substr(close + kClose.size())) : std::string_view();
    if (after.empty()) {
      const std::string where = closed ? "the answer stands before the thought" : "a thought is not closed";
      if (open != std::string_view::npos && !before.empty()) return {{}, unknown(where)};
      return {{}, wrong(closed ? "nothing follows the thought" : where)};
    }
    text = after;
    if (contains(text, kOpen)) return {{}, unknown("a second thought is not closed")};
  }
  const std::string no_tags = replace_all(replace_all(text, "<answer>", ""), "</answer>", "");
  return {std::string(trim(no_tags)), std::nullopt};
}

std::string squad_form(std::string_view text) {
  std::string letters = lower(text);
  std::erase_if(letters, is_punctuation);
  std::string result;
  const std::string plain = without_articles(letters);
  for (const std::string_view word : split_words(plain)) {
    if (!result.empty()) result.push_back(' ');
    result.append(word);
  }
  return result;
}

std::vector<std::string> allowed_answers(const Json& ground_truth) {
  std::vector<std::string> answers;
  if (ground_truth.is_array()) {
    for (const Json& element : ground_truth) {
      if (auto answer = as_answer(element)) answers.push_back(std::move(*answer));
    }
  } else if (auto answer = as_answer(ground_truth)) {
    answers.push_back(std::move(*answer));
  }
  return answers;
}

Json truth_object(const Json& ground_truth) {
  const Json* truth = &ground_truth;
  if (truth->is_array() && !truth->empty()) truth = &truth->front();
  if (truth->is_object()) return *truth;
  if (!truth->is_string()) return nullptr;
  Json read = read_python_literal(truth->get_ref<const std::string&>());
  if (read.is_array() && !read.empty()) read = Json(read.front());
  if (read.is_string()) read = read_python_literal(read.get<std::string>());
  return read.is_object() ? read : Json();
}

std::string truth_text(const Json& ground_truth) {
  if (ground_truth.is_null()) return "";
  if (ground_truth.is_string()) return ground_truth.get<std::string>();
  return ground_truth.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace caravan::data
