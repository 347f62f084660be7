#include "trainer/evaluation/sample_rows.h"

#include <algorithm>

#include "data/rewards/verifier_table.h"

namespace caravan::trainer {
namespace {

using data::Json;

double num_characters(const std::string& text) {
  return static_cast<double>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u; }));
}

// Pieces between runs of blanks, the empty ones before the first and behind the last included.
double num_words(const std::string& text) {
  double words = 1;
  bool in_blank = false;
  for (const char c : text) {
    const bool blank = c == ' ' || (c >= '\t' && c <= '\r') || (c >= '\x1c' && c <= '\x1f');
    words += blank && !in_blank ? 1 : 0;
    in_blank = blank;
  }
  return words;
}

// The ground truth's lists taken apart: one object for each element.
std::vector<Json> elements_of(const Json& truth) {
  std::size_t count = 0;
  if (truth.is_object())
    for (const Json& value : truth)
      if (value.is_array()) count = std::max(count, value.size());
  std::vector<Json> elements(count, Json::object());
  for (std::size_t i = 0; i < count; ++i)
    for (const auto& [key, value] : truth.items()) {
      if (!value.is_array())
        elements[i][key] = value;
      else if (i < value.size())
        elements[i][key] = Json::array({value[i]});
    }
  return elements;
}

bool is_right(const data::Verifier& verifier, const std::string& completion, const Json& truth) {
  return verifier.verify(completion, truth).verdict == data::Verdict::kRight;
}

}  // namespace

Json sample_head(const data::TaskItem& item, std::size_t index, std::int64_t sample) {
  Json row{{"index", index}, {"item", item.id}, {"sample", sample}};
  if (!item.part.empty()) row["part"] = item.part;
  return row;
}

Json choice_values(const data::TaskItem& item, const std::vector<double>& log_probs) {
  const auto picks_gold = [&](auto&& length) {
    std::size_t best = 0;
    double best_score = 0.0;
    for (std::size_t i = 0; i < log_probs.size(); ++i) {
      const double score = log_probs[i] / length(item.bare_choices[i]);
      if (i == 0 || score > best_score) {
        best = i;
        best_score = score;
      }
    }
    return best == item.gold ? 1 : 0;
  };
  return {
      {"acc", picks_gold([](const std::string&) { return 1.0; })},
      {"acc_norm", picks_gold(num_characters)},
      {"acc_bytes", picks_gold([](const std::string& text) { return static_cast<double>(text.size()); })}};
}

Json text_values(const std::string& text, double log_prob, std::size_t tokens) {
  const auto bytes = static_cast<double>(text.size());
  return {{"word_perplexity", {log_prob, num_words(text)}},
          {"byte_perplexity", {log_prob, bytes}},
          {"bits_per_byte", {log_prob, bytes}},
          {"token_perplexity", {log_prob, static_cast<double>(tokens)}}};
}

TaskJudges::TaskJudges(const data::TaskOptions& task) {
  for (const data::TaskVerifier& options : task.verifiers)
    judges_.push_back({options, data::make_verifier(options.name)});
}

void TaskJudges::judge(const std::string& completion, const Json& ground_truth, Json& sample) const {
  Json values = Json::object();
  for (std::size_t i = 0; i < judges_.size(); ++i) {
    const Judge& judge = judges_[i];
    if (judge.options.each) {
      double right = 0.0;
      const std::vector<Json> elements = elements_of(ground_truth);
      for (const Json& element : elements)
        right += is_right(*judge.verifier, completion, element) ? 1.0 : 0.0;
      values[judge.options.metric] = {right, static_cast<double>(elements.size())};
      continue;
    }
    const data::Judgement judgement = judge.verifier->verify(completion, ground_truth);
    values[judge.options.metric] = judgement.verdict == data::Verdict::kRight ? 1 : 0;
    if (i > 0) continue;
    sample["verdict"] = std::string(name_of(judgement.verdict));
    sample["reason"] = judgement.reason;
    values["unknown"] = judgement.verdict == data::Verdict::kUnknown ? 1 : 0;
  }
  sample["values"] = std::move(values);
}

}  // namespace caravan::trainer
