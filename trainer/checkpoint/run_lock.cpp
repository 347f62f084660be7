#include "trainer/checkpoint/run_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "trainer/error.h"

namespace caravan::trainer {

RunLock::RunLock(const std::filesystem::path& directory) {
  const std::string path = (directory / ".lock").string();
  descriptor_ = open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
  if (descriptor_ < 0)
    throw Error(Error::Kind::kInputOutput,
                path + ": cannot be opened: " + std::strerror(errno) + "; choose a folder you may write to");
  if (flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
    char owner[32] = {};
    const ssize_t length = pread(descriptor_, owner, sizeof(owner) - 1, 0);
    close(descriptor_);
    throw Error(Error::Kind::kUnsafe, directory.string() + ": another run is using this directory (process " +
                                          (length > 0 ? std::string(owner) : "unknown") +
                                          "); wait for it, stop it, or choose another folder");
  }
  const std::string self = std::to_string(getpid());
  if (ftruncate(descriptor_, 0) != 0 || pwrite(descriptor_, self.data(), self.size(), 0) < 0)
    throw Error(Error::Kind::kInputOutput, path + ": cannot be written: " + std::strerror(errno));
}

RunLock::~RunLock() {
  close(descriptor_);
}

}  // namespace caravan::trainer
