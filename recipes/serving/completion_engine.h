// One thread that owns a model and answers for many connections at once.
//
// Promise: generation of all waiting requests shares batches, and what a request gets does not depend on the
// others; prompts that are only to be scored go through the training forward pass in packed batches, between
// the steps of generation that admit new requests. Requests wait in one queue of bounded length. Thread safe.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "models/generation/generator.h"
#include "trainer/segmented_pass.h"

namespace caravan::recipes {

struct TokenScore {
  std::int32_t id = 0;
  float log_prob = 0.f;
};

struct EngineJob {
  std::vector<std::int32_t> prompt = {};
  std::int64_t n = 1;           // answers to it
  std::int64_t max_tokens = 0;  // 0: the prompt is scored and nothing is written
  models::SamplingOptions sampling = {};
  std::uint64_t key = 0;
  std::function<models::StopCheck()> stop_check = {};  // see GenerationRequest
  bool score_prompt = false;                           // log-probabilities of the prompt's ids
  std::int64_t top = 0;  // and the so many likeliest tokens at each place that is scored
};

struct EngineAnswer {
  models::Completion completion = {};
  // Of each id of prompt and completion, as far as asked for; the first id of a prompt has none (0). Without
  // score_prompt and top those of the completion are in completion.log_probs alone.
  std::vector<float> log_probs = {};
  std::vector<std::vector<TokenScore>> tops = {};  // of the ids of log_probs, likeliest first
};

class CompletionEngine {
 public:
  // `model` must outlive this. `queue`: see ServingOptions.
  CompletionEngine(models::Llama& model, const models::GeneratorOptions& options, std::int64_t queue);
  ~CompletionEngine();
  CompletionEngine(const CompletionEngine&) = delete;
  CompletionEngine& operator=(const CompletionEngine&) = delete;

  class Ticket {
   public:
    Ticket() = default;
    Ticket(Ticket&&) = default;
    Ticket& operator=(Ticket&&) = default;
    // Nobody waits any more: what has not begun is not made.
    ~Ticket() {
      if (dropped_) *dropped_ = true;
    }
    // The answers. Throws ApiError: too late (504, and nobody works on it any more unless it has begun),
    // closed (503), and what the model threw (500).
    std::vector<EngineAnswer> wait(std::chrono::steady_clock::time_point until);

   private:
    friend class CompletionEngine;
    std::future<std::vector<EngineAnswer>> answers_;
    std::shared_ptr<std::atomic<bool>> dropped_;
  };
  // Throws models::Error (65) for a job that the model cannot hold, ApiError (503) where the queue is full or
  // closed.
  Ticket submit(EngineJob job);
  // Nothing new is taken on, and what has not begun is refused. Returns at once.
  void close();
  std::int64_t in_flight() const { return in_flight_; }

 private:
  struct Work {
    EngineJob job;
    std::vector<EngineAnswer> answers;  // n
    std::int64_t unwritten = 0, undone = 0;
    std::promise<std::vector<EngineAnswer>> promise;
    std::shared_ptr<std::atomic<bool>> dropped;
  };
  using WorkPointer = std::shared_ptr<Work>;
  // One of the answers of a job.
  struct Part {
    WorkPointer work;
    std::size_t sample = 0;
    EngineAnswer& answer() const { return work->answers[sample]; }
    std::int64_t length() const { return std::ssize(work->job.prompt) + std::ssize(answer().completion.ids); }
  };

  void check(const EngineJob& job) const;
  void loop();
  void generate();
  std::optional<models::GenerationRequest> next_request();
  void finish_generation(std::size_t number, models::Completion completion);
  void score_waiting();
  void score(const std::vector<Part>& batch);
  void count_done(const Part& part);
  void fail(const WorkPointer& work, const std::exception_ptr& error);

  models::Llama& model_;
  trainer::UnitShards units_;
  trainer::SegmentedPass pass_;
  models::Generator generator_;
  const std::int64_t queue_;
  std::atomic<std::int64_t> in_flight_{0};  // answers

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<WorkPointer> waiting_;  // guarded by mutex_
  bool closed_ = false;              // guarded by mutex_

  // Of the engine's thread alone.
  std::map<std::size_t, WorkPointer> generating_;
  std::deque<Part> to_score_;
  std::size_t next_number_ = 0;
  std::thread thread_;
};

}  // namespace caravan::recipes
