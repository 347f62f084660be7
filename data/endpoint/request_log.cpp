#include "data/endpoint/request_log.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "data/error.h"
#include "data/readers/json_row.h"
#include "data/readers/json_text.h"

namespace caravan::data {
namespace {

constexpr std::size_t kMaxLineBytes = std::size_t{1} << 31;
constexpr std::size_t kReadBytes = std::size_t{1} << 20;
constexpr std::int64_t kMaxNumber = 1'000'000'000'000;  // so that sums of a log's lines cannot overflow

[[noreturn]] void fail(const std::string& path) {
  throw Error(Error::Kind::kInputOutput, path + ": " + std::strerror(errno) + "; check the disk");
}

std::optional<std::int64_t> number_of(const JsonValue& line, std::string_view key) {
  const auto value = line.find(key);
  if (!value || !value->is(JsonValue::Type::kNumber)) return std::nullopt;
  const std::string digits = value->text();
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size() || number < 0 || number > kMaxNumber)
    return std::nullopt;
  return number;
}

std::optional<RequestLog::RequestHash> hash_of(const JsonValue& line) {
  const auto value = line.find("request");
  const std::string hex = value ? value->text() : "";
  RequestLog::RequestHash hash{};
  if (hex.size() != 2 * hash.size()) return std::nullopt;
  for (std::size_t i = 0; i < hash.size(); ++i) {
    const char* at = hex.data() + 2 * i;
    if (std::from_chars(at, at + 2, hash[i], 16).ptr != at + 2) return std::nullopt;
  }
  return hash;
}

}  // namespace

RequestLog::RequestLog(std::string path) : path_(std::move(path)) {
  descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor_ < 0) fail(path_);
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
    ::close(descriptor_);
    throw Error(Error::Kind::kUnsafe,
                path_ + ": another process works with it; wait for its end, or choose another run.dir");
  }
  try {
    read();
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

RequestLog::~RequestLog() {
  ::close(descriptor_);
}

void RequestLog::read() {
  std::string carried;
  std::uint64_t offset = 0, number = 0;
  std::string buffer(kReadBytes, '\0');
  for (;;) {
    const ssize_t got = ::read(descriptor_, buffer.data(), buffer.size());
    if (got < 0) fail(path_);
    if (got == 0) break;
    carried.append(buffer, 0, static_cast<std::size_t>(got));
    std::size_t at = 0;
    for (std::size_t end; (end = carried.find('\n', at)) != std::string::npos; at = end + 1) {
      read_line(std::string_view(carried).substr(at, end - at), offset + at, ++number);
    }
    offset += at;
    carried.erase(0, at);
    if (carried.size() > kMaxLineBytes)
      throw Error(Error::Kind::kData, path_ + ": a line of more than 2 GiB; this is no request log");
  }
  size_ = offset;
  if (!carried.empty() && ::ftruncate(descriptor_, static_cast<off_t>(size_)) != 0) fail(path_);
}

void RequestLog::read_line(std::string_view line, std::uint64_t offset, std::uint64_t number) {
  JsonRow json;
  bool good = json.parse(line) == JsonRow::Status::kOk;
  if (good) {
    const JsonValue root = json.root();
    const auto attempt = number_of(root, "attempt");
    const auto tokens = number_of(root, "tokens");
    const auto what = root.find("what");
    good = attempt && tokens && what;
    if (good && what->equals("sent")) {
      const auto known = static_cast<std::uint64_t>(*attempt);
      next_attempt_ = std::max(next_attempt_, known + 1);
      tokens_ += *tokens;
      under_way_[known] = *tokens;
    } else if (good && what->equals("failed")) {
      settle(static_cast<std::uint64_t>(*attempt), *tokens);
    } else if (good && what->equals("answered")) {
      const auto hash = hash_of(root);
      good = hash && root.find("text");
      if (good) {
        settle(static_cast<std::uint64_t>(*attempt), *tokens);
        answers_[*hash] = {offset, static_cast<std::uint32_t>(line.size())};
      }
    } else {
      good = false;
    }
  }
  if (good) return;
  throw Error(Error::Kind::kData,
              path_ + ":" + std::to_string(number) +
                  ": is no line of a request log; restore the file, or move it away (what it answered is "
                  "then asked, and paid, again)");
}

void RequestLog::settle(std::uint64_t attempt, std::int64_t tokens) {
  const auto found = under_way_.find(attempt);
  if (found == under_way_.end()) return;
  tokens_ += tokens - found->second;
  under_way_.erase(found);
}

std::uint64_t RequestLog::append(const std::string& line) {
  const std::uint64_t offset = size_;
  for (std::size_t at = 0; at < line.size();) {
    const ssize_t put =
        ::pwrite(descriptor_, line.data() + at, line.size() - at, static_cast<off_t>(size_ + at));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) fail(path_);
    at += static_cast<std::size_t>(put);
  }
  size_ += line.size();
  return offset;
}

std::uint64_t RequestLog::sent(std::int64_t max_tokens) {
  const std::uint64_t attempt = next_attempt_++;
  append("{\"what\":\"sent\",\"attempt\":" + std::to_string(attempt) +
         ",\"tokens\":" + std::to_string(max_tokens) + "}\n");
  under_way_[attempt] = max_tokens;
  tokens_ += max_tokens;
  return attempt;
}

void RequestLog::failed(std::uint64_t attempt, std::int64_t tokens) {
  append("{\"what\":\"failed\",\"attempt\":" + std::to_string(attempt) +
         ",\"tokens\":" + std::to_string(tokens) + "}\n");
  settle(attempt, tokens);
}

void RequestLog::answered(std::uint64_t attempt, const RequestHash& request, const Generation& answer,
                          std::int64_t tokens) {
  std::string line = "{\"what\":\"answered\",\"attempt\":" + std::to_string(attempt) +
                     ",\"tokens\":" + std::to_string(tokens) + ",\"request\":\"" + Sha256::to_hex(request) +
                     "\",\"cut\":" + (answer.cut ? "true" : "false") + ",\"problem\":";
  append_json_string(line, answer.problem);
  line += ",\"text\":";
  append_json_string(line, answer.text);
  line += "}\n";
  const std::uint64_t offset = append(line);
  answers_[request] = {offset, static_cast<std::uint32_t>(line.size() - 1)};
  settle(attempt, tokens);
}

std::optional<Generation> RequestLog::find(const RequestHash& request) const {
  const auto found = answers_.find(request);
  if (found == answers_.end()) return std::nullopt;
  std::string line(found->second.length, '\0');
  std::size_t at = 0;
  while (at < line.size()) {
    const ssize_t got = ::pread(descriptor_, line.data() + at, line.size() - at,
                                static_cast<off_t>(found->second.offset + at));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) fail(path_);
    at += static_cast<std::size_t>(got);
  }
  JsonRow json;
  const bool read = json.parse(line) == JsonRow::Status::kOk;
  const auto text = read ? json.root().find("text") : std::nullopt;
  const auto cut = read ? json.root().find("cut") : std::nullopt;
  const auto problem = read ? json.root().find("problem") : std::nullopt;
  if (!text) throw Error(Error::Kind::kInputOutput, path_ + ": changed while it was in use; run again");
  return Generation{.text = text->text(),
                    .problem = problem ? problem->text() : "",
                    .cut = cut && cut->is(JsonValue::Type::kTrue)};
}

void RequestLog::sync() {
  if (::fdatasync(descriptor_) != 0) fail(path_);
}

}  // namespace caravan::data
