// What the fuzz targets share: the bytes as text, as a file, and which exceptions are refusals.
#pragma once

#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/temp_dir.h"

namespace caravan::fuzz {

// Nobody catches what it throws, so the fuzzer keeps the input.
inline void require(bool holds, const char* what) {
  if (!holds) throw std::logic_error(std::string("not true: ") + what);
}

// Takes choices from the front and leaves text.
class Input {
 public:
  explicit Input(std::string_view bytes) : rest_(bytes) {}
  // 0 .. count - 1.
  std::size_t choose(std::size_t count) {
    if (rest_.empty()) return 0;
    const auto first = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    return first % count;
  }
  // What stands before the next line feed.
  std::string_view line() {
    const std::string_view taken = rest_.substr(0, rest_.find('\n'));
    rest_.remove_prefix(std::min(rest_.size(), taken.size() + 1));
    return taken;
  }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

// The bytes under a name of a folder that the process keeps.
inline std::string file_of(const char* name, std::string_view bytes) {
  static const tests::TempDir folder;
  return folder.write(name, std::string(bytes));
}

// Runs what may refuse its input with this exception, and with nothing else.
template <class Refusal, class Work>
void may_refuse(Work&& work) {
  try {
    work();
  } catch (const Refusal& refusal) {
    require(*refusal.what() != '\0', "a refusal says why");
  }
}

// A parser and what must hold of it, known under its name to the fuzzer and to the test that runs the kept
// inputs.
struct Target {
  const char* name;
  void (*run)(Input input);
};
inline std::vector<Target>& targets() {
  static std::vector<Target> all;
  return all;
}
struct Registered {
  Registered(const char* name, void (*run)(Input input)) { targets().push_back({name, run}); }
};

}  // namespace caravan::fuzz
