#include "trainer/distributed/slurm.h"

#include <algorithm>
#include <charconv>

#include "trainer/error.h"

namespace caravan::trainer {

namespace {

constexpr std::size_t kMaxHosts = 100000;

[[noreturn]] void refuse(const std::string& text, const std::string& what) {
  throw Error(Error::Kind::kUsage,
              "SLURM's list \"" + text.substr(0, 200) + "\": " + what +
                  "; allowed is for example node[01-03,7],gpu-a[1-2]x; or set MASTER_ADDR, "
                  "RANK and WORLD_SIZE yourself");
}

std::int64_t number_of(const std::string& text, const std::string& list) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || value < 0)
    refuse(list, "found \"" + text + "\" where a number is to be");
  return value;
}

// At commas that are outside of brackets.
std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts(1);
  int depth = 0;
  for (const char c : text) {
    depth += c == '[' ? 1 : c == ']' ? -1 : 0;
    if (depth < 0 || depth > 1) refuse(text, "brackets do not match");
    if (c == ',' && depth == 0)
      parts.emplace_back();
    else
      parts.back() += c;
  }
  if (depth != 0) refuse(text, "brackets do not match");
  return parts;
}

// "01-03" is 01 02 03, "7" is 7; zeros in front are kept.
std::vector<std::string> expand_range(const std::string& range, const std::string& list) {
  const auto dash = range.find('-');
  const std::string low = range.substr(0, dash);
  const std::int64_t first = number_of(low, list);
  const std::int64_t last = dash == std::string::npos ? first : number_of(range.substr(dash + 1), list);
  if (last < first || static_cast<std::size_t>(last - first) >= kMaxHosts)
    refuse(list, "the range " + range + " is empty or too long");
  std::vector<std::string> numbers;
  for (std::int64_t i = first; i <= last; ++i) {
    const std::string digits = std::to_string(i);
    numbers.push_back(std::string(low.size() > digits.size() ? low.size() - digits.size() : 0, '0') + digits);
  }
  return numbers;
}

void append_hosts(const std::string& before, const std::string& pattern, const std::string& list,
                  std::vector<std::string>& hosts) {
  const auto open = pattern.find('[');
  if (open == std::string::npos) {
    if (before.empty() && pattern.empty()) refuse(list, "a name is empty");
    if (hosts.size() >= kMaxHosts) refuse(list, "more than 100,000 hosts");
    hosts.push_back(before + pattern);
    return;
  }
  const auto close = pattern.find(']', open);
  for (const std::string& range : split(pattern.substr(open + 1, close - open - 1)))
    for (const std::string& number : expand_range(range, list))
      append_hosts(before + pattern.substr(0, open) + number, pattern.substr(close + 1), list, hosts);
}

}  // namespace

std::vector<std::string> parse_host_list(const std::string& text) {
  std::vector<std::string> hosts;
  for (const std::string& pattern : split(text)) {
    if (std::count(pattern.begin(), pattern.end(), '[') > 8) refuse(text, "more than 8 brackets in one name");
    append_hosts("", pattern, text, hosts);
  }
  return hosts;
}

std::vector<std::int64_t> parse_tasks_per_node(const std::string& text) {
  std::vector<std::int64_t> tasks;
  for (const std::string& part : split(text)) {
    const auto open = part.find("(x");
    std::int64_t times = 1;
    if (open != std::string::npos) {
      if (part.back() != ')') refuse(text, "found \"" + part + "\"");
      times = number_of(part.substr(open + 2, part.size() - open - 3), text);
    }
    const std::int64_t count = number_of(part.substr(0, open), text);
    if (tasks.size() + static_cast<std::size_t>(times) > kMaxHosts) refuse(text, "more than 100,000 nodes");
    tasks.insert(tasks.end(), static_cast<std::size_t>(times), count);
  }
  return tasks;
}

}  // namespace caravan::trainer
