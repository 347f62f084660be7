#include "recipes/synthesis/run_synthesis.h"

#include <cstdio>
#include <filesystem>

#include "data/error.h"
#include "data/mixing/mix_plan.h"
#include "data/readers/file_list.h"
#include "data/synthesis/builtin_prompts.h"
#include "data/text_table.h"
#include "recipes/curation/row_pipeline.h"
#include "recipes/curation/said.h"
#include "recipes/resolved_recipe.h"
#include "recipes/shown_text.h"
#include "recipes/synthesis/generation_step.h"
#include "recipes/synthesis/persona_files.h"
#include "recipes/synthesis/task_run.h"
#include "recipes/synthesis/task_templates.h"

namespace caravan::recipes {
namespace {

namespace fs = std::filesystem;
using data::Error;
using data::Json;

// Of rows that were there before: no task can be called so.
constexpr const char* kExisting = ":existing";

std::vector<data::MixPart> parts_of(const SynthesisRecipe& recipe) {
  std::vector<data::MixPart> parts;
  for (const SynthesisTask& task : recipe.tasks) parts.push_back({task.name, task.amount});
  return parts;
}

class Synthesis {
 public:
  Synthesis(const SynthesisRecipe& recipe, bool quiet, MakeLocalModel make_local)
      : recipe_(recipe),
        rows_(recipe.run, quiet),
        models_(recipe.models, recipe.run.dir, recipe.run.seed, quiet, make_local) {}

  int run() {
    rows_.claim_folder("synthesize", resolved_yaml(recipe_));
    rows_.count_step();
    personas();
    rows_.count_step();
    for (const SynthesisTask& task : recipe_.tasks) make(task);
    if (names_a_filter(recipe_.filters)) rows_.filter(recipe_.filters);
    if (recipe_.deduplicate.method != DeduplicateMethod::kNone) deduplicate();
    Json amounts = Json::array();
    for (const SynthesisTask& task : recipe_.tasks) amounts.push_back(said(task.amount));
    rows_.mix(parts_of(recipe_), recipe_.mix, std::move(amounts), recipe_.out);
    write_ledger();
    return 0;
  }

 private:
  std::string folder_file(const std::string& name) const {
    const std::string folder = recipe_.run.dir + "/personas";
    data::make_folder(folder);
    return folder + '/' + name;
  }

  // Afterwards persona_files_ are rows with a persona each.
  void personas() {
    const PersonaOptions& asked = recipe_.personas;
    persona_field_ = asked.field;
    if (asked.path.ends_with(".txt")) {
      persona_files_ = {folder_file("lines.jsonl")};
      persona_field_ = "persona";
      write_line_rows(asked.path, {}, "persona", persona_files_[0]);
    } else if (!asked.path.empty()) {
      persona_files_ = data::list_files(asked.path);
    } else if (!asked.model.empty()) {
      write_personas();
    }
  }

  void write_personas() {
    const PersonaOptions& asked = recipe_.personas;
    const std::string topics = folder_file("topics.jsonl"), name = rows_.same_name("personas");
    write_line_rows(asked.topics, data::builtin_topics(), "topic", topics);
    const data::PromptTemplate prompt = persona_template_of(asked);
    const Json shown{{"personas", said(asked)},
                     {"model", models_.shown(asked.model)},
                     {"template_sha256", prompt.sha256()},
                     {"seed", recipe_.run.seed}};
    rows_.take({.name = name,
                .command = "synthesize",
                .inputs = {topics},
                .out = rows_.rows_file(name),
                .options = shown,
                .run = [this, prompt, shown](const DataFlags& flags) {
                  PersonaRun run(recipe_.personas, prompt, recipe_.run.seed, models_);
                  run_generation_step(
                      flags, shown, [&run](std::vector<StepRow>& rows) { return run.work(rows); },
                      [this] { return spent(); });
                }});
    persona_files_ = {rows_.rows_file(name)};
    persona_field_ = "persona";
    rows_.files().clear();
  }

  void make(const SynthesisTask& task) {
    const std::string name = rows_.same_name("make-" + task.name);
    std::vector<std::string> inputs = persona_files_;
    if (!task.path.empty()) inputs = data::list_files(task.path);
    if (!task.from.empty()) inputs = {rows_.rows_file(rows_.same_name("make-" + task.from))};
    Json shown{{"task", said(task)}, {"seed", recipe_.run.seed}};
    // The mix decides about these.
    for (const FieldEntry& entry : list_fields(task.amount)) shown["task"].erase(entry.key);
    if (task.kind != TaskKind::kAnswer) {
      shown["model"] = models_.shown(task.model);
      shown["template_sha256"] = prompt_template_of(task).sha256();
      if (task.kind == TaskKind::kSelfPlay) shown["harder_sha256"] = prompt_template_of(task, true).sha256();
    }
    if (!task.answer_model.empty()) {
      shown["answer_model"] = models_.shown(task.answer_model);
      shown["answer_template_sha256"] = answer_template_of(task).sha256();
    }
    CurationStep step{.name = name,
                      .command = "synthesize",
                      .inputs = inputs,
                      .out = rows_.rows_file(name),
                      .options = shown};
    if (!task.constraints.empty()) step.further_files.push_back(task.constraints);
    step.run = [this, &task, inputs, shown](const DataFlags& flags) {
      // How many rows there are matters only where some of them are drawn.
      const std::size_t num_rows = task.rows ? count_rows(inputs) : 0;
      TaskRun run(task, persona_field_, num_rows, recipe_.run.seed, models_);
      run_generation_step(
          flags, shown, [&run](std::vector<StepRow>& rows) { return run.work(rows); },
          [this] { return spent(); });
    };
    rows_.take(std::move(step));
  }

  // Rows that exist stand in front, so that the new one of two equal ones goes; then they are left out again.
  void deduplicate() {
    std::vector<std::string> made = std::exchange(rows_.files(), {});
    if (!recipe_.existing.empty()) read_existing();
    std::vector<std::string>& files = rows_.files();
    files.insert(files.end(), made.begin(), made.end());
    std::vector<std::string> sources{kExisting};
    for (const SynthesisTask& task : recipe_.tasks) sources.push_back(task.name);
    rows_.deduplicate(recipe_.deduplicate, sources);
    if (!recipe_.existing.empty()) leave_out_existing();
  }

  void read_existing() {
    const std::string name = rows_.next_name("existing");
    std::vector<std::string> inputs;
    for (const ExistingRows& rows : recipe_.existing)
      for (std::string& file : data::list_files(rows.path)) inputs.push_back(std::move(file));
    rows_.take({.name = name,
                .command = "synthesize",
                .inputs = inputs,
                .out = rows_.rows_file(name),
                .options = {{"source", kExisting}},
                .run = [](const DataFlags& flags) {
                  run_generation_step(flags, {{"source", kExisting}}, [](std::vector<StepRow>& rows) {
                    std::vector<StepResult> results;
                    for (StepRow& row : rows) {
                      row.row["source"] = kExisting;
                      results.push_back({.made = {std::move(row.row)}});
                    }
                    return results;
                  });
                }});
  }

  void leave_out_existing() {
    const std::string name = rows_.next_name("new");
    rows_.take_all({.name = name,
                    .command = "synthesize",
                    .out = rows_.rows_file(name),
                    .options = {{"leaves_out", kExisting}},
                    .run = [](const DataFlags& flags) {
                      run_generation_step(flags, {{"leaves_out", kExisting}}, [](std::vector<StepRow>& rows) {
                        std::vector<StepResult> results;
                        for (StepRow& row : rows) {
                          if (row.row.value("source", "") == kExisting)
                            results.push_back({.reasons = {"existing"}});
                          else
                            results.push_back({.made = {std::move(row.row)}});
                        }
                        return results;
                      });
                    }});
  }

  Json spent() const { return {{"spent", models_.spent()}}; }

  const Json& report_of(const std::string& step) const {
    for (const Json& report : rows_.reports())
      if (report.at("step") == step) return report;
    throw Error(Error::Kind::kInternal, "no report of " + step);
  }

  void write_ledger() const {
    std::vector<data::TableLine> table{{"task", "inputs", "rows made", "left to mix", "rows of the mix"}};
    Json tasks = Json::array();
    const Json& mixed = rows_.reports().back().at("mix");
    for (std::size_t i = 0; i < recipe_.tasks.size(); ++i) {
      const std::string& name = recipe_.tasks[i].name;
      const Json& totals = report_of(rows_of_task(name)).at("totals");
      Json line{{"name", name},
                {"inputs", totals.at("rows")},
                {"made", totals.at("written")},
                {"left", mixed.at(i).at("rows")},
                {"written", mixed.at(i).at("written")}};
      data::TableLine& shown = table.emplace_back(data::TableLine{name});
      for (const char* key : {"inputs", "made", "left", "written"})
        shown.push_back(data::grouped(line[key].get<std::uint64_t>()));
      tasks.push_back(std::move(line));
    }
    rows_.write_ledger({{"caravan", CARAVAN_VERSION},
                        {"output", rows_.reports().back().at("output")},
                        {"tasks", tasks},
                        {"spent", rows_.spent()},
                        {"steps", rows_.ledger_steps()}});
    if (!rows_.quiet()) std::fputs(shown_text(data::print_table(table)).c_str(), stderr);
    rows_.tell_output(recipe_.out);
  }

  // Personas are step 1, all tasks step 2.
  static std::string rows_of_task(const std::string& name) { return "2-make-" + name; }

  const SynthesisRecipe& recipe_;
  RowPipeline rows_;
  ModelPool models_;
  std::string persona_field_;
  std::vector<std::string> persona_files_;
};

}  // namespace

void check_synthesis_files(const ReadSynthesisRecipe& read) {
  const SynthesisRecipe& recipe = read.recipe;
  const PersonaOptions& personas = recipe.personas;
  if (!personas.topics.empty()) check_line_file(personas.topics);
  if (personas.path.ends_with(".txt"))
    check_line_file(personas.path);
  else if (!personas.path.empty())
    data::list_files(personas.path);
  if (!personas.model.empty()) persona_template_of(personas);
  for (const SynthesisTask& task : recipe.tasks) {
    if (!task.path.empty()) data::list_files(task.path);
    if (task.kind != TaskKind::kAnswer) prompt_template_of(task);
    answer_template_of(task);
    constraints_of(task);
  }
  for (const ExistingRows& rows : recipe.existing) data::list_files(rows.path);
  data::check_filter_options(recipe.filters);
  check_mix(parts_of(recipe), recipe.mix);
  check_models_of(recipe.models);
}

int run_synthesis(const ReadSynthesisRecipe& read, bool quiet, MakeLocalModel make_local) {
  check_synthesis_files(read);
  return Synthesis(read.recipe, quiet, make_local).run();
}

}  // namespace caravan::recipes
