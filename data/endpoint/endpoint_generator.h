// A model behind an OpenAI-compatible server as a TextGenerator.
//
// Goals: many requests at once over connections that stay open; what fails in passing is tried again, after
// waits that a seed decides, so that a crowd of requests does not come back in step; the server's Retry-After
// holds all of them; every answer is in the log before it is used, and a request that was answered is never
// sent again; nothing is sent that could exceed the budget. The key appears in the header of requests alone:
// errors that quote it are blackened, an answer that holds it is refused. Non-goals: streaming, tools.
//
// What stops a call stops it so that the next one goes on: answers that had come are in the log.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "data/chat/template.h"
#include "data/endpoint/endpoint_address.h"
#include "data/endpoint/endpoint_options.h"
#include "data/endpoint/http_pool.h"
#include "data/endpoint/request_log.h"
#include "data/text_generator.h"

namespace caravan::data {

// Of this process.
struct EndpointCounts {
  std::uint64_t asked = 0, from_log = 0, answered = 0, given_up = 0, attempts = 0;
  std::int64_t tokens = 0;
};

struct EndpointHooks {
  std::function<bool()> stop = {};                           // true ends the call with an Error (interrupted)
  std::function<void(const EndpointCounts&)> progress = {};  // several times a second, whatever is waited for
  std::uint64_t seed = 0;                                    // of the waits
};

class EndpointGenerator : public TextGenerator {
 public:
  // Throws data::Error: url, key and template as they are read; the log as RequestLog. Nothing is sent.
  EndpointGenerator(EndpointOptions options, const std::string& log_path, EndpointHooks hooks = {});
  ~EndpointGenerator() override;

  std::string name() const override;  // "MODEL at HOST"
  // Problems of one request: timeout, connection, cut, too_large, refused, content_filter, key_in_answer,
  // invalid_json, wrong_schema:WHERE, http_STATUS. Throws data::Error: input/output where the server refuses
  // all requests, none gets through, or many in a row do not any more; interrupted where it is stopped, the
  // budget is spent, or Retry-After is longer than allowed.
  std::vector<Generation> generate(std::span<const GenerationRequest> requests) override;

  const EndpointCounts& counts() const { return counts_; }
  const RequestLog& log() const { return log_; }

 private:
  friend class EndpointCall;
  std::string body_of(const GenerationRequest& request) const;
  HttpPool& pool();

  EndpointOptions options_;
  EndpointAddress address_;
  std::string key_;
  std::optional<ChatTemplate> prompt_template_;
  EndpointHooks hooks_;
  RequestLog log_;
  std::unique_ptr<HttpPool> pool_;
  EndpointCounts counts_;
  std::uint64_t served_ = 0;         // requests that got an answer, if only a refusal
  std::uint64_t lost_in_a_row_ = 0;  // requests that were given up because nothing came back
};

}  // namespace caravan::data
