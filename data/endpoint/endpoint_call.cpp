#include "data/endpoint/endpoint_call.h"

#include <algorithm>
#include <cmath>

#include "data/demo/random.h"
#include "data/endpoint/endpoint_reply.h"
#include "data/endpoint/hidden_key.h"
#include "data/error.h"

namespace caravan::data {
namespace {

constexpr double kLongestWait = 0.2;      // between two looks at the wish to stop
constexpr double kGraceSeconds = 10.0;    // for what runs when a stop is asked for
constexpr std::uint64_t kFewestLost = 8;  // in a row, before the server counts as gone

std::chrono::steady_clock::duration duration_of(double seconds) {
  return std::chrono::duration_cast<std::chrono::steady_clock::duration>(
      std::chrono::duration<double>(seconds));
}

// A token has at least one byte; the server's own marks around a turn are a few.
std::int64_t max_tokens_of(const GenerationRequest& request) {
  constexpr std::int64_t kMarksOfTurn = 16;
  std::int64_t tokens = request.max_tokens + kMarksOfTurn;
  for (const Message& message : request.messages)
    tokens += static_cast<std::int64_t>(message.content.size()) + kMarksOfTurn;
  return tokens;
}

bool is_passing(long status) {
  return status == 408 || status == 425 || status == 429 || (status >= 500 && status != 501);
}

// Answers that every request would get.
bool concerns_all(long status) {
  return (status >= 300 && status < 400) || status == 401 || status == 403 || status == 404 || status == 405;
}

}  // namespace

EndpointCall::EndpointCall(EndpointGenerator& owner, std::span<const GenerationRequest> requests)
    : owner_(owner), results_(requests.size()) {
  enter(requests);
}

void EndpointCall::enter(std::span<const GenerationRequest> requests) {
  std::map<RequestLog::RequestHash, std::size_t> known;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    ++owner_.counts_.asked;
    Job job;
    job.max_tokens = max_tokens_of(requests[i]);
    job.indices = {i};
    try {
      job.body = owner_.body_of(requests[i]);
    } catch (const Json::type_error&) {
      results_[i].problem = "not_utf8";
      continue;
    }
    job.hash = Sha256()
                   .update(owner_.address_.base)
                   .update("\n")
                   .update(std::to_string(requests[i].seed))
                   .update("\n")
                   .update(job.body)
                   .digest();
    if (auto answer = owner_.log_.find(job.hash)) {
      ++owner_.counts_.from_log;
      results_[i] = std::move(*answer);
      continue;
    }
    const auto [found, is_new] = known.emplace(job.hash, jobs_.size());
    if (!is_new) {
      jobs_[found->second].indices.push_back(i);
      continue;
    }
    ready_.emplace(Clock::time_point(), jobs_.size());
    jobs_.push_back(std::move(job));
  }
}

std::vector<Generation> EndpointCall::run() {
  HttpPool* const pool = jobs_.empty() ? nullptr : &owner_.pool();
  while (pool != nullptr && (!ready_.empty() || pool->running() > 0)) {
    check_stop();
    if (held_back_.empty()) start_ready();
    if (!held_back_.empty() && (pool->running() == 0 || Clock::now() > give_up_at_))
      end(Error::Kind::kInterrupted, held_back_);
    wait();
  }
  check_lost();
  owner_.log_.sync();
  return std::move(results_);
}

void EndpointCall::start_ready() {
  const auto now = Clock::now();
  HttpPool& pool = owner_.pool();
  waits_for_budget_ = false;
  while (pool.running() < static_cast<std::size_t>(owner_.options_.concurrency) && !ready_.empty() &&
         ready_.begin()->first <= now && held_until_ <= now) {
    const std::size_t index = ready_.begin()->second;
    Job& job = jobs_[index];
    if (!affordable(job)) {
      waits_for_budget_ = true;
      // What runs may cost less than it could: it is waited for before the budget counts as spent.
      if (pool.running() == 0)
        held_back_ = "the budget does not cover the next request (" +
                     std::to_string(owner_.log_.requests_spent()) + " requests and " +
                     std::to_string(owner_.log_.tokens_spent()) + " tokens are spent, it may take " +
                     std::to_string(job.max_tokens) +
                     "); raise max_requests or max_total_tokens, and run again: it goes on from here";
      return;
    }
    ready_.erase(ready_.begin());
    ++job.attempts;
    ++owner_.counts_.attempts;
    job.attempt = owner_.log_.sent(job.max_tokens);
    HttpRequest request{
        .url = owner_.address_.base, .headers = {"Content-Type: application/json"}, .body = job.body};
    request.url += owner_.options_.api == EndpointApi::kChat ? "/chat/completions" : "/completions";
    if (!owner_.key_.empty()) request.headers.push_back("Authorization: Bearer " + owner_.key_);
    pool.start(index, std::move(request));
  }
}

bool EndpointCall::affordable(const Job& job) const {
  const EndpointOptions& options = owner_.options_;
  return (!options.max_requests || owner_.log_.requests_spent() < *options.max_requests) &&
         (!options.max_total_tokens ||
          owner_.log_.tokens_spent() + job.max_tokens <= *options.max_total_tokens);
}

void EndpointCall::wait() {
  double seconds = kLongestWait;
  if (!ready_.empty() && held_back_.empty() && !waits_for_budget_ &&
      owner_.pool().running() < static_cast<std::size_t>(owner_.options_.concurrency)) {
    const auto next = std::max(ready_.begin()->first, held_until_);
    seconds = std::clamp(std::chrono::duration<double>(next - Clock::now()).count(), 0.0, kLongestWait);
  }
  owner_.pool().wait(seconds, [this](std::uint64_t id, HttpReply reply) { take(id, std::move(reply)); });
  if (owner_.hooks_.progress) owner_.hooks_.progress(owner_.counts_);
}

void EndpointCall::take(std::size_t index, HttpReply reply) {
  Job& job = jobs_[index];
  RequestLog& log = owner_.log_;
  if (!reply.detail.empty()) last_detail_ = blackened(reply.detail, owner_.key_);
  switch (reply.failure) {
    case HttpFailure::kNone:
      return reply.status >= 200 && reply.status < 300 ? take_answer(index, reply.body)
                                                       : take_status(index, reply);
    case HttpFailure::kNotSent:
      log.failed(job.attempt, 0);
      return retry(index, reply, "connection");
    // The server may have worked, and may charge for it, in these three.
    case HttpFailure::kTimeout:
      log.failed(job.attempt, job.max_tokens);
      return retry(index, reply, "timeout");
    case HttpFailure::kCut:
      log.failed(job.attempt, job.max_tokens);
      return retry(index, reply, "cut");
    case HttpFailure::kTooLarge:
      log.failed(job.attempt, job.max_tokens);
      last_detail_ = "the reply has more than max_reply_bytes";
      return give_up(index, "too_large");
  }
}

void EndpointCall::take_answer(std::size_t index, const std::string& body) {
  Job& job = jobs_[index];
  EndpointReply reply = read_endpoint_reply(body, owner_.options_.api);
  const std::int64_t tokens = reply.tokens.value_or(job.max_tokens);
  if (reply.unreadable) {
    owner_.log_.failed(job.attempt, tokens);
    owner_.counts_.tokens += tokens;
    last_detail_ = reply.problem + " in a reply with status 200";
    return retry(index, {}, reply.problem);
  }
  if (holds_key(reply.text, owner_.key_)) {
    owner_.log_.failed(job.attempt, tokens);
    last_detail_ = "an answer that holds the key";
    return give_up(index, "key_in_answer");
  }
  Generation generation{.text = std::move(reply.text), .problem = std::move(reply.problem), .cut = reply.cut};
  owner_.log_.answered(job.attempt, job.hash, generation, tokens);
  owner_.counts_.tokens += tokens;
  ++owner_.served_;
  owner_.lost_in_a_row_ = 0;
  finish(index, std::move(generation));
}

void EndpointCall::take_status(std::size_t index, const HttpReply& reply) {
  Job& job = jobs_[index];
  owner_.log_.failed(job.attempt, 0);
  const std::string status = std::to_string(reply.status);
  last_detail_ = status + " " + endpoint_error_text(reply.body, owner_.key_);
  if (is_passing(reply.status)) return retry(index, reply, "http_" + status);
  if (!concerns_all(reply.status)) return give_up(index, "http_" + status);
  std::string what = ": check url, model and key_variable";
  if (reply.status < 400) what = ": redirects are refused; name the url that it leads to";
  end(Error::Kind::kInputOutput, "answered " + last_detail_ + what);
}

void EndpointCall::retry(std::size_t index, const HttpReply& reply, std::string problem) {
  const EndpointOptions& options = owner_.options_;
  Job& job = jobs_[index];
  const auto now = Clock::now();
  if (reply.retry_after_seconds > options.max_retry_after_seconds && held_back_.empty())
    held_back_ =
        "asks to be left alone for " + std::to_string(static_cast<std::int64_t>(reply.retry_after_seconds)) +
        " s (Retry-After), longer than max_retry_after_seconds; run again later: it goes on from here";
  else
    held_until_ = std::max(
        held_until_, now + duration_of(std::min(reply.retry_after_seconds, options.max_retry_after_seconds)));
  // Nothing more is sent in this run: the next one tries again.
  if (job.attempts < options.attempts || !held_back_.empty()) {
    ready_.emplace(now + duration_of(backoff(job)), index);
    return;
  }
  if (last_detail_.empty()) last_detail_ = problem;
  ++owner_.lost_in_a_row_;
  give_up(index, std::move(problem));
  const auto most = std::max(kFewestLost, static_cast<std::uint64_t>(options.concurrency));
  if (owner_.lost_in_a_row_ >= most)
    end(Error::Kind::kInputOutput, "did not serve " + std::to_string(owner_.lost_in_a_row_) +
                                       " requests in a row, the last: " + last_detail_ +
                                       "; see to the server and run again: it goes on from here");
}

double EndpointCall::backoff(const Job& job) const {
  const EndpointOptions& options = owner_.options_;
  const double whole =
      std::min(options.backoff_seconds * std::pow(2.0, static_cast<double>(job.attempts - 1)),
               options.max_backoff_seconds);
  std::uint64_t of_job = 0;
  for (std::size_t i = 0; i < sizeof(of_job); ++i) of_job = of_job << 8 | job.hash[i];
  const std::uint64_t of_attempt = Random(static_cast<std::uint64_t>(job.attempts)).next();
  const std::uint64_t drawn = Random(owner_.hooks_.seed ^ of_job ^ of_attempt).next();
  constexpr double kUnit = 1.0 / 9007199254740992.0;  // 2^-53
  return whole * (0.5 + 0.5 * static_cast<double>(drawn >> 11) * kUnit);
}

void EndpointCall::finish(std::size_t index, Generation generation) {
  Job& job = jobs_[index];
  ++owner_.counts_.answered;
  for (const std::size_t i : job.indices) results_[i] = generation;
  job.body.clear();
}

void EndpointCall::give_up(std::size_t index, std::string problem) {
  Job& job = jobs_[index];
  ++owner_.counts_.given_up;
  ++num_lost_;
  for (const std::size_t i : job.indices) results_[i].problem = problem;
  job.body.clear();
}

// A server that serves nothing is no server whose rows fail one by one. One that served earlier runs may
// refuse what is left, but not be gone.
void EndpointCall::check_lost() const {
  if (jobs_.empty() || owner_.served_ > 0 || num_lost_ < jobs_.size()) return;
  if (owner_.log_.num_answers() > 0 && owner_.lost_in_a_row_ < num_lost_) return;
  throw Error(Error::Kind::kInputOutput, owner_.name() + ": none of " + std::to_string(num_lost_) +
                                             " requests was served, the last: " + last_detail_ +
                                             "; check url, model and server");
}

void EndpointCall::check_stop() {
  if (!held_back_.empty() || !owner_.hooks_.stop || !owner_.hooks_.stop()) return;
  held_back_ = "stopped on request; run again: it goes on from here";
  give_up_at_ = Clock::now() + duration_of(kGraceSeconds);
}

void EndpointCall::end(Error::Kind kind, const std::string& text) {
  owner_.pool().cancel();
  owner_.log_.sync();
  throw Error(kind, owner_.name() + ": " + text);
}

}  // namespace caravan::data
