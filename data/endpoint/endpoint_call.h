// One call of EndpointGenerator::generate: the queue of its requests and what becomes of each.
#pragma once

#include <chrono>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "data/endpoint/endpoint_generator.h"
#include "data/error.h"

namespace caravan::data {

class EndpointCall {
 public:
  EndpointCall(EndpointGenerator& owner, std::span<const GenerationRequest> requests);
  std::vector<Generation> run();

 private:
  using Clock = std::chrono::steady_clock;
  struct Job {
    RequestLog::RequestHash hash = {};
    std::string body;
    std::int64_t max_tokens = 0;
    std::int64_t attempts = 0;
    std::uint64_t attempt = 0;         // the log's number of the one under way
    std::vector<std::size_t> indices;  // of the requests that are this one
  };

  void enter(std::span<const GenerationRequest> requests);
  void start_ready();
  bool affordable(const Job& job) const;
  void wait();
  void take(std::size_t index, HttpReply reply);
  void take_answer(std::size_t index, const std::string& body);
  void take_status(std::size_t index, const HttpReply& reply);
  void retry(std::size_t index, const HttpReply& reply, std::string problem);
  void finish(std::size_t index, Generation generation);
  void give_up(std::size_t index, std::string problem);
  [[noreturn]] void end(Error::Kind kind, const std::string& text);
  void check_stop();
  void check_lost() const;
  double backoff(const Job& job) const;

  EndpointGenerator& owner_;
  std::vector<Generation> results_;
  std::vector<Job> jobs_;
  std::multimap<Clock::time_point, std::size_t> ready_;  // jobs to be sent, and when
  Clock::time_point held_until_ = {};                    // by Retry-After
  std::string held_back_;                                // why nothing more is sent; what runs is waited for
  Clock::time_point give_up_at_ = Clock::time_point::max();
  bool waits_for_budget_ = false;  // what runs may cost less than it could, and make room
  std::uint64_t num_lost_ = 0;     // requests given up
  std::string last_detail_;
};

}  // namespace caravan::data
