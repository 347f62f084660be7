#include "recipes/commands/engine.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <vector>

#include "data/error.h"

namespace caravan::recipes {

namespace {

// Threads that wait give their core away soon. By default LibTorch's OpenMP spins 300,000 times, which halves
// the speed on a machine that is shared; it reads its settings once, when it is loaded. A setting of the
// user's wins.
void let_waiting_threads_sleep() {
  if (!std::getenv("OMP_WAIT_POLICY")) setenv("GOMP_SPINCOUNT", "1000", 0);
}

}  // namespace

void become_engine(std::span<const std::string> args) {
  std::error_code error;
  const std::filesystem::path own = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::string engine = (own.parent_path() / "caravan_engine").string();
  // exec takes pointers to char that it does not write to.
  std::vector<std::string> words(args.begin(), args.end());
  words.insert(words.begin(), "caravan");
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  let_waiting_threads_sleep();
  // LibTorch's notes on connections that will be tried again; what fails for good is an error of ours.
  setenv("TORCH_CPP_LOG_LEVEL", "ERROR", 0);
  execv(engine.c_str(), pointers.data());
  throw data::Error(
      data::Error::Kind::kInputOutput,
      engine + ": " + std::strerror(errno) + "; it belongs beside caravan: run scripts/build, or copy both");
}

}  // namespace caravan::recipes
