// Generation tasks of TaskEvaluator: prompts in, judged answers out.
#include <algorithm>

#include "models/generation/generator.h"
#include "trainer/error.h"
#include "trainer/evaluation/sample_rows.h"
#include "trainer/evaluation/task_evaluator.h"

namespace caravan::trainer {
namespace {

using data::Json;

models::SamplingOptions sampling_of(const data::TaskGeneration& options) {
  models::SamplingOptions sampling;
  sampling.temperature = options.temperature;
  sampling.repetition_penalty = options.repetition_penalty;
  if (options.temperature > 0.0) {
    sampling.top_k = options.top_k;
    sampling.top_p = options.top_p;
    sampling.min_p = options.min_p;
  }
  return sampling;
}

// All parameters of the model on every rank while it lives.
class WholeModel {
 public:
  explicit WholeModel(UnitShards& units) : units_(units) {
    for (std::size_t unit = 0; unit < units_.num_units(); ++unit) units_.need_values(unit);
  }
  ~WholeModel() {
    for (std::size_t unit = 0; unit < units_.num_units(); ++unit) units_.release_values(unit);
  }
  WholeModel(const WholeModel&) = delete;
  WholeModel& operator=(const WholeModel&) = delete;

 private:
  UnitShards& units_;
};

// The answers of one task that this rank gives.
class AnswerRun {
 public:
  AnswerRun(const data::TaskOptions& task, const std::vector<data::TaskItem>& items,
            const data::ItemTokens& tokens, SampleStore& store, ProcessGroup& group, std::size_t longest)
      : task_(task),
        items_(items),
        tokens_(tokens),
        store_(store),
        group_(group),
        longest_(longest),
        judges_(task),
        key_(task.generation.seed ^ seed_of(task.name)) {}

  std::int64_t num_samples() const { return std::ssize(items_) * task_.generation.n; }
  std::int64_t num_done() const { return done_; }
  const std::string& others_rows() const { return rows_; }

  std::optional<models::GenerationRequest> next() {
    for (; next_ < num_samples(); ++next_) {
      const auto index = static_cast<std::size_t>(next_ / task_.generation.n);
      const std::int64_t sample = next_ % task_.generation.n;
      if (static_cast<int>(index % static_cast<std::size_t>(group_.size())) != group_.rank()) continue;
      if (store_.has(static_cast<std::int64_t>(index), sample)) {
        ++done_;
        continue;
      }
      Json row = sample_head(items_[index], index, sample);
      row["prompt"] = tokens_.prompt_text(items_[index]);
      models::GenerationRequest request = request_of(index);
      const std::size_t whole =
          request.prompt.size() + static_cast<std::size_t>(task_.generation.max_new_tokens);
      if (!items_[index].left_out.empty())
        row["left_out"] = items_[index].left_out;
      else if (request.prompt.empty())
        row["left_out"] = "empty_prompt";
      else if (whole > longest_)
        row["left_out"] = "too_long";
      if (row.contains("left_out")) {
        keep(std::move(row));
        continue;
      }
      waiting_[request.index] = std::move(row);
      ++next_;
      return request;
    }
    return std::nullopt;
  }

  void done(std::size_t number, const models::Completion& completion) {
    Json row = std::move(waiting_.at(number));
    waiting_.erase(number);
    const data::TaskItem& item = items_[row.at("index").get<std::size_t>()];
    std::string text = tokens_.tokenizer().decode(known_ids(completion.ids), true);
    std::string finish(finish_reason_name(completion.finish_reason));
    std::size_t end = std::string::npos;
    for (const std::string& stop : task_.generation.stop) end = std::min(end, text.find(stop));
    if (end != std::string::npos) {
      text.resize(end);
      finish = "stop";
    }
    row["completion"] = text;
    row["finish_reason"] = finish;
    row["tokens"] = completion.ids.size();
    row["log_probs"] = completion.log_probs;
    judges_.judge(text, item.ground_truth, row);
    keep(std::move(row));
  }

 private:
  models::GenerationRequest request_of(std::size_t index) const {
    models::GenerationRequest request;
    request.index = static_cast<std::size_t>(next_);
    request.prompt = tokens_.prompt(items_[index]);
    request.max_new_tokens = task_.generation.max_new_tokens;
    request.sampling = sampling_of(task_.generation);
    request.key = models::sampling_key(key_, static_cast<std::uint64_t>(next_));
    return request;
  }

  // A model may have more ids than its tokenizer has tokens.
  std::vector<std::int32_t> known_ids(const std::vector<std::int32_t>& ids) const {
    std::vector<std::int32_t> known;
    for (const std::int32_t id : ids)
      if (id < tokens_.tokenizer().vocab_size()) known.push_back(id);
    return known;
  }

  void keep(Json row) {
    ++done_;
    if (group_.size() > 1) rows_ += row.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    store_.add(std::move(row));
    group_.note_progress();
  }

  const data::TaskOptions& task_;
  const std::vector<data::TaskItem>& items_;
  const data::ItemTokens& tokens_;
  SampleStore& store_;
  ProcessGroup& group_;
  std::size_t longest_;
  TaskJudges judges_;
  std::uint64_t key_;
  std::int64_t next_ = 0, done_ = 0;
  std::map<std::size_t, Json> waiting_;
  std::string rows_;  // for the other ranks
};

}  // namespace

void TaskEvaluator::generate(const data::TaskOptions& task, const std::vector<data::TaskItem>& items,
                             SampleStore& store, const Progress& progress) {
  ProcessGroup& group = units_.group();
  AnswerRun answers(task, items, tokens_, store, group, longest());
  const WholeModel whole(units_);
  models::Generator generator(units_.model(), {.batch_size = options_.batch_size, .stop_ids = stop_ids_});
  // Ranks are not at the same answer at the same time, so only one alone can stop between them.
  const auto tell = [&] {
    if (group.size() == 1) progress(answers.num_done(), answers.num_samples());
  };
  generator.run(
      [&] {
        tell();
        return answers.next();
      },
      [&](std::size_t number, const models::Completion& completion) {
        answers.done(number, completion);
        tell();
      });
  store.sync();
  if (group.size() == 1) return;
  const std::vector<std::string> rows = group.all_gather_text(answers.others_rows(), "samples of tasks");
  for (std::size_t rank = 0; rank < rows.size(); ++rank) {
    if (static_cast<int>(rank) == group.rank()) continue;
    for (std::size_t at = 0; at < rows[rank].size();) {
      const std::size_t end = rows[rank].find('\n', at);
      store.add(Json::parse(rows[rank].substr(at, end - at)));
      at = end + 1;
    }
  }
}

}  // namespace caravan::trainer
