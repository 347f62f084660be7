#include "recipes/release/model_card.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "data/page/html_page.h"
#include "data/text_table.h"
#include "recipes/shown_text.h"

namespace caravan::recipes {
namespace {

using data::Json;
using Row = std::vector<std::string>;

// A text in double quotes, which JSON and YAML read alike.
std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void add_list(const std::string& key, const std::vector<std::string>& values, std::string& text) {
  if (values.empty()) return;
  text += key + ":\n";
  for (const std::string& value : values) text += "- " + quoted(value) + "\n";
}

std::string front_matter(const CardOptions& options, const CardFacts& facts) {
  std::string text = "---\n";
  if (!options.license.empty()) text += "license: " + quoted(options.license) + "\n";
  if (!options.base_model.empty()) text += "base_model: " + quoted(options.base_model) + "\n";
  text += "library_name: transformers\npipeline_tag: text-generation\n";
  add_list("language", options.language, text);
  add_list("datasets", options.datasets, text);
  Row tags{"caravan"};
  if (facts.has_template) tags.push_back("conversational");
  for (const StageStory& stage : facts.stages)
    for (const char* kind : {"sft", "rm", "dpo", "kto", "rlvr"})
      if (stage.kind == kind && std::ranges::find(tags, kind) == tags.end()) tags.push_back(kind);
  for (const std::string& tag : options.tags)
    if (std::ranges::find(tags, tag) == tags.end()) tags.push_back(tag);
  add_list("tags", tags, text);
  return text + "---\n\n";
}

std::string table(const std::vector<Row>& rows) {
  std::string text;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    text += "|";
    for (const std::string& cell : rows[i]) text += " " + markdown_cell(cell) + " |";
    text += "\n";
    if (i > 0) continue;
    text += "|";
    for (std::size_t column = 0; column < rows[i].size(); ++column) text += " --- |";
    text += "\n";
  }
  return text + "\n";
}

// A block of code that nothing within can end.
std::string code_block(const std::string& language, const std::string& text) {
  std::string fence = "```";
  while (text.find(fence) != std::string::npos) fence += '`';
  return fence + language + "\n" + text + (text.ends_with('\n') ? "" : "\n") + fence + "\n\n";
}

std::string score_text(const TaskScore& score) {
  std::string text = data::figure_text(score.value);
  if (std::isfinite(score.low) && std::isfinite(score.high))
    text += " (" + data::figure_text(score.low) + " to " + data::figure_text(score.high) + ")";
  return text;
}

std::string name_of(const TaskScore& score) {
  return score.metric.empty() ? score.task : score.task + "/" + score.metric;
}

std::string stage_name(const StageStory& stage) {
  return stage.attempt > 1 ? stage.name + ", attempt " + std::to_string(stage.attempt) : stage.name;
}

std::vector<Row> score_rows(const std::vector<TaskScore>& scores, std::string_view suite) {
  std::vector<Row> rows{{"task/metric", "score", "items"}};
  for (const TaskScore& score : scores)
    if (score.suite == suite)
      rows.push_back({name_of(score), score_text(score), std::to_string(score.items)});
  return rows;
}

// Scores that the stages were judged by while the model was made.
std::string stage_scores(const std::vector<StageStory>& stages) {
  std::vector<Row> rows{{"after stage", "task/metric", "score", "items"}};
  for (const StageStory& stage : stages)
    if (!stage.evaluations.empty())
      for (const TaskScore& score : stage.evaluations.back().scores)
        rows.push_back({stage_name(stage), name_of(score), score_text(score), std::to_string(score.items)});
  return rows.size() == 1 ? "" : "While it was made (development suite), by stage:\n\n" + table(rows);
}

std::string scores_section(const CardFacts& facts) {
  std::string text;
  const auto unseen = score_rows(facts.scores, "unseen"), seen = score_rows(facts.scores, "development");
  if (unseen.size() > 1) text += "Unseen suite, asked once, at this release:\n\n" + table(unseen);
  if (seen.size() > 1) text += "Development suite, at this release:\n\n" + table(seen);
  text += stage_scores(facts.stages);
  return text.empty() ? text
                      : "## Scores\n\n" + text + "In brackets: 95 % interval by bootstrap over items.\n\n";
}

const Json& member(const Json& json, const char* key) {
  static const Json nothing = nullptr;
  if (!json.is_object()) return nothing;
  const auto found = json.find(key);
  return found == json.end() ? nothing : *found;
}

std::string shown(const Json& value) {
  if (value.is_null()) return "";
  if (value.is_string()) return without_folders(value.get<std::string>());
  if (value.is_number_unsigned()) return data::grouped(value.get<std::uint64_t>());
  if (value.is_number()) return data::figure_text(value.get<double>());
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

const Json& last_launch(const StageStory& stage) {
  const Json& launches = member(stage.card, "launches");
  return launches.is_array() && !launches.empty() ? launches.back() : member(nullptr, "");
}

std::string stages_section(const CardFacts& facts) {
  if (facts.stages.empty()) return {};
  std::vector<Row> rows{{"stage", "kind", "rows", "steps", "tokens", "learning rate", "loss, first to last",
                         "gate", "caravan"}};
  for (const StageStory& stage : facts.stages) {
    const Json &sizes = member(stage.card, "sizes"), &launch = last_launch(stage);
    const Json &recipe = member(launch, "recipe"), &totals = member(launch, "totals"),
               &versions = member(launch, "versions");
    std::string loss = shown(member(member(totals, "first"), "train/loss"));
    const std::string last = shown(member(member(totals, "last"), "train/loss"));
    if (!last.empty()) loss += " to " + last;
    std::string gate = stage.decision;
    for (const std::string& reason : stage.reasons) gate += "; " + reason;
    rows.push_back({stage_name(stage), stage.kind.empty() ? "command" : stage.kind,
                    shown(member(sizes, "rows")), shown(member(sizes, "steps")),
                    shown(member(sizes, "tokens_of_all_steps")),
                    shown(member(recipe, "optimizer.learning_rate")), loss, gate,
                    shown(member(versions, "caravan")) + " " + shown(member(versions, "commit"))});
  }
  return "## How it was made\n\n" + table(rows);
}

std::string data_section(const CardFacts& facts) {
  std::vector<Row> rows{{"stage", "step", "rows", "what became of them"}};
  for (const StageStory& stage : facts.stages)
    for (const StepFates& step : stage.data) {
      constexpr std::size_t kMaxReasons = 12;
      std::string fates;
      for (std::size_t i = 0; i < std::min(step.fates.size(), kMaxReasons); ++i)
        fates += (i == 0 ? "" : ", ") + step.fates[i].name + " " + data::grouped(step.fates[i].rows);
      if (step.fates.size() > kMaxReasons)
        fates += " and " + std::to_string(step.fates.size() - kMaxReasons) + " more reasons";
      rows.push_back({stage_name(stage), step.step, data::grouped(step.rows), fates});
    }
  if (rows.size() == 1) return {};
  std::string text = "## Data\n\nEvery row of the data, by what became of it:\n\n" + table(rows);
  std::vector<Row> hashes{{"stage", "input", "hash"}};
  for (const StageStory& stage : facts.stages) {
    const Json& inputs = member(stage.card, "hashes");
    if (!inputs.is_object()) continue;
    for (const auto& [name, hash] : inputs.items())
      hashes.push_back({stage_name(stage), without_folders(name), shown(hash)});
  }
  return hashes.size() == 1 ? text : text + "Inputs:\n\n" + table(hashes);
}

std::string recipes_section(const CardFacts& facts) {
  std::string text;
  for (const StageStory& stage : facts.stages)
    if (!stage.recipe.empty())
      text += "<details><summary>" + markdown_cell(stage_name(stage)) + "</summary>\n\n" +
              code_block("yaml", without_folders(shown_text(stage.recipe, 100000))) + "</details>\n\n";
  return text.empty() ? text
                      : "## Recipes\n\nWith every default written out; folders are left out.\n\n" + text;
}

std::string use_section(const CardFacts& facts) {
  std::string text =
      "## Use\n\n" + code_block("sh", facts.has_template ? "caravan chat --model DIR"
                                                         : "caravan generate --model DIR < prompts.jsonl");
  text += "or, with transformers:\n\n";
  std::string python =
      "from transformers import AutoModelForCausalLM, AutoTokenizer\n"
      "tokenizer = AutoTokenizer.from_pretrained(\"DIR\")\n"
      "model = AutoModelForCausalLM.from_pretrained(\"DIR\", torch_dtype=\"auto\")\n";
  python += facts.has_template
                ? "inputs = tokenizer.apply_chat_template([{\"role\": \"user\", \"content\": \"Hello\"}],\n"
                  "                                       add_generation_prompt=True, return_dict=True,\n"
                  "                                       return_tensors=\"pt\")\n"
                : "inputs = tokenizer(\"Once\", return_tensors=\"pt\")\n";
  python += "print(tokenizer.decode(model.generate(**inputs, max_new_tokens=64)[0]))\n";
  return text + code_block("python", python);
}

std::string files_section(const CardFacts& facts) {
  std::vector<Row> files{{"file", "SHA-256"}}, versions{{"of", "version"}};
  for (const auto& [name, hash] : facts.files)
    files.push_back({name, hash.starts_with("sha256:") ? hash.substr(7) : hash});
  for (const auto& [name, version] : facts.versions) versions.push_back({name, version});
  std::string command;
  for (const std::string& word : facts.command)
    command += (command.empty() ? "" : " ") + without_folders(word);
  return "## Files and versions\n\n`sha256sum -c SHA256SUMS` checks them.\n\n" + table(files) +
         "Before it was released this folder was opened again and compared with the checkpoint that training "
         "wrote: " +
         data::grouped(static_cast<std::uint64_t>(facts.probe.tokens)) + " log-probabilities of " +
         std::to_string(facts.probe.texts) + " texts and " +
         data::grouped(static_cast<std::uint64_t>(facts.probe.answer_tokens)) +
         " tokens of greedy answers are the same bit for bit.\n\nReleased " + facts.date + " by:\n\n" +
         code_block("sh", command) + table(versions);
}

}  // namespace

std::string markdown_cell(std::string_view text) {
  constexpr std::size_t kMax = 2000;
  std::string cell;
  for (const char c : shown_text(text, kMax)) {
    if (c == '\n' || c == '\t')
      cell += ' ';
    else if (c == '<')
      cell += "&lt;";
    else if (c == '&')
      cell += "&amp;";
    else if (std::string_view("|`*[]\\").find(c) != std::string_view::npos)
      cell += std::string("\\") + c;
    else
      cell += c;
  }
  return cell;
}

std::string without_folders(std::string_view text) {
  // What may stand before a path, and what ends one.
  constexpr std::string_view kBefore = " \"'=[,:{(\n\t", kAfter = " \"',]})\n\t";
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const bool begins = text[at] == '/' &&
                        (at == 0 || kBefore.find(text[at - 1]) != std::string_view::npos) &&
                        (at + 1 == text.size() || text[at + 1] != '/');
    if (!begins) {
      out += text[at++];
      continue;
    }
    const std::size_t end = std::min(text.find_first_of(kAfter, at), text.size());
    const std::string_view path = text.substr(at, end - at);
    const std::size_t last = path.find_last_not_of('/');
    const std::size_t slash = last == std::string_view::npos ? 0 : path.rfind('/', last);
    out += path.substr(std::min(slash + 1, path.size()));
    at = end;
  }
  return out;
}

std::string model_card(const CardOptions& options, const CardFacts& facts) {
  std::string text = front_matter(options, facts) + "# " + markdown_cell(facts.title) + "\n\n";
  if (!facts.about.empty()) text += facts.about + (facts.about.ends_with('\n') ? "\n" : "\n\n");
  text += table({{"architecture", "parameters", "stored as", "longest text", "chat template"},
                 {facts.architecture, data::grouped(static_cast<std::uint64_t>(facts.parameters)),
                  facts.dtype, data::grouped(static_cast<std::uint64_t>(facts.positions)) + " tokens",
                  facts.has_template ? "in the tokenizer's files" : "none"}});
  return text + use_section(facts) + scores_section(facts) + stages_section(facts) + data_section(facts) +
         recipes_section(facts) + files_section(facts);
}

}  // namespace caravan::recipes
