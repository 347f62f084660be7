#include "trainer/metrics/run_card.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "data/bounded_json.h"
#include "trainer/error.h"
#include "trainer/metrics/append_file.h"
#include "trainer/metrics/log.h"

namespace caravan::trainer {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchema = 1;
constexpr std::size_t kLongestValue = 400;

constexpr std::array kTakenPrefixes = {"CARAVAN_", "OMP_",  "MKL_",   "GOMP_",         "KMP_",     "CUDA_",
                                       "NCCL_",    "GLOO_", "TORCH_", "TORCHELASTIC_", "PYTORCH_", "SLURM_"};
constexpr std::array kTakenNames = {"RANK",       "WORLD_SIZE",  "LOCAL_RANK",  "LOCAL_WORLD_SIZE",
                                    "GROUP_RANK", "MASTER_ADDR", "MASTER_PORT", "MALLOC_CONF",
                                    "LC_ALL",     "LANG",        "TZ"};
// Words that mark a value as private even under a prefix that is taken.
constexpr std::array kPrivateWords = {"TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL",
                                      "KEY",   "AUTH",   "COOKIE",   "JWT"};

bool is_relevant(std::string_view name) {
  const auto begins = [&](const char* prefix) { return name.starts_with(prefix); };
  const auto contains = [&](const char* word) { return name.find(word) != std::string_view::npos; };
  if (std::any_of(kPrivateWords.begin(), kPrivateWords.end(), contains)) return false;
  return std::any_of(kTakenPrefixes.begin(), kTakenPrefixes.end(), begins) ||
         std::find(kTakenNames.begin(), kTakenNames.end(), name) != kTakenNames.end();
}

Json to_json(const Launch& launch) {
  Json recipe = Json::object();
  for (const auto& [key, value] : launch.recipe) recipe[key] = value;
  return {{"started", format_utc(launch.started)},
          {"first_step", launch.first_step},
          {"world_size", launch.world_size},
          {"command", launch.command},
          {"working_directory", launch.working_directory},
          {"versions", launch.versions},
          {"environment", launch.environment},
          {"recipe", recipe},
          {"device", launch.device},
          {"threads", launch.threads},
          {"host", to_json(launch.host)}};
}

Json read_card(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in)
    throw Error(Error::Kind::kInputOutput,
                path.string() + ": cannot be read: " + std::strerror(errno) + "; check its permissions");
  Json card = data::parse_bounded_json(in);
  if (!card.is_object() || card.value("schema", Json()) != kSchema || !card.contains("launches") ||
      !card["launches"].is_array() || card["launches"].empty() || !card["launches"].back().is_object() ||
      !card.value("hashes", Json()).is_object()) {
    throw Error(Error::Kind::kData, path.string() + ": this is no run card of schema " +
                                        std::to_string(kSchema) +
                                        "; move it away, or name another run directory");
  }
  return card;
}

void write_card(const std::filesystem::path& path, const Json& card) {
  replace_file(path, card.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace

std::map<std::string, std::string> relevant_environment(const char* const* environment) {
  std::map<std::string, std::string> taken;
  for (; environment != nullptr && *environment != nullptr; ++environment) {
    const std::string_view entry = *environment;
    const std::size_t equals = entry.find('=');
    if (equals == std::string_view::npos || !is_relevant(entry.substr(0, equals))) continue;
    taken.emplace(entry.substr(0, equals), entry.substr(equals + 1, kLongestValue));
  }
  return taken;
}

void write_run_card(const std::filesystem::path& path, const RunIdentity& identity, const Launch& launch) {
  Json card;
  if (std::filesystem::exists(path)) {
    card = read_card(path);
    require_same_inputs(path.string(), card["hashes"], identity.hashes);
    Json& before = card["launches"].back();
    if (!before.contains("outcome")) {
      before["outcome"] = "lost";
      before["reason"] = "its end was not recorded: killed, or the machine went down";
    }
  } else {
    card = {{"schema", kSchema},         {"stage", identity.stage}, {"seed", identity.seed},
            {"hashes", identity.hashes}, {"sizes", identity.sizes}, {"launches", Json::array()}};
  }
  card["launches"].push_back(to_json(launch));
  write_card(path, card);
}

void close_run_card(const std::filesystem::path& path, const Ending& ending) {
  Json card = read_card(path);
  Json& launch = card["launches"].back();
  launch["ended"] = format_utc(ending.ended);
  launch["last_step"] = ending.last_step;
  launch["outcome"] = ending.outcome;
  if (!ending.reason.empty()) launch["reason"] = ending.reason;
  launch["totals"] = ending.totals;
  if (!ending.final_hashes.empty()) card["final_hashes"] = ending.final_hashes;
  write_card(path, card);
}

bool is_card_open(const std::filesystem::path& path) {
  return !read_card(path)["launches"].back().contains("outcome");
}

void require_same_inputs(const std::string& where, const Json& there,
                         const std::map<std::string, std::string>& here) {
  std::string differences;
  for (const auto& [name, hash] : here) {
    if (!there.contains(name)) {
      differences += "\n  " + name + ": not there before, now " + hash;
    } else if (there[name] != hash) {
      differences += "\n  " + name + ": before " + there[name].dump() + ", now " + hash;
    }
  }
  for (const auto& [name, hash] : there.items())
    if (!here.contains(name)) differences += "\n  " + name + ": before " + hash.dump() + ", not there now";
  if (differences.empty()) return;
  throw Error(Error::Kind::kUnsafe, where + ": the run there was made from other inputs:" + differences +
                                        "\nName another run directory, or bring the inputs back");
}

}  // namespace caravan::trainer
