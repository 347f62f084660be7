#include "trainer/distributed/torchrun_error_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

namespace caravan::trainer {

using nlohmann::json;

std::string torchrun_error_text(const std::string& message, std::chrono::system_clock::time_point when) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(when.time_since_epoch()).count();
  const json object = {
      {"message",
       {{"message", message},
        {"extraInfo", {{"py_callstack", message}, {"timestamp", std::to_string(seconds)}}}}}};
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

void write_torchrun_error(const std::string& message) noexcept {
  const char* named = std::getenv("TORCHELASTIC_ERROR_FILE");
  if (named == nullptr || *named == '\0') return;
  try {
    const std::string path = named, aside = path + ".partial";
    if (access(path.c_str(), F_OK) == 0) return;
    const std::string text = torchrun_error_text(message, std::chrono::system_clock::now());
    const int file = open(aside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (file < 0) return;
    const bool written = write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    fsync(file);
    close(file);
    if (!written || rename(aside.c_str(), path.c_str()) != 0) unlink(aside.c_str());
  } catch (...) {
    // Without the file torchrun tells the exit code, as it does of any program.
  }
}

}  // namespace caravan::trainer
