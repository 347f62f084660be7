#include "recipes/release/probe.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "data/evaluation/item_tokens.h"
#include "models/generation/generator.h"
#include "recipes/model_front.h"
#include "recipes/text_front.h"
#include "trainer/evaluation/sequence_scorer.h"

namespace caravan::recipes {
namespace {

// Letters, figures, code, other scripts, blanks and what looks like markup: the ways in which tokenizers
// differ.
const std::vector<std::string> kTexts{
    "The caravan left before dawn, and by noon the last tents were out of sight.",
    "Question: a shop sells 12 boxes of 24 pencils at $0.35 each. How much is that?\nAnswer: 12 * 24 * 0.35 "
    "= "
    "100.80",
    "def mean(values):\n    return sum(values) / len(values)  # 0 values: an error\n",
    "Gr\u00fc\u00dfe aus K\u00f6ln, \u043f\u0440\u0438\u0432\u0435\u0442, \u3053\u3093\u306b\u3061\u306f, "
    "\u0645\u0631\u062d\u0628\u0627, \U0001f42b!",
    "{\"name\": \"x\", \"list\": [1, 2.5e-3, null, true]}  \t \n\n<|end|> </s> <b>bold</b>",
    "Write exactly three words about rivers.",
};

// What a day's date would change of a template is no difference.
constexpr data::Date kDate{2024, 1, 2, 3, 4, 5};

data::TaskItem question_of(const std::string& text, bool is_chat) {
  data::TaskItem item;
  if (is_chat)
    item.messages.push_back({"user", text, nullptr});
  else
    item.context = text;
  return item;
}

void answer(models::Llama& model, const std::string& folder, const data::ItemTokens& tokens, bool is_chat,
            const std::vector<std::string>& texts, std::int64_t max_new_tokens, ProbeResult& result) {
  const std::int64_t positions = model.config().max_position_embeddings;
  models::GeneratorOptions options;
  options.stop_ids = models::stop_ids_of(model.config(), models::read_generation_config(folder));
  models::Generator generator(model, options);
  std::size_t next = 0;
  generator.run(
      [&]() -> std::optional<models::GenerationRequest> {
        while (next < texts.size()) {
          models::GenerationRequest request;
          request.index = next;
          request.prompt = tokens.prompt(question_of(texts[next++], is_chat));
          const auto room = positions - static_cast<std::int64_t>(request.prompt.size());
          request.max_new_tokens = std::min(max_new_tokens, room);
          if (!request.prompt.empty() && request.max_new_tokens > 0) return request;
        }
        return std::nullopt;
      },
      [&](std::size_t index, models::Completion completion) {
        result.texts[index].answer = std::move(completion.ids);
        result.texts[index].answer_log_probs = std::move(completion.log_probs);
      });
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

}  // namespace

ProbeSummary ProbeResult::summary() const {
  ProbeSummary sums{.texts = std::ssize(texts)};
  for (const ProbedText& text : texts) {
    sums.tokens += std::ssize(text.log_probs);
    sums.answer_tokens += std::ssize(text.answer);
  }
  return sums;
}

ProbeResult probe_model(const std::string& folder, const std::string& chat_template,
                        const ProbeOptions& options, const at::Device& device) {
  std::vector<std::string> texts = kTexts;
  texts.insert(texts.end(), options.texts.begin(), options.texts.end());
  const bool is_chat = chat_template != "none";
  const TextFront front = load_text_front(folder, "", is_chat ? chat_template : "auto", is_chat);
  const auto model = load_model(folder, std::nullopt, device);
  trainer::UnitShards units(*model);
  const data::ItemTokens tokens(*front.tokenizer, is_chat ? &*front.chat_template : nullptr, front.variables,
                                kDate);
  ProbeResult result;
  result.tokenizer = front.tokenizer->fingerprint();
  if (is_chat) result.chat_template = front.chat_template->fingerprint();
  std::vector<data::ScoredIds> windows;
  const auto positions = static_cast<std::size_t>(model->config().max_position_embeddings);
  for (const std::string& text : texts) windows.push_back(tokens.windows(text, positions).front());
  trainer::SequenceScorer scorer(units, 4096);
  std::vector<std::vector<float>> scores = scorer.score(windows);
  for (std::size_t i = 0; i < texts.size(); ++i)
    result.texts.push_back({windows[i].ids, {}, std::move(scores[i]), {}});
  answer(*model, folder, tokens, is_chat, texts, options.max_new_tokens, result);
  return result;
}

std::string difference_of(const ProbeResult& before, const ProbeResult& after) {
  if (before.tokenizer != after.tokenizer) return "the tokenizer is another one";
  if (before.chat_template != after.chat_template) return "the chat template is another one";
  if (before.texts.size() != after.texts.size()) return "the number of texts";
  for (std::size_t i = 0; i < before.texts.size(); ++i) {
    const ProbedText &one = before.texts[i], &other = after.texts[i];
    const std::string where = " of text " + std::to_string(i + 1);
    if (one.ids != other.ids) return "the token ids" + where;
    if (!same_bits(one.log_probs, other.log_probs)) return "the log-probabilities" + where;
    if (one.answer != other.answer) return "the greedy answer" + where;
    if (!same_bits(one.answer_log_probs, other.answer_log_probs))
      return "the log-probabilities of the answer" + where;
  }
  return {};
}

}  // namespace caravan::recipes
