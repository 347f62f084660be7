#include "trainer/rollout/rollout_source.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>
#include <numeric>

#include "data/loader/order.h"
#include "trainer/ask_model.h"
#include "trainer/error.h"
#include "trainer/objectives/policy_gradient.h"
#include "trainer/objectives/value.h"
#include "trainer/rollout/answer_run.h"
#include "trainer/rollout/rollout_batches.h"

namespace caravan::trainer {
namespace {

using data::Json;

// Salts keep the draws of random numbers apart from each other.
enum Salt : std::uint64_t { kSampling = 11, kMiniBatches = 12 };

std::string file_name(std::int64_t first_step) {
  char name[32];
  std::snprintf(name, sizeof name, "step-%08lld", static_cast<long long>(first_step));
  return name;
}

models::SamplingOptions sampling_of(const RolloutOptions& options) {
  models::SamplingOptions sampling;
  sampling.temperature = options.temperature;
  sampling.top_k = options.top_k;
  sampling.top_p = options.top_p;
  sampling.min_p = options.min_p;
  return sampling;
}

// Prompts [begin, begin + count) of the sequence as questions.
class PromptQuestions final : public Questions {
 public:
  PromptQuestions(const data::PromptSet& prompts, const data::Tokenizer& tokenizer,
                  const RewardScorer& rewards, std::vector<std::uint32_t> asked, std::uint64_t begin)
      : prompts_(prompts),
        tokenizer_(tokenizer),
        rewards_(rewards),
        asked_(std::move(asked)),
        begin_(begin) {}

  std::size_t size() const override { return asked_.size(); }
  Json head(std::size_t number, std::int64_t sample) const override {
    const data::Prompt& prompt = prompts_[asked_[number]];
    return {{"index", begin_ + number},
            {"sample", sample},
            {"item", prompts_.name_of(prompt.where)},
            {"prompt", tokenizer_.decode(prompt.ids)}};
  }
  std::vector<std::int32_t> prompt(std::size_t number) const override { return prompts_[asked_[number]].ids; }
  void judge(std::size_t number, Json& row) const override { rewards_.score(prompts_[asked_[number]], row); }

 private:
  const data::PromptSet& prompts_;
  const data::Tokenizer& tokenizer_;
  const RewardScorer& rewards_;
  std::vector<std::uint32_t> asked_;
  std::uint64_t begin_;
};

// What the first rank kept of an earlier launch, on all ranks.
void share_kept(SampleStore& store, ProcessGroup& group) {
  if (group.size() == 1) return;
  std::string own;
  if (group.is_first())
    for (const Json& row : store.rows())
      own += row.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  const std::string kept = group.all_gather_text(own, "kept rollout")[0];
  if (group.is_first()) return;
  for (std::size_t at = 0; at < kept.size();) {
    const std::size_t end = kept.find('\n', at);
    store.add(Json::parse(kept.substr(at, end - at)));
    at = end + 1;
  }
}

}  // namespace

// A rollout on its way.
struct RolloutSource::Draw {
  std::vector<Trajectory> trajectories;  // of the groups that count, group after group
  std::vector<Json> rows;                // of the same
  std::uint64_t taken = 0;               // prompts of the sequence, so far
  std::int64_t tries = 0, seen = 0;      // draws of prompts; groups that were looked at
  std::int64_t varied = 0;               // groups among those that count whose rewards differ
  RolloutFigures all;                    // of all that were looked at in the last try
};

std::int64_t steps_of_rollout(const RolloutOptions& rollout, std::int64_t sequences) {
  const std::int64_t completions = rollout.prompts * rollout.completions;
  if (sequences < 1 || completions % sequences != 0)
    throw Error(Error::Kind::kUsage, "batch.sequences: found " + std::to_string(sequences) +
                                         "; it must divide rollout.prompts * rollout.completions, which is " +
                                         std::to_string(completions));
  return rollout.passes * (completions / sequences);
}

RolloutSource::RolloutSource(RolloutSettings settings, const data::PromptSet& prompts,
                             const data::Tokenizer& tokenizer, const RewardScorer& rewards,
                             UnitShards& policy, OtherModels others, RolloutEvents events)
    : settings_(std::move(settings)),
      prompts_(prompts),
      tokenizer_(tokenizer),
      rewards_(rewards),
      policy_(policy),
      others_(std::move(others)),
      pass_(policy, 0),
      events_(std::move(events)) {}

double RolloutSource::epochs_after(std::int64_t) const {
  return static_cast<double>(taken_) / static_cast<double>(prompts_.size());
}

std::vector<data::MicroBatch> RolloutSource::micro_batches(std::int64_t step) {
  const std::int64_t within = step % per_rollout(), first_step = step - within;
  if (first_step_ != first_step) make_rollout(first_step);
  const std::int64_t mini_batches = per_rollout() / settings_.rollout.passes, pass = within / mini_batches;
  std::vector<std::uint64_t> keys;
  for (const Trajectory& one : usable_)
    keys.push_back(data::mix(static_cast<std::uint64_t>(one.place), static_cast<std::uint64_t>(one.sample)));
  const std::uint64_t salt =
      data::mix(data::mix(settings_.seed, kMiniBatches), static_cast<std::uint64_t>(first_step + pass));
  const std::vector<std::uint32_t> order = data::shuffled(keys, salt);
  const auto all = static_cast<std::int64_t>(order.size()), part = within % mini_batches;
  std::vector<const Trajectory*> chosen;
  for (std::int64_t i = all * part / mini_batches; i < all * (part + 1) / mini_batches; ++i)
    chosen.push_back(&usable_[order[static_cast<std::size_t>(i)]]);
  return pack(chosen);
}

void RolloutSource::make_rollout(std::int64_t first_step) {
  const auto start = std::chrono::steady_clock::now();
  first_step_.reset();
  usable_.clear();
  const Json identity = {{"step", first_step}, {"prompts_taken", taken_}};
  SampleStore store = policy_.group().is_first()
                          ? SampleStore(settings_.folder, file_name(first_step), identity)
                          : SampleStore();
  share_kept(store, policy_.group());
  Draw drawn;
  drawn.taken = taken_;
  draw(store, drawn);
  complete(first_step, store, drawn);
  events_.tell("");
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  taken_before_ = std::exchange(taken_, drawn.taken);
  report(drawn, seconds.count());
  first_step_ = first_step;
  must_be_kept_ = false;
}

// Prompts until there are enough groups that can teach.
void RolloutSource::draw(SampleStore& store, Draw& drawn) {
  const RolloutOptions& options = settings_.rollout;
  const auto groups = [&] { return std::ssize(drawn.rows) / options.completions; };
  for (; drawn.tries < options.tries; ++drawn.tries) {
    const std::int64_t wanted = options.prompts - groups();
    std::vector<std::uint32_t> asked;
    for (std::int64_t i = 0; i < wanted; ++i)
      asked.push_back(
          prompts_.at(drawn.taken + static_cast<std::uint64_t>(i), settings_.seed, settings_.shuffle));
    const PromptQuestions questions(prompts_, tokenizer_, rewards_, std::move(asked), drawn.taken);
    answer_questions(policy_, tokenizer_, questions,
                     {.per_prompt = options.completions,
                      .max_new_tokens = options.max_new_tokens,
                      .sampling = sampling_of(options),
                      .stop = options.stop,
                      .key = data::mix(settings_.seed, kSampling),
                      .batch_size = options.batch_size,
                      .stop_ids = settings_.stop_ids,
                      .keep_ids = true,
                      .wants_stop = events_.wants_stop},
                     store, [this](std::int64_t done, std::int64_t all) {
                       events_.tell("sampling " + std::to_string(done) + "/" + std::to_string(all));
                       return false;
                     });
    add_scores(drawn.taken, wanted, store);
    take_groups(store, drawn.taken, wanted, drawn);
    drawn.taken += static_cast<std::uint64_t>(wanted);
    if (groups() == options.prompts) {
      const bool compares = settings_.policy.advantage == AdvantageEstimator::kGroup ||
                            settings_.policy.advantage == AdvantageEstimator::kLeaveOneOut;
      if (!compares || drawn.varied > 0) return;
      drawn.rows.clear();
      drawn.trajectories.clear();
    }
  }
  give_up(drawn);
}

// What scorers say of the completions of these prompts, where the rows do not have it. All ranks have the
// same rows; asked in one order, they get the same answers.
void RolloutSource::add_scores(std::uint64_t begin, std::int64_t count, SampleStore& store) {
  std::map<std::pair<std::uint64_t, std::int64_t>, const Json*> open;
  for (const Json& row : store.rows()) {
    const std::uint64_t place = row.at("index");
    if (place < begin || place >= begin + static_cast<std::uint64_t>(count) || row.contains("left_out") ||
        !rewards_.wants_scores(row))
      continue;
    open[{place, row.at("sample")}] = &row;
  }
  if (open.empty()) return;
  events_.tell("scoring completions");
  std::vector<const Json*> rows;
  std::vector<data::ScoreRequest> requests;
  for (const auto& [key, row] : open) {
    rows.push_back(row);
    const data::Prompt& prompt = prompts_[prompts_.at(key.first, settings_.seed, settings_.shuffle)];
    requests.push_back({prompt.messages, row->at("completion").get<std::string>(), prompt.ground_truth});
  }
  const std::vector<Json> added = rewards_.score_together(rows, requests);
  std::size_t next = 0;
  for (const auto& [key, row] : open)
    store.extend(static_cast<std::int64_t>(key.first), key.second, added[next++]);
}

// The groups of these prompts that count: answered, and where only those count, with rewards that differ.
void RolloutSource::take_groups(const SampleStore& store, std::uint64_t begin, std::int64_t count,
                                Draw& drawn) {
  std::map<std::pair<std::uint64_t, std::int64_t>, const Json*> rows;
  for (const Json& row : store.rows()) rows[{row.at("index"), row.at("sample")}] = &row;
  std::vector<Json> looked_at;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint64_t place = begin + static_cast<std::uint64_t>(i);
    std::vector<Json> group;
    std::vector<Trajectory> trajectories;
    for (std::int64_t sample = 0; sample < settings_.rollout.completions; ++sample) {
      const Json& row = *rows.at({place, sample});
      if (row.contains("left_out")) continue;
      Trajectory& one = trajectories.emplace_back();
      one.prompt = prompts_.at(place, settings_.seed, settings_.shuffle);
      one.place = static_cast<std::int64_t>(place);
      one.sample = sample;
      one.ids = row.at("ids").get<std::vector<std::int32_t>>();
      one.sampling_log_probs = row.at(row.contains("scaled_log_probs") ? "scaled_log_probs" : "log_probs")
                                   .get<std::vector<float>>();
      one.reward = row.at("reward").is_null() ? std::numeric_limits<double>::quiet_NaN()
                                              : row.at("reward").get<double>();
      one.is_truncated = row.at("finish_reason") != "stop";
      group.push_back(row);
    }
    if (group.empty()) continue;
    ++drawn.seen;
    looked_at.insert(looked_at.end(), group.begin(), group.end());
    const bool varies = groups_that_vary(trajectories, settings_.rollout.completions)[0];
    if (settings_.rollout.dynamic_sampling && !varies) continue;
    drawn.varied += varies ? 1 : 0;
    drawn.rows.insert(drawn.rows.end(), group.begin(), group.end());
    drawn.trajectories.insert(drawn.trajectories.end(), trajectories.begin(), trajectories.end());
  }
  drawn.all = figures_of(looked_at, settings_.rollout.completions);
}

void RolloutSource::give_up(const Draw& drawn) const {
  char numbers[160];
  std::snprintf(numbers, sizeof numbers,
                "%.0f %% of the last completions are right, %.0f %% could not be judged",
                100.0 * drawn.all.right, 100.0 * drawn.all.unknown);
  throw NothingToLearn(
      "rollout: " + std::to_string(drawn.tries) + " draws of prompts (" + std::to_string(drawn.seen) +
      " groups) gave no " + std::to_string(settings_.rollout.prompts) +
      " groups to learn from: rewards of a prompt's completions must differ; " + numbers +
      ". Take easier or harder prompts, more completions or a higher temperature, look at the "
      "verdicts in " +
      settings_.folder.string() + ", or raise rollout.tries");
}

// What training needs beside the samples: other models' words for them, then advantages.
void RolloutSource::complete(std::int64_t first_step, SampleStore& store, Draw& drawn) {
  const bool is_kept = !drawn.rows.empty() && drawn.rows[0].contains("advantages");
  if (must_be_kept_ && !is_kept)
    throw Error(Error::Kind::kData,
                (settings_.folder / (file_name(first_step) + ".jsonl.zst")).string() +
                    ": is missing or not complete, and the weights that sampled it are gone; go on from an "
                    "earlier checkpoint: remove the newest one");
  for (Trajectory& one : drawn.trajectories) one.old_log_probs = one.sampling_log_probs;
  // Where training computes other numbers than the sampler, its own are the ones to compare with.
  const bool same_numbers = settings_.rollout.temperature == 1.0 && policy_.model().device().is_cpu();
  const Answer log_probs = token_log_probs(settings_.rollout.temperature);
  if (!same_numbers)
    fill(&Trajectory::old_log_probs, "old_log_probs", ask_model(policy_, pass_), log_probs, drawn);
  if (others_.reference)
    fill(&Trajectory::reference_log_probs, "reference_log_probs", others_.reference, log_probs, drawn);
  if (others_.values) fill(&Trajectory::old_values, "old_values", others_.values, token_values, drawn);
  set_advantages(drawn.trajectories, settings_.rollout.completions, settings_.policy);
  for (std::size_t i = 0; i < drawn.rows.size(); ++i) {
    Trajectory& one = drawn.trajectories[i];
    Json more = {{"advantages", one.advantages}};
    if (!same_numbers) more["old_log_probs"] = one.old_log_probs;
    if (others_.reference) more["reference_log_probs"] = one.reference_log_probs;
    if (others_.values) more["old_values"] = one.old_values;
    if (!is_kept) store.extend(one.place, one.sample, more);
    const bool counts =
        !std::isnan(one.reward) && !(settings_.rollout.mask_truncated_completions && one.is_truncated);
    if (counts) usable_.push_back(std::move(one));
  }
  if (std::ssize(usable_) < per_rollout() / settings_.rollout.passes)
    throw NothingToLearn(
        "rollout: " + std::to_string(usable_.size()) + " of " + std::to_string(drawn.rows.size()) +
        " completions can be learnt from, fewer than the steps they are for; the others could not "
        "be judged or were cut off: look at the verdicts in " +
        settings_.folder.string());
  store.finish();
}

// What a model says of the tokens, where the rows do not have it.
void RolloutSource::fill(std::vector<float> Trajectory::*member, const char* key, const AskModel& model,
                         const Answer& answer, Draw& drawn) {
  if (drawn.rows[0].contains(key)) {
    for (std::size_t i = 0; i < drawn.rows.size(); ++i)
      drawn.trajectories[i].*member = drawn.rows[i].at(key).get<std::vector<float>>();
    return;
  }
  events_.tell("asking about the rollout");
  std::vector<const Trajectory*> all;
  for (const Trajectory& one : drawn.trajectories) all.push_back(&one);
  const std::vector<data::MicroBatch> batches = pack(all);
  const std::vector<std::vector<double>> found = model(batches, answer);
  for (std::size_t b = 0; b < batches.size(); ++b) {
    auto next = found[b].begin();
    for (const std::uint32_t document : batches[b].document_indices) {
      Trajectory& one = drawn.trajectories[document];
      const auto end = next + std::ssize(one.ids);
      (one.*member).assign(next, end);
      next = end;
    }
  }
}

void RolloutSource::report(const Draw& drawn, double seconds) {
  // Read back in the middle: it was told of when it was made.
  if (must_be_kept_) return;
  const RolloutFigures now = figures_of(drawn.rows, settings_.rollout.completions);
  if (!first_figures_) first_figures_ = now;
  for (const std::string& alarm : alarms(*first_figures_, last_figures_.value_or(*first_figures_), now))
    events_.warn(alarm);
  last_figures_ = now;
  metrics_ = now.metrics();
  const double groups =
      static_cast<double>(drawn.rows.size()) / static_cast<double>(settings_.rollout.completions);
  metrics_.push_back({"rollout/varied_groups", static_cast<double>(drawn.varied) / groups});
  metrics_.push_back({"rollout/tries", static_cast<double>(drawn.tries + 1)});
  metrics_.push_back({"rollout/prompts_taken", static_cast<double>(taken_)});
  metrics_.push_back({"rollout/seconds", seconds});
  metrics_.push_back({"rollout/tokens_per_second", now.tokens * now.completions / seconds});
}

std::vector<data::MicroBatch> RolloutSource::pack(const std::vector<const Trajectory*>& trajectories) const {
  return rollout_batches(trajectories,
                         [this](std::uint32_t prompt) -> const data::Prompt& { return prompts_[prompt]; },
                         {.micro_tokens = settings_.micro_tokens,
                          .share_prompts = models::can_share_prefixes(policy_.model().device()),
                          .has_reference = static_cast<bool>(others_.reference),
                          .has_values = static_cast<bool>(others_.values)});
}

nlohmann::json RolloutSource::progress() const {
  nlohmann::json json = {{"prompts_taken_before", taken_before_}, {"prompts_taken", taken_}};
  if (first_figures_) json["first"] = nlohmann::json(to_json(*first_figures_));
  if (last_figures_) json["last"] = nlohmann::json(to_json(*last_figures_));
  return json;
}

void RolloutSource::restore(const nlohmann::json& progress, std::int64_t steps_done) {
  const bool within = steps_done % per_rollout() != 0;
  must_be_kept_ = within;
  if (!progress.is_null()) taken_ = progress.at(within ? "prompts_taken_before" : "prompts_taken");
  if (progress.contains("first")) first_figures_ = figures_from(Json(progress["first"]));
  if (progress.contains("last")) last_figures_ = figures_from(Json(progress["last"]));
  if (!policy_.group().is_first()) return;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(settings_.folder, ignored)) {
    long long step = 0;
    if (std::sscanf(entry.path().filename().c_str(), "step-%8lld", &step) == 1 && step > steps_done)
      std::filesystem::remove(entry.path(), ignored);
  }
}

}  // namespace caravan::trainer
