#include "recipes/commands/nvidia_driver.h"

#include <dlfcn.h>

#include <array>
#include <memory>

namespace caravan::recipes {

namespace {

// The few calls of nvml.h that are needed, as its stable interface declares them; 0 is success.
using Device = void*;
struct Memory {
  unsigned long long total, free, used;
};
using PlainCall = int (*)();
using VersionCall = int (*)(char*, unsigned);
using CountCall = int (*)(unsigned*);
using HandleCall = int (*)(unsigned, Device*);
using NameCall = int (*)(Device, char*, unsigned);
using MemoryCall = int (*)(Device, Memory*);
constexpr unsigned kTextBytes = 96;

template <class Call>
Call find_call(void* library, const char* name) {
  return reinterpret_cast<Call>(dlsym(library, name));
}

GpuFacts facts_of(void* library, Device device) {
  GpuFacts facts;
  std::array<char, kTextBytes> text{};
  Memory memory{};
  const auto name = find_call<NameCall>(library, "nvmlDeviceGetName");
  const auto get_memory = find_call<MemoryCall>(library, "nvmlDeviceGetMemoryInfo");
  if (name && name(device, text.data(), kTextBytes) == 0) facts.name = text.data();
  if (get_memory && get_memory(device, &memory) == 0) {
    facts.memory_bytes = memory.total;
    facts.free_memory_bytes = memory.free;
  }
  return facts;
}

}  // namespace

DriverFacts ask_nvidia_driver() {
  DriverFacts facts;
  const std::unique_ptr<void, int (*)(void*)> library(
      dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL),
      [](void* opened) { return opened ? dlclose(opened) : 0; });
  if (!library) {
    facts.problem = "no NVIDIA driver is installed (libnvidia-ml.so.1 is not there)";
    return facts;
  }
  const auto init = find_call<PlainCall>(library.get(), "nvmlInit_v2");
  const auto version = find_call<VersionCall>(library.get(), "nvmlSystemGetDriverVersion");
  const auto count_of = find_call<CountCall>(library.get(), "nvmlDeviceGetCount_v2");
  const auto handle_of = find_call<HandleCall>(library.get(), "nvmlDeviceGetHandleByIndex_v2");
  std::array<char, kTextBytes> text{};
  unsigned count = 0;
  const int code = !init || !version || !count_of || !handle_of ? -1 : init();
  if (code != 0 || version(text.data(), kTextBytes) != 0 || count_of(&count) != 0) {
    facts.problem = "the NVIDIA driver's library is there but does not answer (NVML code " +
                    std::to_string(code) +
                    "): the kernel module is not loaded, or this is a container without the devices";
    return facts;
  }
  facts.version = text.data();
  for (unsigned index = 0; index < count; ++index) {
    Device device = nullptr;
    if (handle_of(index, &device) == 0) facts.gpus.push_back(facts_of(library.get(), device));
  }
  if (const auto shutdown = find_call<PlainCall>(library.get(), "nvmlShutdown")) shutdown();
  return facts;
}

}  // namespace caravan::recipes
