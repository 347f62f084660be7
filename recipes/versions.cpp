#include "recipes/versions.h"

#include <simdjson.h>
#include <torch/version.h>
#include <unicode/uversion.h>
#include <xxhash.h>
#include <zlib.h>
#include <zstd.h>

#include <nlohmann/json.hpp>

#include "models/ops/cpu/kernels.h"
#include "recipes/build_commit.h"

namespace caravan::recipes {

namespace {

std::string icu_version() {
  UVersionInfo version;
  u_getVersion(version);
  char text[U_MAX_VERSION_STRING_LENGTH];
  u_versionToString(version, text);
  return text;
}

std::string xxhash_version() {
  const unsigned version = XXH_versionNumber();
  return std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100) + "." +
         std::to_string(version % 100);
}

std::string simdjson_version() {
  return std::to_string(simdjson::SIMDJSON_VERSION_MAJOR) + "." +
         std::to_string(simdjson::SIMDJSON_VERSION_MINOR) + "." +
         std::to_string(simdjson::SIMDJSON_VERSION_REVISION);
}

std::string nlohmann_version() {
  return std::to_string(NLOHMANN_JSON_VERSION_MAJOR) + "." + std::to_string(NLOHMANN_JSON_VERSION_MINOR) +
         "." + std::to_string(NLOHMANN_JSON_VERSION_PATCH);
}

}  // namespace

std::vector<std::pair<std::string, std::string>> program_versions() {
  std::vector<std::pair<std::string, std::string>> versions{{"caravan", CARAVAN_VERSION}};
  const std::string commit = build_commit();
  if (!commit.empty()) versions.emplace_back("commit", commit);
  versions.emplace_back("libtorch", TORCH_VERSION);
  versions.emplace_back("compiler", "g++ " __VERSION__);
  versions.emplace_back("cpu_kernels", models::cpu::kernel_isa());
  return versions;
}

std::vector<std::pair<std::string, std::string>> library_versions() {
  return {{"icu", icu_version()},
          {"sentencepiece", CARAVAN_SENTENCEPIECE_VERSION},
          {"simdjson", simdjson_version() + " " + simdjson::get_active_implementation()->name()},
          {"nlohmann_json", nlohmann_version()},
          {"yaml_cpp", CARAVAN_YAML_CPP_VERSION},
          {"xxhash", xxhash_version()},
          {"zlib", zlibVersion()},
          {"zstd", ZSTD_versionString()}};
}

std::map<std::string, std::string> linked_versions() {
  std::map<std::string, std::string> all;
  for (auto& [name, version] : program_versions()) all.emplace(name, version);
  for (auto& [name, version] : library_versions()) all.emplace(name, version);
  return all;
}

}  // namespace caravan::recipes
