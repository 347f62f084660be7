#include "recipes/curation/run_data_recipe.h"

#include <cstdio>

#include "data/choice_name.h"
#include "data/readers/file_list.h"
#include "data/text_table.h"
#include "recipes/commands/convert_run.h"
#include "recipes/commands/decontaminate_run.h"
#include "recipes/curation/data_files.h"
#include "recipes/curation/row_pipeline.h"
#include "recipes/field_list.h"
#include "recipes/resolved_recipe.h"
#include "recipes/shown_text.h"
#include "recipes/synthesis/rewrite_rows.h"

namespace caravan::recipes {
namespace {

using data::Json;

class DataPipeline {
 public:
  DataPipeline(const DataRecipe& recipe, bool quiet, MakeEmbedder make_embedder)
      : recipe_(recipe),
        make_embedder_(make_embedder),
        rows_(recipe.run, quiet),
        models_(recipe.models, recipe.run.dir, recipe.run.seed, quiet, nullptr) {}

  void run() {
    rows_.claim_folder("data", resolved_yaml(recipe_));
    convert();
    if (!recipe_.rewrite.model.empty()) rewrite();
    if (names_a_filter(recipe_.filters)) rows_.filter(recipe_.filters);
    if (recipe_.deduplicate.method != DeduplicateMethod::kNone) {
      std::vector<std::string> names;
      for (const DataSource& source : recipe_.sources) names.push_back(source.name);
      rows_.deduplicate(recipe_.deduplicate, names);
    }
    if (!recipe_.decontaminate.sets.empty()) decontaminate();
    Json amounts = Json::array();
    for (const DataSource& source : recipe_.sources) amounts.push_back(amount_text(source.amount));
    rows_.mix(mix_parts(recipe_), recipe_.mix, std::move(amounts), recipe_.out);
    write_ledger();
  }

 private:
  void convert() {
    rows_.count_step();
    for (const DataSource& source : recipe_.sources) {
      ConvertRequest request{.format = source.format, .source = source.name};
      request.options.subset = source.subset;
      request.options.top_k = static_cast<std::uint32_t>(source.top_k);
      request.options.repeat = static_cast<std::uint32_t>(source.repeat);
      request.options.source_filter = source.source_filter;
      const std::string name = rows_.same_name("convert-" + source.name);
      rows_.take({.name = name,
                  .command = "data convert",
                  .inputs = data::list_files(source.path),
                  .out = rows_.rows_file(name),
                  .options = describe_convert(request),
                  .run = [request](const DataFlags& flags) { run_convert(flags, request); }});
    }
  }

  void rewrite() {
    const RewriteSection& asked = recipe_.rewrite;
    const std::string name = rows_.next_name("rewrite");
    const std::string& answerer = asked.answer_model.empty() ? asked.model : asked.answer_model;
    const Json shown{{"trivial_words", asked.trivial_words},
                     {"trivial_operations", asked.trivial_operations},
                     {"max_tokens", asked.max_tokens},
                     {"model", models_.shown(asked.model)},
                     {"answer_model", models_.shown(answerer)},
                     {"template_sha256", rewrite_template_of(asked).sha256()},
                     {"seed", recipe_.run.seed}};
    rows_.take_all({.name = name,
                    .command = "data rewrite",
                    .out = rows_.rows_file(name),
                    .options = shown,
                    .run = [this, shown](const DataFlags& flags) {
                      RewriteRows rows(recipe_.rewrite, recipe_.run.seed, models_);
                      run_generation_step(
                          flags, shown, [&rows](std::vector<StepRow>& block) { return rows.work(block); },
                          [this] {
                            return Json{{"spent", models_.spent()}};
                          },
                          [&rows] { return rows.make_pass(); });
                    }});
  }

  void decontaminate() {
    const DecontaminateSection& asked = recipe_.decontaminate;
    DecontaminateOptions options{.measure = asked.measure,
                                 .scope = asked.scope,
                                 .remove_from = asked.remove_from,
                                 .review_from = asked.review_from,
                                 .review_path = asked.apply_review};
    const auto sets = eval_sources(recipe_);
    const std::string name = rows_.next_name("decontaminate");
    Json shown{{"measure", data::choice_name(asked.measure)},
               {"scope", data::choice_name(asked.scope)},
               {"remove_from", asked.remove_from},
               {"review_from", asked.review_from},
               {"apply_review", asked.apply_review}};
    CurationStep step{.name = name, .command = "data decontaminate", .out = rows_.rows_file(name)};
    for (const data::EvalSource& set : sets) {
      for (std::string& file : data::list_files(set.path)) step.further_files.push_back(std::move(file));
      shown["sets"].push_back({{"name", set.name}, {"field", set.field}});
    }
    for (std::string& file : embedder_files(recipe_)) step.further_files.push_back(std::move(file));
    if (!asked.embedder.embedder.empty())
      shown["embedder_dtype"] = data::choice_name(asked.embedder.embedder_dtype);
    if (!asked.apply_review.empty()) step.further_files.push_back(asked.apply_review);
    step.options = shown;
    step.run = [this, options, sets, shown](const DataFlags& flags) mutable {
      std::unique_ptr<data::TextEmbedder> embedder;
      if (options.measure == data::MeasureName::kEmbedding) {
        embedder = make_embedder_(recipe_.decontaminate.embedder);
        options.embedder = embedder.get();
        shown["embedder"] = embedder->name();
      }
      const data::EvalIndex index(data::read_eval_items(sets));
      const data::ReviewedRows reviewed =
          options.review_path.empty() ? data::ReviewedRows() : data::ReviewedRows::read(options.review_path);
      DataRun run(flags, shown);
      run_decontaminate(run, flags, options, index, reviewed);
    };
    rows_.take_all(std::move(step));
  }

  // The amount as its keys say it: what decides whether the mix must be made again.
  static Json amount_text(const data::MixAmount& amount);

  void write_ledger() const {
    std::vector<data::TableLine> table{{"source", "rows read", "records", "left to mix", "rows of the mix"}};
    Json sources = Json::array();
    const Json& mixed = rows_.reports().back().at("mix");
    for (std::size_t i = 0; i < recipe_.sources.size(); ++i) {
      const Json& totals = rows_.reports()[i].at("totals");
      Json line{{"name", recipe_.sources[i].name},
                {"rows", totals.at("rows")},
                {"records", totals.at("written")},
                {"left", mixed.at(i).at("rows")},
                {"written", mixed.at(i).at("written")}};
      data::TableLine& shown = table.emplace_back(data::TableLine{recipe_.sources[i].name});
      for (const char* key : {"rows", "records", "left", "written"})
        shown.push_back(data::grouped(line[key].get<std::uint64_t>()));
      sources.push_back(std::move(line));
    }
    const Json ledger{{"caravan", CARAVAN_VERSION},
                      {"output", rows_.reports().back().at("output")},
                      {"sources", sources},
                      {"steps", rows_.ledger_steps()}};
    rows_.write_ledger(ledger);
    if (!rows_.quiet()) std::fputs(shown_text(data::print_table(table)).c_str(), stderr);
    rows_.tell_output(recipe_.out);
  }

  const DataRecipe& recipe_;
  MakeEmbedder make_embedder_;
  RowPipeline rows_;
  ModelPool models_;
};

Json DataPipeline::amount_text(const data::MixAmount& amount) {
  DataSource source;
  source.amount = amount;
  Json text = Json::object();
  for (const FieldEntry& entry : list_fields(source)) text[entry.key] = entry.value;
  return text;
}

}  // namespace

int run_data_recipe(const ReadDataRecipe& read, bool quiet, MakeEmbedder make_embedder) {
  check_data_files(read);
  DataPipeline(read.recipe, quiet, make_embedder).run();
  return 0;
}

}  // namespace caravan::recipes
