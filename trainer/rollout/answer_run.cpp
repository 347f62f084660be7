#include "trainer/rollout/answer_run.h"

#include <algorithm>
#include <map>
#include <optional>

#include "data/tokenizers/stop_text.h"
#include "data/tokenizers/stream_decoder.h"
#include "models/generation/generator.h"
#include "trainer/distributed/shard_access.h"
#include "trainer/error.h"
#include "trainer/stop_request.h"

namespace caravan::trainer {
namespace {

using data::Json;

// The answers that this rank gives.
class AnswerRun {
 public:
  AnswerRun(UnitShards& units, const data::Tokenizer& tokenizer, const Questions& questions,
            const AnswerOptions& options, SampleStore& store,
            const std::function<bool(std::int64_t, std::int64_t)>& progress)
      : units_(units),
        group_(units.group()),
        tokenizer_(tokenizer),
        questions_(questions),
        options_(options),
        store_(store),
        progress_(progress),
        longest_(static_cast<std::size_t>(units.model().config().max_position_embeddings)),
        stop_checks_(data::stop_checks(tokenizer, options.stop)) {}

  void run() {
    if (group_.size() > 1 && progress_) stopped_ = progress_(0, num_samples());
    ShardAccess access(units_);
    models::GeneratorOptions options{.batch_size = options_.batch_size, .stop_ids = options_.stop_ids};
    if (units_.options().stage >= 3 && group_.size() > 1) {
      options.units = &access;
      options.anyone = [&access](bool busy) { return access.anyone(busy); };
    }
    models::Generator generator(units_.model(), std::move(options));
    generator.run(
        [this] { return next(); },
        [this](std::size_t number, const models::Completion& completion) { done(number, completion); });
    store_.sync();
    share();
  }

 private:
  std::int64_t num_samples() const {
    return static_cast<std::int64_t>(questions_.size()) * options_.per_prompt;
  }

  // Ranks are not at the same answer at the same time, so only one alone can be asked between them; a stop
  // ends what runs on the others.
  bool must_stop() {
    if (group_.size() == 1 && progress_ && progress_(done_, num_samples())) stopped_ = true;
    return stop_was_requested();
  }

  std::optional<models::GenerationRequest> next() {
    for (; next_ < questions_.size() && !must_stop(); ++next_) {
      if (static_cast<int>(next_ % static_cast<std::size_t>(group_.size())) != group_.rank()) continue;
      models::GenerationRequest request = request_of(next_);
      if (keep_known(request)) continue;
      ++next_;
      return request;
    }
    return std::nullopt;
  }

  models::GenerationRequest request_of(std::size_t number) {
    models::GenerationRequest request;
    request.index = number;
    request.prompt = questions_.prompt(number);
    request.max_new_tokens = options_.max_new_tokens;
    request.sampling = options_.sampling;
    request.completions = options_.per_prompt;
    const std::int64_t index = questions_.head(number, 0).at("index");
    request.key = models::sampling_key(options_.key, static_cast<std::uint64_t>(index));
    request.stop_check = [this] { return stop_check(); };
    return request;
  }

  models::StopCheck stop_check() {
    if (!stop_checks_) return [this](std::int32_t) { return stop_was_requested(); };
    return
        [this, ends_text = stop_checks_()](std::int32_t id) { return stop_was_requested() || ends_text(id); };
  }

  // Within a completion; what it was cut from is not kept.
  bool stop_was_requested() {
    group_.note_progress();
    stopped_ = stopped_ || StopRequest::requested() || group_.stop_wanted() ||
               (options_.wants_stop && options_.wants_stop());
    return stopped_;
  }

  // Whether nothing need be generated for the prompt: its samples are there, or cannot be.
  bool keep_known(const models::GenerationRequest& request) {
    std::string why;
    if (request.prompt.empty())
      why = "empty_prompt";
    else if (request.prompt.size() + static_cast<std::size_t>(options_.max_new_tokens) > longest_)
      why = "too_long";
    std::int64_t missing = 0;
    for (std::int64_t sample = 0; sample < options_.per_prompt; ++sample) {
      Json row = questions_.head(request.index, sample);
      if (store_.has(row.at("index"), sample)) {
        ++done_;
        continue;
      }
      if (!why.empty() && !row.contains("left_out")) row["left_out"] = why;
      if (row.contains("left_out"))
        keep(std::move(row));
      else
        ++missing;
    }
    return missing == 0;
  }

  void done(std::size_t number, const models::Completion& completion) {
    if (stopped_) return;
    Json row = questions_.head(number, completion.sample);
    if (store_.has(row.at("index"), completion.sample)) return;
    row["completion"] =
        data::cut_at_stop(data::written_text(tokenizer_, completion.ids), options_.stop, false);
    row["finish_reason"] = finish_reason_name(completion.finish_reason);
    row["tokens"] = completion.ids.size();
    row["log_probs"] = completion.log_probs;
    if (options_.keep_ids) {
      row["ids"] = completion.ids;
      if (completion.scaled_log_probs != completion.log_probs)
        row["scaled_log_probs"] = completion.scaled_log_probs;
    }
    questions_.judge(number, row);
    keep(std::move(row));
    if (group_.size() == 1) must_stop();
  }

  void keep(Json row) {
    ++done_;
    if (group_.size() > 1) rows_ += row.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    store_.add(std::move(row));
    group_.note_progress();
  }

  // What any rank has, all have; whoever was stopped says so.
  void share() {
    bool stopped = stopped_;
    const std::vector<std::string> all =
        group_.all_gather_text((stopped_ ? "x\n" : ".\n") + rows_, "samples of answers");
    for (std::size_t rank = 0; rank < all.size(); ++rank) {
      stopped = stopped || all[rank].starts_with('x');
      if (static_cast<int>(rank) == group_.rank()) continue;
      for (std::size_t at = 2; at < all[rank].size();) {
        const std::size_t end = all[rank].find('\n', at);
        store_.add(Json::parse(all[rank].substr(at, end - at)));
        at = end + 1;
      }
    }
    store_.sync();
    if (!stopped) return;
    throw Error(Error::Kind::kStopped, "stopped by request with " + std::to_string(store_.rows().size()) +
                                           " of " + std::to_string(num_samples()) +
                                           " answers; the same command goes on "
                                           "from there");
  }

  UnitShards& units_;
  ProcessGroup& group_;
  const data::Tokenizer& tokenizer_;
  const Questions& questions_;
  const AnswerOptions& options_;
  SampleStore& store_;
  const std::function<bool(std::int64_t, std::int64_t)>& progress_;
  std::size_t longest_;
  std::function<models::StopCheck()> stop_checks_;  // empty without stop texts
  std::size_t next_ = 0;
  std::int64_t done_ = 0;
  bool stopped_ = false;
  std::string rows_;  // for the other ranks
};

}  // namespace

void answer_questions(UnitShards& units, const data::Tokenizer& tokenizer, const Questions& questions,
                      const AnswerOptions& options, SampleStore& store,
                      const std::function<bool(std::int64_t done, std::int64_t all)>& progress) {
  AnswerRun(units, tokenizer, questions, options, store, progress).run();
}

}  // namespace caravan::trainer
