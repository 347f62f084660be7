#include "recipes/describe_recipe.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "recipes/curation/data_recipe.h"
#include "recipes/evaluation/evaluation_recipe.h"
#include "recipes/fields.h"
#include "recipes/pipeline/pipeline_recipe.h"
#include "recipes/preferences/preference_recipe.h"
#include "recipes/reader/aliases.h"
#include "recipes/reader/field_values.h"
#include "recipes/recipe.h"
#include "recipes/release/release_recipe.h"
#include "recipes/synthesis/synthesis_recipe.h"

namespace caravan::recipes {
namespace {

class Describer {
 public:
  Describer(std::vector<SectionDescription>& sections, std::size_t section, std::string path)
      : sections_(sections), section_(section), path_(std::move(path)) {}

  template <class T>
  void field(std::string_view key, T& member, const FieldSpec& spec) {
    std::string initial = field_text(member, spec);
    if (initial.empty() || initial == "\"\"" || spec.computed) initial = "absent";
    if (spec.required) initial = "required";
    add(key, field_allowed(spec, &member), initial, spec);
  }

  template <class Struct>
  void list(std::string_view key, std::vector<Struct>&, const FieldSpec& spec) {
    add(key,
        "a list, as in [{KEY: VALUE}, {KEY: VALUE}]; see " + path_ + std::string(key) +
            "[] below; on the command line " + path_ + std::string(key) +
            ".0.KEY=VALUE, and the number behind the last adds one",
        spec.required ? "required" : "absent", spec);
    Struct element;
    Describer inner(sections_, section_, path_ + std::string(key) + "[].");
    inner.free_at_resume_ = spec.free_at_resume;
    element.visit_fields(inner);
  }

  template <class Struct>
  void section(std::string_view key, Struct& member, const FieldSpec& spec) {
    // Within an element of a list it belongs to that element.
    const bool is_top = path_.empty();
    if (is_top) sections_.push_back({std::string(key), std::string(spec.help), {}});
    Describer inner(sections_, is_top ? sections_.size() - 1 : section_, path_ + std::string(key) + '.');
    inner.free_at_resume_ = free_at_resume_;
    member.visit_fields(inner);
  }

 private:
  void add(std::string_view key, std::string allowed, std::string initial, const FieldSpec& spec) {
    const std::string full = path_ + std::string(key);
    std::string aliases;
    for (std::string_view alias : aliases_of_key(full))
      aliases += (aliases.empty() ? "" : ", ") + std::string(alias);
    sections_[section_].keys.push_back({full, std::move(allowed), std::move(initial), std::string(spec.help),
                                        aliases, spec.free_at_resume || free_at_resume_});
  }

  std::vector<SectionDescription>& sections_;
  std::size_t section_;
  std::string path_;
  bool free_at_resume_ = false;
};

std::string key_text(const KeyDescription& key) {
  std::string text = "  " + key.key + "\n      " + key.help + "\n      " + key.allowed;
  text +=
      key.initial == "required" || key.initial == "absent" ? "; " + key.initial : "; default: " + key.initial;
  if (key.initial == "absent") text += " by default";
  text += '\n';
  if (!key.aliases.empty()) text += "      other names: " + key.aliases + '\n';
  return text;
}

// Whether a person who writes `name` means this key: its full name, its last part, or another framework's
// name.
bool is_called(const KeyDescription& key, std::string_view name) {
  if (key.key == name || key.key.substr(key.key.rfind('.') + 1) == name) return true;
  for (std::size_t at = 0; at < key.aliases.size();) {
    const std::size_t end = std::min(key.aliases.find(", ", at), key.aliases.size());
    if (key.aliases.substr(at, end - at) == name) return true;
    at = end + 2;
  }
  return false;
}

// A bar would end the cell.
std::string cell(const std::string& text) {
  std::string escaped;
  for (char c : text) escaped += c == '|' ? std::string("\\|") : std::string(1, c);
  return escaped;
}

std::string sentence(std::string text) {
  text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return text + '.';
}

std::string key_row(const KeyDescription& key) {
  const bool is_word = key.initial == "required" || key.initial == "absent";
  return "| `" + key.key + "` | " + cell(key.help) + " | " + cell(key.allowed) + " | " +
         (is_word ? key.initial : '`' + key.initial + '`') + " | " + (key.free_at_resume ? "yes" : "no") +
         " | " + cell(key.aliases) + " |\n";
}

constexpr std::string_view kIntroduction =
    "# Recipes\n"
    "\n"
    "The shortest one, to copy:\n"
    "\n";

constexpr std::string_view kRules =
    "\n"
    "A recipe is one YAML file that says all there is to say about a run. This page is written by `caravan "
    "describe --markdown` from\n"
    "the field lists that the reader itself uses; `caravan describe --check recipes/README.md` tells whether "
    "it is current.\n"
    "\n"
    "    caravan validate recipes/tiny/sft.yaml                   # every error at once, with "
    "file:line:column\n"
    "    caravan train recipes/tiny/sft.yaml run.max_steps=20     # key=value after the recipe overrides it\n"
    "    caravan describe optimizer                               # the keys of one section, in the "
    "terminal\n"
    "\n"
    "- Numbers with more than one possible unit carry it: `4096 tokens`, `3 %`, `500 rows`, `30 minutes`. A "
    "bare number is an error\n"
    "  there; where the key's name is the unit (`batch.tokens`) it is not.\n"
    "- Paths of inputs start at the recipe's folder, or, given on the command line, at the current folder. "
    "Paths of outputs\n"
    "  (`run.dir`, `data.cache_dir`) start at the current folder. `~` and `${NAME}` are not expanded.\n"
    "- On the command line a value that starts with `[`, `{` or a quote is YAML; any other is taken letter "
    "by letter; `null` switches\n"
    "  a key off. Elements of lists count from 0: `data.sources.0.take=500 rows`, or "
    "`data.sources[0].take`; the number behind\n"
    "  the last adds one. A key is given once. Naming `run.max_steps` replaces the recipe's `run.epochs`, "
    "and "
    "the same goes for\n"
    "  `batch.tokens` and `batch.sequences`.\n"
    "- Names of other frameworks (last column) may stand at the top of a recipe instead of ours; each "
    "mapping is printed. A setting\n"
    "  without effect, a repeated key and an unknown key are errors.\n"
    "- What a section holds may depend on the stage: `loss` of a recipe with `stage: dpo` is section "
    "`stage-dpo-loss` below, written `loss`.\n"
    "- Each run keeps `recipe.yaml` in its folder: this recipe with every default and override written out. "
    "At resume, only keys\n"
    "  marked yes may differ from it.\n"
    "- Words: a row of a file becomes a *document*, its tokens (several where it is split). A *step* changes "
    "the "
    "parameters once, by\n"
    "  the *batch* of documents it takes; a batch goes through the model in *passes* of `micro_tokens`. The "
    "*peak* is\n"
    "  `optimizer.learning_rate`, where warm-up ends. A *rank* is one process of a run.\n"
    "\n"
    "**This folder** holds recipes (`tiny`, `smollm2_135m`, `llama3_8b`, `llama3_70b`, `llama3_405b`, "
    "`tulu3`), [tasks](tasks/README.md),\n"
    "[what large runs take](plans.md), and the code that puts runs together: the reader of YAML (`fields.h`, "
    "`reader`), one "
    "pair of files a command (`commands`), a training run and its\n"
    "folder (`stages`), several (`pipeline`), the other kinds of recipes (`curation`, `synthesis`, "
    "`preferences`, `evaluation`, `release`), `report`, `serving` and `launch`. It\n"
    "may include every room, and none includes it. What may not be here: arithmetic on tensors, rules about "
    "rows, a loop over steps.\n"
    "\n"
    "- To add a setting: a member and its field line in the options struct, the code that reads it, "
    "`build/caravan describe --markdown > recipes/README.md`.\n"
    "- To add a recipe: the YAML; its first comment says what it needs and the command that starts it.\n"
    "- To add a stage, a command, a step of data recipes: [CONTRIBUTING](../CONTRIBUTING.md#to-add-).\n";

constexpr std::string_view kTable =
    "| key | what it is | allowed | default | may change at resume | other names |\n"
    "| --- | --- | --- | --- | --- | --- |\n";

}  // namespace

std::string minimal_recipe() {
  return "schema: 1\n"
         "stage: sft\n"
         "model: {path: CHECKPOINT}                      # folder with config.json, *.safetensors, "
         "tokenizer.json\n"
         "data: {sources: [{path: CHATS.jsonl}], max_length: 2048 tokens}\n"
         "batch: {tokens: 16384}                         # of one step\n"
         "optimizer: {learning_rate: 2.0e-5}\n"
         "schedule: {name: linear, warmup: 3 %}\n"
         "run: {dir: runs/mine, epochs: 2}\n";
}

namespace {

// Sections of other stages and kinds of recipes carry its name: several have one called run, or loss.
constexpr std::array<std::string_view, 6> kOtherKinds{"stage-data", "stage-synthesize", "stage-prefer",
                                                      "stages",     "stage-evaluate",   "stage-release"};

std::string section_of(Stage stage) {
  return "stage-" + data::choice_name(stage);
}

// What differs from the first stage.
void describe_stage(Stage stage, std::vector<SectionDescription>& sections) {
  const std::size_t top = sections.size();
  Recipe recipe;
  recipe.stage = stage;
  Describer describer(sections, top, {});
  recipe.visit_stage(describer);
  for (std::size_t i = top; i < sections.size(); ++i)
    sections[i].name = section_of(stage) + '-' + sections[i].name;
}

template <class OtherRecipe>
void describe_other(std::string_view kind, std::string_view help, std::vector<SectionDescription>& sections) {
  const std::size_t top = sections.size();
  sections.push_back({std::string(kind), std::string(help), {}});
  OtherRecipe recipe;
  Describer describer(sections, top, {});
  recipe.visit_fields(describer);
  for (std::size_t i = top + 1; i < sections.size(); ++i)
    sections[i].name = std::string(kind) + '-' + sections[i].name;
}

bool is_named(const SectionDescription& described, std::string_view section) {
  if (described.name.empty()) return false;
  const auto is_of = [&](std::string_view kind) {
    return described.name == std::string(kind) + '-' + std::string(section);
  };
  if (described.name == section || std::ranges::any_of(kOtherKinds, is_of)) return true;
  for (std::size_t stage = 0; stage < choice_names(Stage{}).size(); ++stage)
    if (is_of(section_of(static_cast<Stage>(stage)))) return true;
  return false;
}

}  // namespace

std::vector<SectionDescription> describe_recipe() {
  std::vector<SectionDescription> sections;
  sections.push_back({"", "the top of a recipe", {}});
  Recipe recipe;
  Describer describer(sections, 0, {});
  recipe.visit_fields(describer);
  for (std::size_t stage = 1; stage < choice_names(Stage{}).size(); ++stage)
    describe_stage(static_cast<Stage>(stage), sections);
  describe_other<DataRecipe>(
      kOtherKinds[0],
      "a recipe of stage: data, from published sets to one file of rows; changed, it does "
      "again only what the change reaches",
      sections);
  describe_other<SynthesisRecipe>(
      kOtherKinds[1], "a recipe of stage: synthesize, new prompts and answers by models", sections);
  describe_other<PreferenceRecipe>(
      kOtherKinds[2], "a recipe of stage: prefer, answers of several models made into preference pairs",
      sections);
  describe_other<PipelineRecipe>(kOtherKinds[3],
                                 "a recipe of several stages, each of them a recipe or a program, with gates "
                                 "between them; stopped, it goes on at the stage and step where it was",
                                 sections);
  describe_other<EvaluationRecipe>(kOtherKinds[4],
                                   "a recipe of stage: evaluate, tasks asked of several models", sections);
  describe_other<ReleaseRecipe>(
      kOtherKinds[5],
      "a recipe of stage: release, a finished checkpoint tested, checked and described; the last stage of a "
      "pipeline, or by itself",
      sections);
  return sections;
}

std::optional<std::string> description_text(std::string_view section) {
  std::string text;
  const std::vector<SectionDescription> sections = describe_recipe();
  const bool names_section =
      std::any_of(sections.begin(), sections.end(),
                  [&](const SectionDescription& known) { return is_named(known, section); });
  for (const SectionDescription& described : sections) {
    const bool whole = section.empty() || is_named(described, section);
    std::string keys;
    for (const KeyDescription& key : described.keys) {
      if (whole || (!names_section && is_called(key, section))) keys += key_text(key);
    }
    if (keys.empty()) continue;
    if (whole) text += (described.name.empty() ? "recipe" : described.name) + ": " + described.help + '\n';
    text += keys + (section.empty() ? "\n" : "");
  }
  return text.empty() ? std::nullopt : std::optional(text);
}

std::string description_markdown() {
  std::string text(kIntroduction);
  const std::string recipe = minimal_recipe();
  for (std::size_t at = 0; at < recipe.size();) {
    const std::size_t end = recipe.find('\n', at) + 1;
    text += "    " + recipe.substr(at, end - at);
    at = end;
  }
  text += kRules;
  const std::vector<SectionDescription> sections = describe_recipe();
  text += "\nSections:";
  for (const SectionDescription& section : sections)
    text += section.name.empty() ? " [top](#top)" : ", [" + section.name + "](#" + section.name + ")";
  text += '\n';
  for (const SectionDescription& section : sections) {
    text += "\n## " + (section.name.empty() ? "Top" : '`' + section.name + '`') + "\n\n" +
            sentence(section.help) + "\n\n";
    text += kTable;
    for (const KeyDescription& key : section.keys) text += key_row(key);
  }
  return text;
}

}  // namespace caravan::recipes
