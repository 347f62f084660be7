// What was asked and answered, on the disk: so that nothing is paid for twice.
//
// An append-only file of JSON lines. A line is written when a request is sent ("sent", with the most it can
// cost), when it failed ("failed"), and when it was answered ("answered", with the text). A run that was
// killed at any moment finds every answer that had come; what was sent and has no other line counts as spent
// in full. A last line without its line feed was torn and is cut off.
//
// Memory: about 100 bytes an answer; texts are read back from the file. One process at a time. Non-goals:
// keys, headers and prompts are not in it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "data/sha256.h"
#include "data/text_generator.h"

namespace caravan::data {

class RequestLog {
 public:
  using RequestHash = Sha256::Digest;

  // Makes the file where there is none. Throws data::Error: input/output, a line that is none of a log
  // (data), another process that has it open (unsafe).
  explicit RequestLog(std::string path);
  ~RequestLog();
  RequestLog(const RequestLog&) = delete;
  RequestLog& operator=(const RequestLog&) = delete;

  // The answer, or the refusal, that this request got before. Throws data::Error where it cannot be read any
  // more.
  std::optional<Generation> find(const RequestHash& request) const;
  // Number of an attempt, for the calls below.
  std::uint64_t sent(std::int64_t max_tokens);
  void failed(std::uint64_t attempt, std::int64_t tokens);
  // `attempt` 0: a generator that costs nothing.
  void answered(std::uint64_t attempt, const RequestHash& request, const Generation& answer,
                std::int64_t tokens);
  // Everything on the disk.
  void sync();

  std::uint64_t num_answers() const { return answers_.size(); }
  // Over all runs.
  std::int64_t requests_spent() const { return static_cast<std::int64_t>(next_attempt_ - 1); }
  // Of requests under way: the most they can cost.
  std::int64_t tokens_spent() const { return tokens_; }

 private:
  struct Place {
    std::uint64_t offset = 0;
    std::uint32_t length = 0;
  };
  void read();
  void read_line(std::string_view line, std::uint64_t offset, std::uint64_t number);
  void settle(std::uint64_t attempt, std::int64_t tokens);
  std::uint64_t append(const std::string& line);

  std::string path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
  std::uint64_t next_attempt_ = 1;
  std::int64_t tokens_ = 0;
  std::map<std::uint64_t, std::int64_t> under_way_;  // attempt, most tokens
  std::map<RequestHash, Place> answers_;
};

}  // namespace caravan::data
