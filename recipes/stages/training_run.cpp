#include "recipes/stages/training_run.h"

#include <ATen/Parallel.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <future>
#include <utility>

#include "data/choice_name.h"
#include "data/sha256.h"
#include "models/weights/hf_directory.h"
#include "recipes/commands/dispatch.h"
#include "recipes/device.h"
#include "recipes/resolved_recipe.h"
#include "recipes/stages/blackbox.h"
#include "recipes/stages/input_hashes.h"
#include "recipes/stages/run_directory.h"
#include "recipes/stages/stage_checkpoints.h"
#include "recipes/stages/stage_data.h"
#include "recipes/stages/stage_reference.h"
#include "recipes/stages/stage_rollouts.h"
#include "recipes/stages/stage_tasks.h"
#include "recipes/stages/training_model.h"
#include "recipes/text_front.h"
#include "recipes/torch_failure.h"
#include "trainer/compute_speed.h"
#include "trainer/device_work.h"
#include "trainer/distributed/join_ranks.h"
#include "trainer/distributed/rank_threads.h"
#include "trainer/error.h"
#include "trainer/evaluation/loss_evaluator.h"
#include "trainer/metrics/process_memory.h"
#include "trainer/objectives/policy_gradient.h"
#include "trainer/objectives/preference.h"
#include "trainer/objectives/reward.h"
#include "trainer/objectives/sft.h"
#include "trainer/objectives/unpaired.h"
#include "trainer/optim/lr_schedule.h"
#include "trainer/stop_request.h"
#include "trainer/trainer.h"

namespace caravan::recipes {

namespace {

using trainer::MetricValue;

std::unique_ptr<trainer::Objective> make_objective(const Recipe& recipe) {
  switch (recipe.stage) {
    case Stage::kSft:
      break;
    case Stage::kRm:
      return std::make_unique<trainer::RewardObjective>(recipe.reward_loss);
    case Stage::kKto:
      return std::make_unique<trainer::UnpairedObjective>(recipe.unpaired);
    case Stage::kDpo:
      return std::make_unique<trainer::PreferenceObjective>(recipe.preference);
    case Stage::kRlvr:
      return std::make_unique<trainer::PolicyObjective>(recipe.policy, recipe.rollout.temperature,
                                                        static_cast<double>(recipe.rollout.max_new_tokens));
  }
  return std::make_unique<trainer::SftObjective>(recipe.loss);
}

// One run, its parts in the order in which they depend on each other. All ranks do all of it together;
// the run directory and the console are those of rank 0.
class TrainingRun {
 public:
  TrainingRun(const Recipe& recipe, trainer::Terminal& terminal, const trainer::RankPlace& place,
              trainer::ProcessGroup& group, std::atomic<bool>& owns_directory)
      : recipe_(recipe), terminal_(terminal), place_(place), group_(group), owns_directory_(owns_directory) {}

  int go(const std::vector<std::string>& command) {
    try {
      const int code = run(command);
      group_.finish();
      return code;
    } catch (const std::exception& error) {
      if (run_) run_->record_error(error.what());
      // With others, they may not be there to complete a checkpoint with.
      if (group_.size() == 1 && checkpoints_) checkpoints_->finish_quietly();
      if (run_) run_->fail(error.what(), trainer_ ? trainer_->steps_done() : 0);
      const Failure failure = torch_failure(error).value_or(failure_of(error));
      group_.fail(failure.message, failure.exit_code);
      if (owns_directory_) write_blackbox(recipe_, group_.rank(), group_.last_events());
      throw;
    }
  }

 private:
  int run(const std::vector<std::string>& command) {
    if (group_.is_first())
      run_.emplace(recipe_, terminal_);
    else
      other_log_.emplace(terminal_, std::filesystem::path(recipe_.run.dir) / "log.txt", group_.rank());
    checkpoints_.emplace(recipe_, group_, run_ ? &*run_ : nullptr);
    find_checkpoint();
    const bool is_finished = agree_on_start();
    owns_directory_ = true;
    if (is_finished) {
      // Killed after the result was complete and before the card could say so.
      if (run_ && run_->is_card_open())
        run_->finish("done", checkpoint_ ? checkpoint_->step : 0, "its end was recorded later",
                     final_hashes());
      log().info(
          "this run is done; to train its model further, start a run in another run.dir with model.path=" +
          (run_path() / "final").string());
      if (run_) tell_where_the_model_is();
      return 0;
    }
    choose_place();
    open();
    if (recipe_.has_reference() && !ask_reference()) return stopped_before_start();
    build();
    start(command);
    const bool done = !checkpoints_->must_stop() && train() && !owes_evaluation_;
    write_trace();
    checkpoints_->finish();
    return done ? complete() : stopped();
  }

  // False where it was stopped.
  bool train() {
    try {
      return trainer_->run(events());
    } catch (const trainer::BetweenSteps& error) {
      save_between_steps();
      checkpoints_->finish();
      if (error.kind() != trainer::Error::Kind::kStopped) throw;
      why_stopped_ = error.what();
      return false;
    } catch (const trainer::Error& error) {
      // While it sampled: what was sampled is kept.
      if (error.kind() != trainer::Error::Kind::kStopped) throw;
      save_between_steps();
      return false;
    }
  }

  // The weights are those of the last step.
  void save_between_steps() {
    const std::int64_t step = trainer_->steps_done();
    if (step > 0 && last_saved_ != step) save(step, true);
  }

  // The newest complete one, the same on all ranks; rank 0 decides whether the run may go on.
  void find_checkpoint() {
    int passed_over = 0;
    checkpoint_ = trainer::newest_checkpoint(run_path(), group_, [&](const std::string& text) {
      ++passed_over;
      if (run_) log().warn(text);
    });
    if (run_) run_->go_on_from(recipe_, checkpoint_, passed_over);
  }

  trainer::TrainerEvents events() {
    trainer::TrainerEvents events;
    events.step_done = [this](std::int64_t step, std::vector<MetricValue> values) {
      // The value model makes the step that the policy just made, before either is saved.
      if (value() != nullptr)
        for (MetricValue& one : value()->train_step()) values.push_back(std::move(one));
      if (moving_reference() != nullptr && recipe_.policy_reference.syncs_after(step)) {
        moving_reference()->mix();
        values.push_back({"reference/synced", 1.0});
      }
      report(step, std::move(values));
    };
    if (run_)
      events.margins_known = [this](std::int64_t step, const std::vector<trainer::PairMargin>& margins) {
        std::vector<std::pair<std::string, double>> named;
        for (const trainer::PairMargin& pair : margins)
          named.emplace_back(source().name_of(pair.where), pair.margin);
        run_->report_margins(step, named);
      };
    events.should_stop = [this](std::int64_t step) { return after_step(step); };
    return events;
  }

  // What was computed of the reference is kept.
  int stopped_before_start() {
    group_.barrier("stopped");
    log().info("stopped by " + checkpoints_->stop_reason() +
               " while the reference was asked; the same command goes on from there");
    return 75;
  }

  int stopped() {
    // A launcher that sees one rank end ends the others soon after: not before the checkpoint is there.
    group_.barrier("saved");
    if (!run_) return 75;
    // A signal that ended the questions is the reason, not the questions.
    const bool by_signal = why_stopped_.empty() || trainer::StopRequest::requested();
    const std::string reason = by_signal ? checkpoints_->stop_reason() : why_stopped_;
    run_->finish("stopped", trainer_->steps_done(), reason);
    log().info("stopped by " + reason + " after step " + std::to_string(trainer_->steps_done()) +
               "; the same command goes on from there");
    return 75;
  }

  int complete() {
    group_.set_section("writing the model", kLongestSilence);
    set_activity("writing the model");
    export_model(recipe_, model_->units(), run_path() / "final");
    if (value() != nullptr) value()->write(run_path() / "value");
    set_activity("");
    if (!run_) return 0;
    run_->finish("done", trainer_->steps_done(), "", final_hashes());
    log().info("done: " + run_->summary());
    tell_where_the_model_is();
    tell_what_checkpoints_take();
    return 0;
  }

  void tell_where_the_model_is() {
    const std::string model = (run_path() / "final").string();
    log().info("the model: " + model);
    // For scripts, and for a person who asked for little.
    if (terminal_.options().quiet) std::puts(model.c_str());
  }

  void tell_what_checkpoints_take() {
    double bytes = 0.0;
    std::error_code ignored;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(run_path() / "checkpoints", ignored))
      if (entry.is_regular_file(ignored)) bytes += static_cast<double>(entry.file_size(ignored));
    // Of a small model, nobody asks.
    constexpr double kWorthTelling = 1e8;
    if (bytes > kWorthTelling)
      log().info("its checkpoints take " + trainer::format_gibibytes(bytes) +
                 " and are needed no more; to train the model further, start a run in another run.dir with "
                 "model.path=" +
                 (run_path() / "final").string());
  }

  std::map<std::string, std::string> final_hashes() const {
    return hash_files(checkpoint_files(run_path() / "final", "", true));
  }

  void set_activity(const std::string& text) {
    if (run_) run_->set_activity(text);
  }

  std::filesystem::path run_path() const { return recipe_.run.dir; }
  trainer::Log& log() { return run_ ? run_->log() : *other_log_; }

  // What rank 0 found in the run directory, and whether all mean the same run. True: the run is done.
  bool agree_on_start() {
    nlohmann::json own = {{"recipe", data::sha256_hex(resolved_yaml(recipe_))}};
    if (run_) own["finished"] = run_->is_finished();
    const std::vector<std::string> all = group_.all_gather_text(own.dump(), "start");
    const nlohmann::json first = nlohmann::json::parse(all[0]);
    for (std::size_t rank = 1; rank < all.size(); ++rank)
      if (nlohmann::json::parse(all[rank]).at("recipe") != first.at("recipe"))
        throw trainer::Error(
            trainer::Error::Kind::kUsage,
            "rank " + std::to_string(rank) +
                " reads another recipe than rank 0; start all ranks with the same file, the same "
                "overrides and the same paths");
    return first.at("finished");
  }

  void choose_place() {
    std::string note;
    device_ = choose_device_to_go_on(recipe_.run.device, ask_cuda(),
                                     checkpoint_ ? checkpoint_->progress.value("device", "cpu") : "",
                                     checkpoint_ ? checkpoint_->step : 0, note);
    if (!note.empty() && run_) log().warn(note);
    device_ = trainer::device_of_rank(place_, device_);
    group_.use_device(device_);
    if (group_.size() == 1) return;
    log().info(place_.describe());
    if (recipe_.run.threads > 0) return;
    const trainer::ThreadChoice threads =
        trainer::threads_of_rank(trainer::cores_per_rank(group_), place_, trainer::read_environment());
    at::set_num_threads(threads.count);
    log().info(threads.reason);
  }

  void open() {
    front_ = load_text_front(recipe_.model.path, recipe_.data.tokenizer, recipe_.data.chat_template, true);
    tasks_.emplace(recipe_);
    if (recipe_.stage == Stage::kRlvr)
      rollouts_.emplace(recipe_, front_, log(), group_);
    else
      data_.emplace(recipe_, front_, log(), terminal_, group_);
    schedule_.emplace(recipe_.schedule, recipe_.optimizer.learning_rate, num_steps());
    schedule_->require_a_rate();
  }

  // What the result is made of, hashed while the model is built.
  std::map<std::string, std::string> hash_inputs() const {
    std::vector<NamedFile> files =
        checkpoint_files(recipe_.model.path, "model:", recipe_.model.init == models::Init::kPretrained);
    for (NamedFile& file : reference_files(recipe_)) files.push_back(std::move(file));
    for (NamedFile& file : value_files(recipe_)) files.push_back(std::move(file));
    for (NamedFile& file : rollouts_ ? rollouts_->files() : data_->files()) files.push_back(std::move(file));
    return hash_files(files);
  }

  // Begun when they are first needed or can be read meanwhile; by rank 0.
  void begin_to_hash() {
    if (run_ && !input_hashes_.valid())
      input_hashes_ = std::async(std::launch::async, [this] { return hash_inputs(); }).share();
  }

  // False where it was stopped.
  bool ask_reference() {
    require_memory_for(recipe_, place_, device_);
    begin_to_hash();
    const auto hashes = [this] { return input_hashes_.get(); };
    const auto tell = [this](const std::string& what) {
      if (run_) terminal_.set_status(what);
    };
    const auto must_stop = [this] { return checkpoints_->must_stop(); };
    reference_.emplace(recipe_, *data_,
                       ReferenceContext{group_, place_, device_, front_, log(), hashes, tell, must_stop});
    return !reference_->is_stopped();
  }

  trainer::BatchSource& source() {
    if (rollouts_) return rollouts_->source();
    return reference_ ? reference_->source() : data_->source();
  }
  trainer::BatchSource* held_out() {
    if (rollouts_) return nullptr;
    return reference_ ? reference_->held_out() : data_->held_out();
  }
  std::int64_t num_steps() { return rollouts_ ? rollouts_->num_steps() : data_->source().num_steps(); }

  void build() {
    // What a reference takes that is loaded is gone from what is free, and in the plan too.
    if (!reference_) require_memory_for(recipe_, place_, device_);
    // Filling memory may take minutes.
    const trainer::StopAtOnce stop_at_once;
    begin_to_hash();
    group_.set_section("loading the model", kLongestSilence);
    model_.emplace(recipe_, group_, device_, front_.tokenizer->vocab_size());
    objective_ = make_objective(recipe_);
    if (rollouts_)
      rollouts_->connect(model_->units(), device_, checkpoint_.has_value(),
                         {[this](const std::string& text) {
                            if (run_) log().warn(text);
                          },
                          [this](const std::string& text) { set_activity(text); },
                          [this] { return checkpoints_->wants_stop(); }});
    trainer::TrainerOptions options;
    options.optimizer = recipe_.optimizer;
    options.schedule = recipe_.schedule;
    options.recompute_every = recipe_.model.recompute.every;
    options.neftune_noise_alpha = recipe_.loss.neftune_noise_alpha;
    options.seed = recipe_.run.seed;
    trainer_.emplace(options, model_->units(), *objective_, source());
    if (rollouts_) rollouts_->follow(model_->units(), trainer_->optimizer());
    if (checkpoint_) {
      restore();
    } else if (recipe_.model.init == models::Init::kPretrained &&
               recipe_.model.dtype == models::DType::kBf16) {
      trainer_->optimizer().load_master(models::HfDirectory(recipe_.model.path));
    }
    if (rollouts_)
      rollouts_->source().restore(checkpoint_ ? checkpoint_->progress.at("rollouts") : nlohmann::json(),
                                  trainer_->steps_done());
    group_.set_section("");
    checkpoints_->prepare(state());
  }

  StageValue* value() { return rollouts_ ? rollouts_->value() : nullptr; }

  trainer::MovingReference* moving_reference() { return rollouts_ ? rollouts_->moving_reference() : nullptr; }

  // All that a checkpoint keeps.
  std::vector<trainer::StatePart> state() {
    std::vector<trainer::StatePart> parts = trainer_->optimizer().state();
    if (value() != nullptr)
      for (trainer::StatePart& part : value()->state()) parts.push_back(std::move(part));
    if (moving_reference() != nullptr)
      for (trainer::StatePart& part : moving_reference()->state()) parts.push_back(std::move(part));
    return parts;
  }

  void restore() {
    trainer::restore(*checkpoint_, state());
    trainer_->optimizer().state_restored();
    if (value() != nullptr) value()->state_restored(checkpoint_->step);
    if (moving_reference() != nullptr) moving_reference()->state_restored();
    trainer_->set_steps_done(checkpoint_->step);
    last_saved_ = checkpoint_->step;
    trainer_->set_tokens_done(checkpoint_->progress.at("tokens_done"));
    if (run_) log().info("going on from " + checkpoint_->path.string());
  }

  void start(const std::vector<std::string>& command) {
    gemm_ = trainer::measure_gemm(model_->model().dtype(), device_) * group_.size();
    trainer::release_device_memory(device_);
    if (run_) open_run(command);
    const bool owes = checkpoint_ && checkpoint_->progress.value("owes_evaluation", false);
    if (evaluates() && (trainer_->steps_done() == 0 || owes)) evaluate(trainer_->steps_done());
    checkpoints_->begin_step();
    if (recipe_.run.trace) group_.set_trace(std::make_shared<trainer::Trace>(group_.rank()));
  }

  void open_run(const std::vector<std::string>& command) {
    group_.set_section("hashing model and data", kLongestSilence);
    trainer::RunIdentity identity;
    identity.stage = data::choice_name(recipe_.stage);
    identity.seed = recipe_.run.seed;
    identity.hashes = input_hashes_.get();
    group_.set_section("");
    identity.hashes["tokenizer"] = front_.tokenizer->fingerprint();
    identity.hashes["chat_template"] = front_.chat_template->fingerprint();
    inputs_ = identity.hashes;
    if (checkpoint_ && checkpoint_->progress.contains("inputs"))
      trainer::require_same_inputs(checkpoint_->path.string(), checkpoint_->progress["inputs"], inputs_);
    identity.sizes = {{"parameters", model_->model().num_parameters()}};
    identity.sizes.update(rollouts_ ? rollouts_->sizes() : data_->sizes());
    const std::int64_t steps = num_steps();
    run_->start(recipe_, identity, command, describe_device(device_), steps, trainer_->steps_done());
    const auto counted = [](auto number) { return trainer::with_thousands(static_cast<double>(number)); };
    const std::string warmup = schedule_->warmup_steps() == 0
                                   ? ""
                                   : " (warm-up: " + counted(schedule_->warmup_steps()) + " of them)";
    log().info(counted(steps) + (steps == 1 ? " step" : " steps") + warmup + ", " +
               counted(rollouts_ ? rollouts_->num_tokens() : data_->num_tokens()) +
               (rollouts_ ? " tokens of prompts, " : " tokens, ") +
               counted(model_->model().num_parameters()) + " parameters, " +
               (group_.size() > 1 ? std::to_string(group_.size()) + " ranks with " : "") +
               std::to_string(at::get_num_threads()) + " threads, on " + describe_device(device_));
  }

  bool evaluates() { return held_out() != nullptr || !tasks_->empty(); }

  // Given up where the run is to stop: the launch that goes on makes up for it.
  void evaluate(std::int64_t step) {
    std::vector<MetricValue> values;
    owes_evaluation_ = false;
    if (held_out() != nullptr) {
      values = trainer::evaluate_loss(
          *trainer_, *objective_, *held_out(), [this](std::int64_t done, std::int64_t all) {
            set_activity("evaluating " + std::to_string(done) + "/" + std::to_string(all));
            return checkpoints_->must_stop();
          });
      owes_evaluation_ = values.empty();
    }
    if (!owes_evaluation_ && !tasks_->empty()) {
      const auto of_tasks = tasks_->evaluate(
          step, model_->units(), front_, log(), [this] { return checkpoints_->must_stop(); },
          [this](const std::string& text) { set_activity(text); });
      owes_evaluation_ = of_tasks.empty();
      values.insert(values.end(), of_tasks.begin(), of_tasks.end());
    }
    set_activity("");
    if (run_ && !owes_evaluation_) run_->report(step, values);
  }

  void report(std::int64_t step, std::vector<MetricValue> values) {
    std::array<double, 2> peaks{static_cast<double>(trainer::read_process_memory().peak_resident_bytes),
                                static_cast<double>(trainer::peak_device_bytes(device_))};
    group_.all_reduce(peaks, trainer::Reduce::kMax, "memory");
    for (const MetricValue& value : values)
      if (value.name == "speed/model_flops_per_second") {
        // Faster than the fastest product: the machine was busy when that was measured.
        gemm_ = std::max(gemm_, value.value);
        values.push_back({"speed/gemm_share", value.value / gemm_});
        break;
      }
    values.push_back({"memory/peak_bytes", peaks[0]});
    if (!device_.is_cpu()) values.push_back({"memory/device_peak_bytes", peaks[1]});
    // For a checkpoint that became complete since the step before.
    const double waited = checkpoints_->take_waited_seconds();
    if (waited > 0.0) values.push_back({"speed/checkpoint_wait_seconds", waited});
    if (rollouts_)
      for (MetricValue& value : rollouts_->source().take_metrics()) values.push_back(std::move(value));
    if (run_) run_->report(step, values);
    if (evaluates() && evaluation_due(step)) evaluate(step);
  }

  bool evaluation_due(std::int64_t step) {
    if (step == num_steps()) return true;
    const auto& every = recipe_.evaluation.every;
    return every && step % static_cast<std::int64_t>(every->amount) == 0;
  }

  bool after_step(std::int64_t step) {
    checkpoints_->end_step();
    if (group_.trace() && ++traced_steps_ >= trainer::Trace::kSteps) write_trace();
    const StageCheckpoints::Wishes wishes = checkpoints_->after_step(step);
    // A last step whose evaluation was given up is not the end yet.
    const bool stop = wishes.stop || owes_evaluation_;
    const bool is_last = stop || step == num_steps();
    if (is_last || wishes.save) save(step, is_last);
    checkpoints_->begin_step();
    return stop;
  }

  void write_trace() {
    if (!group_.trace()) return;
    char name[40];
    std::snprintf(name, sizeof name, "trace_rank_%05d.json", group_.rank());
    group_.trace()->write(run_path() / name);
    group_.set_trace(nullptr);
  }

  void save(std::int64_t step, bool is_last) {
    trainer::CheckpointContent content;
    content.step = step;
    content.state = state();
    content.progress = {
        {"tokens_done", trainer_->tokens_done()}, {"device", device_kind(device_)}, {"inputs", inputs_}};
    if (owes_evaluation_) content.progress["owes_evaluation"] = true;
    if (rollouts_) content.progress["rollouts"] = rollouts_->source().progress();
    content.recipe_yaml = resolved_yaml(recipe_);
    checkpoints_->save(std::move(content), is_last);
    last_saved_ = step;
  }

  const Recipe& recipe_;
  trainer::Terminal& terminal_;
  const trainer::RankPlace& place_;
  trainer::ProcessGroup& group_;
  std::atomic<bool>& owns_directory_;                   // the run in run.dir is this one, as rank 0 knows
  std::optional<RunDirectory> run_;                     // of rank 0
  std::optional<trainer::Log> other_log_;               // of the others
  std::optional<trainer::FoundCheckpoint> checkpoint_;  // that the run goes on from
  std::optional<StageCheckpoints> checkpoints_;
  at::Device device_ = at::kCPU;
  TextFront front_;
  std::optional<StageTasks> tasks_;
  std::optional<StageData> data_;
  std::optional<StageRollouts> rollouts_;  // of a stage that samples, in place of rows
  std::optional<trainer::LrSchedule> schedule_;
  std::optional<StageReference> reference_;  // of a stage that compares with one
  std::optional<TrainingModel> model_;
  std::unique_ptr<trainer::Objective> objective_;
  std::optional<trainer::Trainer> trainer_;
  int traced_steps_ = 0;
  std::int64_t last_saved_ = -1;
  std::string why_stopped_;                    // where nobody asked for it
  bool owes_evaluation_ = false;               // one was given up to stop in time
  std::map<std::string, std::string> inputs_;  // name -> hash of everything that makes the result
  double gemm_ = 0.0;                          // of all ranks together
  std::shared_future<std::map<std::string, std::string>>
      input_hashes_;  // last: waits before what it reads is gone
};

}  // namespace

int run_training(const Recipe& recipe, trainer::Terminal& terminal, const trainer::RankPlace& place,
                 const std::vector<std::string>& command) {
  if (recipe.run.threads > 0) at::set_num_threads(static_cast<int>(recipe.run.threads));
  // Before a run directory is made.
  if (recipe.run.device == trainer::DeviceChoice::kCuda)
    choose_device(recipe.run.device, ask_cuda(), "run.device");
  const trainer::StopRequest stop(place.rank == 0);
  std::atomic<bool> owns_directory{false};
  const auto group = trainer::join_ranks(
      place, recipe.distributed,
      {[&terminal](const std::string& text) { terminal.print(text, trainer::Terminal::Tone::kDim); },
       [] { return trainer::StopRequest::requested(); },
       [&](const std::string& sentence, const std::string& events) {
         if (owns_directory) write_blackbox(recipe, place.rank, events);
         end_process({sentence, 76});
       }});
  TrainingRun run(recipe, terminal, place, *group, owns_directory);
  return run.go(command);
}

}  // namespace caravan::recipes
