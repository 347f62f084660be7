#include "recipes/stages/sft.h"

#include <ATen/Parallel.h>
#include <unistd.h>

#include <cmath>
#include <future>

#include "data/chat/template_check.h"
#include "data/loader/training_data.h"
#include "models/llama/parameter_shapes.h"
#include "models/weights/hf_directory_writer.h"
#include "recipes/device.h"
#include "recipes/model_front.h"
#include "recipes/resolved_recipe.h"
#include "recipes/stages/input_hashes.h"
#include "recipes/stages/run_directory.h"
#include "recipes/text_front.h"
#include "trainer/compute_speed.h"
#include "trainer/device_work.h"
#include "trainer/error.h"
#include "trainer/evaluation/loss_evaluator.h"
#include "trainer/metrics/process_memory.h"
#include "trainer/objectives/sft.h"
#include "trainer/stop_request.h"
#include "trainer/trainer.h"

namespace caravan::recipes {

namespace {

using trainer::MetricValue;

at::ScalarType scalar_type(models::DType dtype) {
  return dtype == models::DType::kBf16 ? at::kBFloat16 : at::kFloat;
}

data::OpenOptions open_options(const Recipe& recipe, const TextFront& front, trainer::Log& log,
                               trainer::Terminal& terminal) {
  data::OpenOptions options;
  options.progress = [&terminal](std::uint64_t done, std::uint64_t all) {
    terminal.set_status("reading data: " + std::to_string(all == 0 ? 100 : done * 100 / all) + "%");
  };
  options.seed = recipe.run.seed;
  options.variables = front.variables;
  options.note = [&log](const std::string& text) { log.warn(text); };
  options.cancelled = [] { return trainer::StopRequest::requested(); };
  return options;
}

data::DataOptions with_cache(data::DataOptions options, const RunDirectory& run) {
  if (options.cache_dir.empty()) options.cache_dir = (run.path() / "data" / "cache").string();
  return options;
}

data::TrainingData open_data(const Recipe& recipe, const std::vector<data::SourceOptions>& sources,
                             const TextFront& front, RunDirectory& run, trainer::Terminal& terminal) {
  data::DataOptions options = with_cache(recipe.data, run);
  options.sources = sources;
  return data::TrainingData::open(options, *front.tokenizer, *front.chat_template,
                                  open_options(recipe, front, run.log(), terminal));
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

data::PlanOptions evaluation_plan(const Recipe& recipe) {
  data::PlanOptions options;
  options.batch.tokens = recipe.batch.micro_tokens;
  options.batch.micro_tokens = recipe.batch.micro_tokens;
  options.epochs = 1;
  options.max_documents = recipe.evaluation.max_rows;
  options.shuffle = false;
  return options;
}

// The model with its weights; gradients in fp32 where several micro-batches add up, else in the dtype of the
// parameters.
std::unique_ptr<models::Llama> make_model(const Recipe& recipe, const at::Device& device,
                                          std::int64_t vocab_needed) {
  std::unique_ptr<models::Llama> model;
  if (recipe.model.init == models::Init::kRandom) {
    model = random_model(recipe.model.path, scalar_type(recipe.model.dtype), device, recipe.run.seed);
  } else {
    const models::HfDirectory directory(recipe.model.path);
    directory.check(models::llama_parameter_shapes(directory.config()));
    model = std::make_unique<models::Llama>(directory.config(), scalar_type(recipe.model.dtype), device);
    model->load(directory);
  }
  if (vocab_needed > model->config().vocab_size)
    throw trainer::Error(trainer::Error::Kind::kData, recipe.model.path + ": the tokenizer has " +
                                                          std::to_string(vocab_needed) +
                                                          " tokens but the model has rows for " +
                                                          std::to_string(model->config().vocab_size) +
                                                          "; use the checkpoint's own tokenizer");
  const bool one_micro_batch = recipe.batch.tokens && *recipe.batch.tokens <= recipe.batch.micro_tokens;
  model->allocate_gradients(one_micro_batch ? model->dtype() : at::kFloat);
  return model;
}

class SaveClock {
 public:
  explicit SaveClock(const std::optional<data::Quantity>& every)
      : every_(every), last_(std::chrono::steady_clock::now()) {}
  bool due(std::int64_t step) {
    if (!every_) return false;
    if (every_->unit == data::Unit::kSteps) return step % static_cast<std::int64_t>(every_->amount) == 0;
    if (std::chrono::steady_clock::now() - last_ < std::chrono::duration<double>(every_->amount * 60.0))
      return false;
    last_ = std::chrono::steady_clock::now();
    return true;
  }

 private:
  std::optional<data::Quantity> every_;
  std::chrono::steady_clock::time_point last_;
};

void export_final(const Recipe& recipe, models::Llama& model, const std::filesystem::path& final_dir) {
  std::vector<models::TensorSpec> specs;
  for (const models::FlatUnit& unit : model.units())
    for (const models::Slot& slot : unit.slots())
      specs.push_back({slot.name, models::to_dtype(model.dtype()), slot.shape});
  models::HfWriterOptions options;
  options.source = recipe.model.path;
  options.replace_existing = true;
  models::HfDirectoryWriter writer(final_dir.string(), model.config(), specs, options);
  for (const models::FlatUnit& unit : model.units())
    for (const models::Slot& slot : unit.slots()) writer.add(slot.name, unit.value(slot));
  writer.finish();
}

// One SFT run, its parts in the order in which they depend on each other.
class SftRun {
 public:
  SftRun(const Recipe& recipe, trainer::Terminal& terminal)
      : recipe_(recipe), terminal_(terminal), run_(recipe, terminal) {}

  int go(const std::vector<std::string>& command) {
    try {
      return run(command);
    } catch (const std::exception& error) {
      run_.fail(error.what(), trainer_ ? trainer_->steps_done() : 0);
      throw;
    }
  }

 private:
  int run(const std::vector<std::string>& command) {
    if (run_.is_finished()) {
      run_.log().info("this run is done: " + (run_.path() / "final").string());
      return 0;
    }
    choose_device();
    open();
    build();
    start(command);
    const bool done = trainer_->run(
        {[this](std::int64_t step, const std::vector<MetricValue>& values) { report(step, values); },
         [this](std::int64_t step) { return after_step(step); }});
    if (!done) {
      run_.finish("stopped", trainer_->steps_done(), trainer::StopRequest::signal_name());
      run_.log().info(std::string("stopped by ") + trainer::StopRequest::signal_name() + " after step " +
                      std::to_string(trainer_->steps_done()) + "; the same command goes on from there");
      return 75;
    }
    const std::filesystem::path final_dir = run_.path() / "final";
    export_final(recipe_, *model_, final_dir);
    run_.finish("done", trainer_->steps_done(), "", hash_files(checkpoint_files(final_dir, "", true)));
    run_.log().info("done: " + run_.totals().summary());
    run_.log().info("the model: " + final_dir.string());
    return 0;
  }

  void choose_device() {
    std::string before, note;
    // Checkpoints of versions that knew no other device do not say where they come from.
    if (run_.checkpoint()) before = run_.checkpoint()->progress.value("device", "cpu");
    device_ = choose_device_to_go_on(recipe_.run.device, ask_cuda(), before,
                                     run_.checkpoint() ? run_.checkpoint()->step : 0, note);
    if (!note.empty()) run_.log().warn(note);
  }

  void open() {
    front_ = load_text_front(recipe_.model.path, recipe_.data.tokenizer, recipe_.data.chat_template, true);
    data::check_template(*front_.chat_template, front_.variables, recipe_.data.train_on);
    data_.emplace(open_data(recipe_, recipe_.data.sources, front_, run_, terminal_));
    std::string fates = data_->ledger().summary();
    while (fates.ends_with('\n')) fates.pop_back();
    run_.log().info(fates);
    data_->ledger().write_jsonl((run_.path() / "data" / "ledger.jsonl").string());
    plan_.emplace(data_->plan(plan_options(recipe_)));
    source_.emplace(*data_, *plan_);
    if (recipe_.evaluation.sources.empty()) return;
    held_out_.emplace(open_data(recipe_, recipe_.evaluation.sources, front_, run_, terminal_));
    held_out_plan_.emplace(held_out_->plan(evaluation_plan(recipe_)));
    held_out_source_.emplace(*held_out_, *held_out_plan_);
  }

  // What the result is made of, hashed while the model is built.
  std::map<std::string, std::string> hash_inputs() const {
    std::vector<NamedFile> files =
        checkpoint_files(recipe_.model.path, "model:", recipe_.model.init == models::Init::kPretrained);
    for (const std::string& file : data_->ledger().files()) files.push_back({"data:" + file, file});
    if (held_out_)
      for (const std::string& file : held_out_->ledger().files())
        files.push_back({"evaluation:" + file, file});
    return hash_files(files);
  }

  void build() {
    input_hashes_ = std::async(std::launch::async, [this] { return hash_inputs(); });
    model_ = make_model(recipe_, device_, front_.tokenizer->vocab_size());
    objective_.emplace(recipe_.loss);
    trainer::TrainerOptions options;
    options.optimizer = recipe_.optimizer;
    options.schedule = recipe_.schedule;
    options.recompute_every = recipe_.model.recompute.every;
    options.neftune_noise_alpha = recipe_.loss.neftune_noise_alpha;
    options.seed = recipe_.run.seed;
    trainer_.emplace(options, *model_, *objective_, *source_);
    if (const auto& checkpoint = run_.checkpoint()) {
      auto state = trainer_->optimizer().state();
      trainer::restore_tensors(*checkpoint, state);
      trainer_->set_steps_done(checkpoint->step);
      trainer_->set_tokens_done(checkpoint->progress.at("tokens_done"));
      run_.log().info("going on from " + checkpoint->path.string());
    } else if (recipe_.model.init == models::Init::kPretrained &&
               recipe_.model.dtype == models::DType::kBf16) {
      trainer_->optimizer().load_master(models::HfDirectory(recipe_.model.path));
    }
  }

  void start(const std::vector<std::string>& command) {
    trainer::RunIdentity identity;
    identity.stage = "sft";
    identity.seed = recipe_.run.seed;
    identity.hashes = input_hashes_.get();
    identity.hashes["tokenizer"] = front_.tokenizer->fingerprint();
    identity.hashes["chat_template"] = front_.chat_template->fingerprint();
    const data::LedgerTotals rows = data_->ledger().totals();
    identity.sizes = {{"parameters", model_->num_parameters()},
                      {"rows", rows.rows},
                      {"rows_dropped", rows.dropped},
                      {"documents", rows.documents},
                      {"tokens", rows.tokens},
                      {"trained_tokens", rows.trained_tokens},
                      {"steps", source_->num_steps()},
                      {"tokens_of_all_steps", plan_->num_tokens()}};
    run_.start(recipe_, identity, command, describe_device(device_), source_->num_steps(),
               trainer_->steps_done());
    gemm_ = trainer::measure_gemm(model_->dtype(), device_);
    trainer::release_device_memory(device_);
    const auto counted = [](auto number) { return trainer::with_thousands(static_cast<double>(number)); };
    run_.log().info(counted(source_->num_steps()) + " steps, " + counted(plan_->num_tokens()) + " tokens, " +
                    counted(model_->num_parameters()) + " parameters, " +
                    std::to_string(at::get_num_threads()) + " threads, on " + describe_device(device_));
    if (held_out_source_ && trainer_->steps_done() == 0) evaluate(0);
  }

  void evaluate(std::int64_t step) {
    run_.report(step, trainer::evaluate_loss(*trainer_, *model_, *objective_, *held_out_source_));
  }

  void report(std::int64_t step, std::vector<MetricValue> values) {
    for (const MetricValue& value : values)
      if (value.name == "speed/model_flops_per_second") {
        values.push_back({"speed/gemm_share", value.value / gemm_});
        break;
      }
    values.push_back(
        {"memory/peak_bytes", static_cast<double>(trainer::read_process_memory().peak_resident_bytes)});
    if (!device_.is_cpu())
      values.push_back(
          {"memory/device_peak_bytes", static_cast<double>(trainer::peak_device_bytes(device_))});
    run_.report(step, values);
    if (held_out_source_ && evaluation_due(step)) evaluate(step);
  }

  bool evaluation_due(std::int64_t step) const {
    if (step == source_->num_steps()) return true;
    const auto& every = recipe_.evaluation.every;
    return every && step % static_cast<std::int64_t>(every->amount) == 0;
  }

  bool after_step(std::int64_t step) {
    const bool stop = trainer::StopRequest::requested();
    if (stop || saves_.due(step) || step == source_->num_steps()) {
      trainer::CheckpointContent content;
      content.step = step;
      content.tensors = trainer_->optimizer().state();
      content.progress = {{"tokens_done", trainer_->tokens_done()}, {"device", device_kind(device_)}};
      content.recipe_yaml = resolved_yaml(recipe_);
      run_.save(content, recipe_.run.keep);
    }
    return stop;
  }

  const Recipe& recipe_;
  trainer::Terminal& terminal_;
  trainer::StopRequest stop_;
  RunDirectory run_;
  at::Device device_ = at::kCPU;
  TextFront front_;
  std::optional<data::TrainingData> data_, held_out_;
  std::optional<data::BatchPlan> plan_, held_out_plan_;
  std::optional<trainer::PlannedSource> source_, held_out_source_;
  std::unique_ptr<models::Llama> model_;
  std::optional<trainer::SftObjective> objective_;
  std::optional<trainer::Trainer> trainer_;
  SaveClock saves_{recipe_.run.checkpoint_every};
  double gemm_ = 0.0;
  std::future<std::map<std::string, std::string>> input_hashes_;  // last: waits before what it reads is gone
};

}  // namespace

int run_sft(const Recipe& recipe, trainer::Terminal& terminal, const std::vector<std::string>& command) {
  if (recipe.run.threads > 0) at::set_num_threads(static_cast<int>(recipe.run.threads));
  // Before a run directory is made.
  if (recipe.run.device == trainer::DeviceChoice::kCuda)
    choose_device(recipe.run.device, ask_cuda(), "run.device");
  SftRun run(recipe, terminal);
  return run.go(command);
}

}  // namespace caravan::recipes
