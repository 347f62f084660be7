#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>

#include "trainer/distributed/backend.h"

namespace caravan::trainer {

using namespace std::chrono_literals;

c10::intrusive_ptr<c10d::Backend> make_gloo_backend(const c10::intrusive_ptr<c10d::Store>& store, int rank,
                                                    int size, const std::string& address,
                                                    std::chrono::milliseconds join_timeout) {
  auto options = c10d::ProcessGroupGloo::Options::create(join_timeout);
  const char* interface = std::getenv("GLOO_SOCKET_IFNAME");
  options->devices.push_back(interface != nullptr
                                 ? c10d::ProcessGroupGloo::createDeviceForInterface(interface)
                                 : c10d::ProcessGroupGloo::createDeviceForHostname(address));
  auto gloo = c10::make_intrusive<c10d::ProcessGroupGloo>(store, rank, size, options);
  // Who waits, and for how long, is decided by the Watch, which knows why.
  gloo->setTimeout(24h);
  return gloo;
}

}  // namespace caravan::trainer
