#include "recipes/synthesis/rewrite_rows.h"

#include <array>

#include "data/synthesis/answerer.h"
#include "data/synthesis/builtin_prompts.h"

namespace caravan::recipes {
namespace {

using data::Json;

constexpr std::array<std::string_view, 1> kPlaces{"prompt"};

data::FilterOptions trivial_filter(const RewriteSection& options) {
  data::FilterOptions filters;
  filters.trivial_prompts = true;
  filters.trivial_words = options.trivial_words;
  filters.trivial_operations = options.trivial_operations;
  return filters;
}

std::string rewrite_text_of(const RewriteSection& options) {
  return options.prompt_template.empty() ? std::string(data::builtin_rewrite_template())
                                         : data::read_template_file(options.prompt_template);
}

data::Conversation conversation_of(const StepRow& row) {
  data::Conversation conversation;
  conversation.id = row.id;
  const auto source = row.row.find("source");
  if (source != row.row.end() && source->is_string()) conversation.source = source->get<std::string>();
  conversation.messages = data::messages_of(row.row);
  return conversation;
}

}  // namespace

data::PromptTemplate rewrite_template_of(const RewriteSection& options) {
  return {rewrite_text_of(options), options.prompt_template.empty() ? "rewrite" : options.prompt_template,
          kPlaces};
}

RewriteRows::RewriteRows(const RewriteSection& options, std::uint64_t seed, ModelPool& models)
    : options_(options), seed_(seed), models_(models), trivial_(trivial_filter(options)) {}

bool RewriteRows::is_trivial(const Json& row) {
  text_ = row.dump();
  if (json_.parse(text_) != data::JsonRow::Status::kOk) return false;
  const std::vector<data::FilterHit>& hits = trivial_.judge(json_.root(), space_);
  return !hits.empty() && hits.front().reason.starts_with("trivial:");
}

std::vector<StepResult> RewriteRows::work(std::vector<StepRow>& rows) {
  std::vector<StepResult> results(rows.size());
  std::vector<data::Conversation> trivial;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    results[i].keep = !is_trivial(rows[i].row);
    if (results[i].keep) continue;
    trivial.push_back(conversation_of(rows[i]));
    places.push_back(i);
  }
  if (trivial.empty()) return results;
  data::PromptRewriter rewriter(models_.get(options_.model), rewrite_text_of(options_), seed_);
  std::vector<data::SynthesisRow> made;
  for (data::RewrittenRow& row : rewriter.rewrite(trivial)) {
    if (row.reason.empty())
      made.push_back({.row = Json::parse(row.line)});
    else
      made.push_back({.reason = std::move(row.reason)});
  }
  const data::AnswerTask answers{.name = "rewrite",
                                 .prompt = {"{prompt}", "answer", kPlaces},
                                 .draw = {.max_tokens = options_.max_tokens, .temperature = 0.0},
                                 .seed = seed_};
  const std::string& answerer = options_.answer_model.empty() ? options_.model : options_.answer_model;
  add_answers(answers, made, models_.get(answerer));
  for (std::size_t i = 0; i < made.size(); ++i) {
    StepResult& result = results[places[i]];
    if (made[i].reason.empty())
      result.made.push_back(std::move(made[i].row));
    else
      result.reasons.push_back(std::move(made[i].reason));
  }
  return results;
}

}  // namespace caravan::recipes
