#include "data/readers/parquet_rows.h"

#include <dlfcn.h>

#include <filesystem>
#include <vector>

#include "data/error.h"
#include "data/readers/json_text.h"

namespace caravan::data {
namespace {

constexpr const char* kModule = "libcaravan_parquet.so";

// Beside the program; tests and bundles have it there too.
ParquetEntry load_module(const std::string& path) {
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::string module = (program.parent_path() / kModule).string();
  void* handle = ::dlopen(module.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* why = ::dlerror();
    throw Error(
        Error::Kind::kData,
        path + ": Parquet cannot be read, the module " + module + " does not load (" +
            (why ? why : "no reason given") +
            "); build with the pyarrow wheel that scripts/setup fetches, or convert the file to jsonl");
  }
  void* entry = ::dlsym(handle, kParquetEntry);
  if (entry == nullptr) {
    throw Error(Error::Kind::kData, path + ": Parquet cannot be read, " + module +
                                        " is of another version; build the program anew");
  }
  return reinterpret_cast<ParquetEntry>(entry);
}

void hash_file(const std::string& path, const ByteSourceOptions& options) {
  const std::unique_ptr<ByteSource> bytes = open_bytes(path, options);
  std::vector<char> buffer(1 << 20);
  while (bytes->read(buffer.data(), buffer.size()) > 0) {
  }
}

}  // namespace

std::unique_ptr<RowSource> open_parquet(const std::string& path, const RowLimits& limits,
                                        const ByteSourceOptions& options) {
  static const ParquetEntry entry = load_module(path);
  if (options.hash != nullptr) hash_file(path, options);
  return std::unique_ptr<RowSource>(entry(path, limits, append_json_string));
}

}  // namespace caravan::data
