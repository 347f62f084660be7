#include "data/endpoint/http_pool.h"

#include <dlfcn.h>

#include <filesystem>

#include "data/error.h"

namespace caravan::data {
namespace {

HttpEntry load_module() {
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::string module = (program.parent_path() / "libcaravan_http.so").string();
  void* handle = ::dlopen(module.c_str(), RTLD_NOW | RTLD_LOCAL);
  void* entry = handle == nullptr ? nullptr : ::dlsym(handle, kHttpEntry);
  if (entry != nullptr) return reinterpret_cast<HttpEntry>(entry);
  const char* why = ::dlerror();
  throw Error(Error::Kind::kInputOutput,
              module + ": the module that reaches endpoints does not load (" +
                  (why ? why : "no reason given") +
                  "); build it with libcurl's headers (scripts/setup, scripts/build), and keep it beside "
                  "the program");
}

}  // namespace

std::unique_ptr<HttpPool> make_http_pool(const HttpOptions& options) {
  static const HttpEntry entry = load_module();
  return std::unique_ptr<HttpPool>(entry(options));
}

}  // namespace caravan::data
