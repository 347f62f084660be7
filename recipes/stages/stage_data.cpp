#include "recipes/stages/stage_data.h"

#include <filesystem>
#include <utility>

#include "data/chat/template_check.h"
#include "data/decontamination/clean_report.h"
#include "data/readers/file_list.h"
#include "trainer/error.h"
#include "trainer/stop_request.h"

namespace caravan::recipes {

namespace {

data::OpenOptions open_options(const Recipe& recipe, const TextFront& front, trainer::Log& log,
                               trainer::Terminal& terminal, trainer::ProcessGroup& group) {
  data::OpenOptions options;
  options.progress = [&terminal, &group](std::uint64_t done, std::uint64_t all) {
    group.note_progress();
    terminal.set_status("reading data: " + std::to_string(all == 0 ? 100 : done * 100 / all) + "%");
  };
  options.rows = recipe.row_kind();
  options.mismatched = recipe.has_mismatched();
  options.seed = recipe.run.seed;
  options.variables = front.variables;
  options.note = [&log](const std::string& text) { log.warn(text); };
  options.cancelled = [&group] { return trainer::StopRequest::requested() || group.stop_wanted(); };
  return options;
}

data::PlanOptions evaluation_plan(const Recipe& recipe) {
  data::PlanOptions options;
  options.batch.tokens = recipe.batch.micro_tokens;
  options.batch.micro_tokens = recipe.batch.micro_tokens;
  options.epochs = 1;
  options.max_documents = recipe.evaluation.max_rows;
  options.shuffle = false;
  return options;
}

void require_margins(const Recipe& recipe, const data::TrainingData& rows) {
  if (recipe.stage != Stage::kRm || !recipe.reward_loss.row_margins) return;
  if (const std::optional<std::uint32_t> document = rows.first_without_margin())
    throw trainer::Error(trainer::Error::Kind::kData,
                         rows.name_of(*document) +
                             ": has no field margin that is a number, and loss.row_margins asks for one in "
                             "each row; add it, or leave loss.row_margins out");
}

}  // namespace

void require_clean_data(const Recipe& recipe) {
  if (recipe.data.require_clean.empty()) return;
  std::vector<std::string> files;
  for (const data::SourceOptions& source : recipe.data.sources)
    for (std::string& file : data::list_files(source.path)) files.push_back(std::move(file));
  data::require_clean(recipe.data.require_clean, files);
}

void require_same_on_all_ranks(const std::string& own, trainer::ProcessGroup& group) {
  const std::vector<std::string> all = group.all_gather_text(own, "plan");
  for (std::size_t rank = 1; rank < all.size(); ++rank)
    if (all[rank] != all[0])
      throw trainer::Error(trainer::Error::Kind::kData,
                           "rank " + std::to_string(rank) + " reads other data than rank 0: " + all[rank] +
                               " against " + all[0] + "; give all machines the same files");
}

data::DataOptions cached_data(const Recipe& recipe, const std::vector<data::SourceOptions>& sources) {
  data::DataOptions options = recipe.data;
  if (options.cache_dir.empty())
    options.cache_dir = (std::filesystem::path(recipe.run.dir) / "data" / "cache").string();
  options.sources = sources;
  return options;
}

data::PlanOptions plan_options(const Recipe& recipe) {
  data::PlanOptions options;
  options.batch = recipe.batch;
  options.epochs = recipe.run.epochs;
  options.max_steps = recipe.run.max_steps;
  options.seed = recipe.run.seed;
  options.shuffle = recipe.data.shuffle;
  return options;
}

StageData::StageData(const Recipe& recipe, const TextFront& front, trainer::Log& log,
                     trainer::Terminal& terminal, trainer::ProcessGroup& group)
    : recipe_(recipe) {
  require_clean_data(recipe);
  data::check_template(*front.chat_template, front.variables, recipe.data.train_on);
  group.set_section("reading data");
  if (!group.is_first()) group.barrier("data");
  data_.emplace(open(recipe.data.sources, front, log, terminal, group));
  require_margins(recipe, *data_);
  if (!recipe.evaluation.sources.empty())
    held_out_.emplace(open(recipe.evaluation.sources, front, log, terminal, group));
  if (held_out_) require_margins(recipe, *held_out_);
  if (group.is_first()) group.barrier("data");
  group.set_section("");
  plan_.emplace(data_->plan(plan_options(recipe)));
  source_.emplace(*data_, *plan_);
  if (held_out_) {
    held_out_plan_.emplace(held_out_->plan(evaluation_plan(recipe)));
    held_out_source_.emplace(*held_out_, *held_out_plan_);
  }
  require_same_on_all_ranks(
      std::to_string(plan_->num_steps()) + " steps and " + std::to_string(plan_->num_tokens()) + " tokens",
      group);
  if (!group.is_first()) return;
  tell_fates(recipe, data_->ledger(), "", "ledger.jsonl", log);
  if (held_out_)
    tell_fates(recipe, held_out_->ledger(), "held-out rows, for evaluation\n", "evaluation_ledger.jsonl",
               log);
}

data::TrainingData StageData::open(const std::vector<data::SourceOptions>& sources, const TextFront& front,
                                   trainer::Log& log, trainer::Terminal& terminal,
                                   trainer::ProcessGroup& group) const {
  return data::TrainingData::open(cached_data(recipe_, sources), *front.tokenizer, *front.chat_template,
                                  open_options(recipe_, front, log, terminal, group));
}

void tell_fates(const Recipe& recipe, const data::Ledger& ledger, const std::string& title,
                const std::string& file, trainer::Log& log) {
  const std::string path = (std::filesystem::path(recipe.run.dir) / "data" / file).string();
  ledger.write_jsonl(path);
  std::string fates = title + ledger.summary();
  if (ledger.reasons().size() > 1) fates += "each row: " + path + "; what the reasons mean: data/README.md";
  while (fates.ends_with('\n')) fates.pop_back();
  log.info(fates);
}

std::vector<NamedFile> StageData::files() const {
  std::vector<NamedFile> files;
  for (const std::string& file : data_->ledger().files()) files.push_back({"data:" + file, file});
  if (held_out_)
    for (const std::string& file : held_out_->ledger().files()) files.push_back({"evaluation:" + file, file});
  return files;
}

nlohmann::ordered_json StageData::sizes() const {
  const data::LedgerTotals rows = data_->ledger().totals();
  nlohmann::ordered_json sizes = {{"rows", rows.rows},
                                  {"rows_dropped", rows.dropped},
                                  {"documents", rows.documents},
                                  {"tokens", rows.tokens},
                                  {"trained_tokens", rows.trained_tokens},
                                  {"steps", source_->num_steps()},
                                  {"tokens_of_all_steps", plan_->num_tokens()}};
  if (!held_out_) return sizes;
  const data::LedgerTotals held_out = held_out_->ledger().totals();
  sizes["evaluation_rows"] = held_out.rows;
  sizes["evaluation_rows_dropped"] = held_out.dropped;
  sizes["evaluation_documents"] = held_out.documents;
  return sizes;
}

}  // namespace caravan::recipes
