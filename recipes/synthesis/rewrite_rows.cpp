#include "recipes/synthesis/rewrite_rows.h"

#include <algorithm>
#include <array>
#include <memory>

#include "data/synthesis/builtin_prompts.h"

namespace caravan::recipes {
namespace {

using data::Json;
using data::Message;

constexpr std::array<std::string_view, 1> kPlaces{"prompt"};

data::FilterOptions trivial_filter(const RewriteSection& options) {
  data::FilterOptions filters;
  filters.trivial_prompts = true;
  filters.trivial_words = options.trivial_words;
  filters.trivial_operations = options.trivial_operations;
  return filters;
}

// What the new row keeps of the old one.
void add_origin(const StepRow& old, const std::string& prompt, Json& made) {
  made["id"] = old.id + ".rewritten";
  const auto source = old.row.find("source");
  made["source"] = source != old.row.end() && source->is_string() ? *source : Json("");
  const Message& first = old.messages.front();
  if (first.role == "system")
    made["messages"].insert(made["messages"].begin(), Json{{"role", "system"}, {"content", first.content}});
  made["rewritten"] = {{"from_id", old.id}, {"from_prompt", prompt}};
}

}  // namespace

data::PromptTemplate rewrite_template_of(const RewriteSection& options) {
  if (options.prompt_template.empty())
    return {std::string(data::builtin_prompt("rewrite").text), "rewrite", kPlaces};
  return {data::read_template_file(options.prompt_template), options.prompt_template, kPlaces};
}

RewriteRows::RewriteRows(const RewriteSection& options, std::uint64_t seed, ModelPool& models)
    : models_(models),
      model_(options.model),
      answer_model_(options.answer_model.empty() ? options.model : options.answer_model),
      trivial_(trivial_filter(options)),
      prompts_({.name = "rewrite",
                .kind = "rewrite",
                .prompt = rewrite_template_of(options),
                .draw = {.temperature = 0.0},
                .seed = seed}),
      answers_({.name = "rewrite",
                .prompt = {"{prompt}", "answer", kPlaces},
                .draw = {.max_tokens = options.max_tokens, .temperature = 0.0},
                .seed = seed}) {}

StepPass RewriteRows::make_pass() const {
  return [this, space = std::make_shared<data::RowFilters::Workspace>()](const data::JsonValue& row) {
    const auto messages = row.find("messages");
    if (!messages || !messages->is(data::JsonValue::Type::kArray)) return true;
    const std::vector<data::FilterHit>& hits = trivial_.judge(row, *space);
    return hits.empty() || !hits.front().reason.starts_with("trivial:");
  };
}

std::vector<StepResult> RewriteRows::work(std::vector<StepRow>& rows) {
  std::vector<StepResult> results(rows.size());
  std::vector<data::SynthesisInput> inputs;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::vector<Message>& messages = rows[i].messages;
    const auto prompt = std::ranges::find(messages, "user", &Message::role);
    results[i].keep = messages.empty();
    if (results[i].keep) continue;
    if (prompt == messages.end() || prompt->content.empty()) {
      results[i].reasons.push_back("no_prompt");
      continue;
    }
    inputs.push_back({.id = rows[i].id, .text = prompt->content});
    places.push_back(i);
  }
  if (inputs.empty()) return results;
  std::vector<data::SynthesisRow> made;
  for (std::vector<data::SynthesisRow>& one : make_prompts(prompts_, inputs, models_.get(model_))) {
    const std::size_t i = made.size();
    made.push_back(std::move(one.front()));
    if (made[i].reason.empty()) add_origin(rows[places[i]], inputs[i].text, made[i].row);
  }
  add_answers(answers_, made, models_.get(answer_model_));
  for (std::size_t i = 0; i < made.size(); ++i) add_made(std::move(made[i]), results[places[i]]);
  return results;
}

}  // namespace caravan::recipes
