#include "recipes/serving/completion_engine.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "models/device.h"
#include "models/error.h"
#include "recipes/serving/api_error.h"

namespace caravan::recipes {
namespace {

constexpr std::int64_t kScoreTokens = 8192;  // of one pass
constexpr std::int64_t kScoreRows = 128;     // of logits at a time

bool only_scores(const EngineJob& job) {
  // The one token after a greedy answer of one is read off the prompt's own scores.
  const bool greedy = job.sampling.temperature == 0.0 && job.sampling.repetition_penalty == 1.0;
  return job.max_tokens == 0 || (job.max_tokens == 1 && greedy && job.score_prompt);
}

bool wants_scores(const EngineJob& job) {
  return job.score_prompt || job.top > 0;
}

}  // namespace

std::vector<EngineAnswer> CompletionEngine::Ticket::wait(std::chrono::steady_clock::time_point until) {
  if (answers_.wait_until(until) != std::future_status::ready) {
    *dropped_ = true;
    throw ApiError(504,
                   "the answer took longer than the server allows a request; ask for fewer tokens, or "
                   "start the server with a longer --timeout");
  }
  return answers_.get();
}

CompletionEngine::CompletionEngine(models::Llama& model, const models::GeneratorOptions& options,
                                   std::int64_t queue)
    : model_(model), units_(model), pass_(units_, 0), generator_(model, options), queue_(queue) {
  thread_ = std::thread([this] { loop(); });
}

CompletionEngine::~CompletionEngine() {
  close();
  thread_.join();
}

void CompletionEngine::close() {
  std::deque<WorkPointer> refused;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    refused.swap(waiting_);
  }
  arrived_.notify_all();
  for (const WorkPointer& work : refused)
    fail(work, std::make_exception_ptr(ApiError(503, "the server is shutting down")));
}

void CompletionEngine::check(const EngineJob& job) const {
  models::GenerationRequest request;
  request.prompt = job.prompt;
  request.max_new_tokens = std::max<std::int64_t>(job.max_tokens, 1);
  // A prompt that is only read may fill the model.
  if (job.max_tokens == 0 && std::ssize(job.prompt) == model_.config().max_position_embeddings)
    request.prompt.pop_back();
  request.sampling = job.sampling;
  request.completions = job.n;
  generator_.check_request(request);
}

CompletionEngine::Ticket CompletionEngine::submit(EngineJob job) {
  check(job);
  auto work = std::make_shared<Work>();
  work->answers.resize(static_cast<std::size_t>(job.n));
  work->unwritten = work->undone = job.n;
  work->job = std::move(job);
  work->dropped = std::make_shared<std::atomic<bool>>(false);
  Ticket ticket;
  ticket.answers_ = work->promise.get_future();
  ticket.dropped_ = work->dropped;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) throw ApiError(503, "the server is shutting down");
    if (in_flight_ + work->job.n > queue_)
      throw ApiError(503, "the server has " + std::to_string(in_flight_) + " answers to make already, of " +
                              std::to_string(queue_) +
                              " at most; ask again later, or start it with a longer --queue");
    in_flight_ += work->job.n;
    waiting_.push_back(std::move(work));
  }
  arrived_.notify_one();
  return ticket;
}

void CompletionEngine::count_done(const Part& part) {
  Work& work = *part.work;
  if (work.undone == 0 || --work.undone > 0) return;
  in_flight_ -= work.job.n;
  work.promise.set_value(std::move(work.answers));
}

// Of a job whose other answers failed already nothing is left to say.
void CompletionEngine::fail(const WorkPointer& work, const std::exception_ptr& error) {
  if (work->undone == 0) return;
  work->undone = 0;
  in_flight_ -= work->job.n;
  work->promise.set_exception(error);
}

void CompletionEngine::loop() {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      arrived_.wait(lock, [this] { return closed_ || !waiting_.empty(); });
      if (closed_ && waiting_.empty()) return;
    }
    try {
      generate();
    } catch (const std::exception& error) {
      // Who was in this batch cannot be told apart; the next one starts afresh.
      const auto told = std::make_exception_ptr(ApiError(500, error.what()));
      for (const auto& [number, work] : generating_) fail(work, told);
      for (const Part& part : to_score_) fail(part.work, told);
      generating_.clear();
      to_score_.clear();
    }
  }
}

void CompletionEngine::generate() {
  generator_.run([this] { return next_request(); },
                 [this](std::size_t number, models::Completion completion) {
                   finish_generation(number, std::move(completion));
                 });
  score_waiting();
}

std::optional<models::GenerationRequest> CompletionEngine::next_request() {
  WorkPointer work;
  while (!work) {
    {
      const std::lock_guard lock(mutex_);
      if (waiting_.empty()) break;
      work = std::move(waiting_.front());
      waiting_.pop_front();
    }
    if (*work->dropped) {
      in_flight_ -= work->job.n;
      work.reset();
    } else if (only_scores(work->job)) {
      // All its answers are this one.
      work->undone = 1;
      to_score_.push_back({std::move(work), 0});
    }
  }
  score_waiting();
  if (!work) return std::nullopt;
  models::GenerationRequest request;
  request.index = next_number_++;
  request.prompt = work->job.prompt;
  request.max_new_tokens = work->job.max_tokens;
  request.sampling = work->job.sampling;
  request.key = work->job.key;
  request.completions = work->job.n;
  request.stop_check = work->job.stop_check;
  generating_[request.index] = std::move(work);
  return request;
}

void CompletionEngine::finish_generation(std::size_t number, models::Completion completion) {
  const Part part{generating_.at(number), static_cast<std::size_t>(completion.sample)};
  if (--part.work->unwritten == 0) generating_.erase(number);
  part.answer().completion = std::move(completion);
  if (wants_scores(part.work->job))
    to_score_.push_back(part);
  else
    count_done(part);
}

void CompletionEngine::score_waiting() {
  while (!to_score_.empty()) {
    std::vector<Part> batch;
    std::int64_t tokens = 0;
    while (!to_score_.empty()) {
      const std::int64_t more = to_score_.front().length();
      if (!batch.empty() && tokens + more > kScoreTokens) break;
      tokens += more;
      batch.push_back(std::move(to_score_.front()));
      to_score_.pop_front();
    }
    try {
      score(batch);
    } catch (const std::exception& error) {
      for (const Part& part : batch) fail(part.work, std::make_exception_ptr(ApiError(500, error.what())));
      continue;
    }
    for (const Part& part : batch) {
      if (only_scores(part.work->job)) std::ranges::fill(part.work->answers, EngineAnswer(part.answer()));
      count_done(part);
    }
  }
}

void CompletionEngine::score(const std::vector<Part>& batch) {
  trainer::ModelInput input;
  std::vector<std::int64_t> ids;
  input.layout.doc_starts.push_back(0);
  std::int64_t top = 1;
  for (const Part& part : batch) {
    const EngineJob& job = part.work->job;
    const std::vector<std::int32_t>& written = part.answer().completion.ids;
    const std::size_t start = ids.size();
    ids.insert(ids.end(), job.prompt.begin(), job.prompt.end());
    ids.insert(ids.end(), written.begin(), written.end());
    for (std::size_t i = 0; i < ids.size() - start; ++i)
      input.layout.positions.push_back(static_cast<std::int32_t>(i));
    input.layout.doc_starts.push_back(static_cast<std::int32_t>(ids.size()));
    top = std::max(top, job.top);
  }
  input.ids_T = models::device_copy<std::int64_t>(ids, model_.device());
  const at::Tensor hidden_TD = pass_.evaluate(input);
  const at::Tensor next_T = input.ids_T.roll(-1);
  std::vector<at::Tensor> log_probs, values, indices;
  for (std::int64_t row = 0; row < hidden_TD.size(0); row += kScoreRows) {
    const std::int64_t count = std::min(kScoreRows, hidden_TD.size(0) - row);
    const at::Tensor all_NV =
        at::log_softmax(model_.logits(hidden_TD.narrow(0, row, count)).to(at::kFloat), -1);
    const auto [value_NK, index_NK] = all_NV.topk(std::min(top, all_NV.size(1)), -1);
    log_probs.push_back(all_NV.gather(1, next_T.narrow(0, row, count).unsqueeze(1)).squeeze(1));
    values.push_back(value_NK);
    indices.push_back(index_NK);
  }
  const at::Tensor next_log_prob_T = at::cat(log_probs).cpu(), value_TK = at::cat(values).cpu().contiguous(),
                   index_TK = at::cat(indices).cpu().contiguous();
  const float* next = next_log_prob_T.const_data_ptr<float>();
  const float* value = value_TK.const_data_ptr<float>();
  const std::int64_t* index = index_TK.const_data_ptr<std::int64_t>();
  const std::int64_t width = value_TK.size(1);
  std::int64_t start = 0;
  for (const Part& part : batch) {
    const EngineJob& job = part.work->job;
    EngineAnswer& answer = part.answer();
    const std::int64_t length = part.length();
    const auto place = [&](std::int64_t row) {
      std::vector<TokenScore> best;
      for (std::int64_t k = 0; k < std::min(std::max<std::int64_t>(job.top, 1), width); ++k)
        best.push_back({static_cast<std::int32_t>(index[row * width + k]), value[row * width + k]});
      return best;
    };
    answer.log_probs.push_back(0.f);
    answer.tops.emplace_back();
    for (std::int64_t row = start; row + 1 < start + length; ++row) {
      answer.log_probs.push_back(next[row]);
      answer.tops.push_back(place(row));
    }
    if (job.max_tokens == 1 && answer.completion.ids.empty()) {
      const std::vector<TokenScore> best = place(start + length - 1);
      answer.completion = {.ids = {best[0].id},
                           .log_probs = {best[0].log_prob},
                           .scaled_log_probs = {best[0].log_prob},
                           .finish_reason = generator_.is_stop(best[0].id) ? models::FinishReason::kStop
                                                                           : models::FinishReason::kLength};
      answer.log_probs.push_back(best[0].log_prob);
      answer.tops.push_back(best);
    }
    if (!std::isfinite(answer.log_probs.back()))
      throw models::Error(models::Error::Kind::kData, "the model's logits are not finite");
    start += length;
  }
}

}  // namespace caravan::recipes
