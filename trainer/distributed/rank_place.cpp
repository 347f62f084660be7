#include "trainer/distributed/rank_place.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "trainer/distributed/slurm.h"
#include "trainer/error.h"

namespace caravan::trainer {

namespace {

constexpr int kDefaultPort = 29500;

[[noreturn]] void refuse(const std::string& text) {
  throw Error(Error::Kind::kUsage, text);
}

// The variables, with errors that name them.
class Variables {
 public:
  explicit Variables(const Environment& environment) : environment_(environment) {}

  bool has(const std::string& name) const { return !text(name).empty(); }
  std::string text(const std::string& name) const {
    const auto found = environment_.find(name);
    return found == environment_.end() ? "" : found->second;
  }
  std::string shown(const std::string& name) const { return name + "=" + text(name); }

  int number(const std::string& name, int lowest = 0, int highest = std::numeric_limits<int>::max()) const {
    const std::string value = text(name);
    if (value.empty()) refuse(name + " is not set, though other variables of this launcher are; set it");
    int parsed = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), parsed);
    if (error != std::errc() || end != value.data() + value.size() || parsed < lowest || parsed > highest)
      refuse(name + " is \"" + value + "\"; allowed: a whole number from " + std::to_string(lowest) +
             (highest == std::numeric_limits<int>::max() ? "" : " to " + std::to_string(highest)));
    return parsed;
  }
  int number_or(const std::string& name, int otherwise, int lowest = 0) const {
    return has(name) ? number(name, lowest) : otherwise;
  }

 private:
  const Environment& environment_;
};

void require_less(const std::string& small_name, int small, const std::string& large_name, int large,
                  bool may_be_equal = false) {
  if (small < large || (may_be_equal && small == large)) return;
  refuse(small_name + " is " + std::to_string(small) + " but " + large_name + " is " + std::to_string(large) +
         "; the first must be " + (may_be_equal ? "no larger" : "smaller"));
}

void check(const RankPlace& place, const std::string& rank, const std::string& size) {
  require_less(rank, place.rank, size, place.size);
  require_less("the rank on this machine", place.local_rank, "the number of ranks on it", place.local_size);
  require_less("the number of ranks on this machine", place.local_size, size, place.size, true);
}

// Where the ranks meet. `host`: the launcher's own idea of it; "" where it has none.
void find_master(const Variables& v, RankPlace& place, const std::string& host, int port) {
  place.master_host = v.has("MASTER_ADDR") ? v.text("MASTER_ADDR") : host;
  place.master_port = v.has("MASTER_PORT") ? v.number("MASTER_PORT", 1, 65535) : port;
  if (!place.master_host.empty()) return;
  if (!place.is_on_one_machine())
    refuse("MASTER_ADDR is not set, and " + place.source +
           " does not say where rank 0 runs; set it to the name of that machine on all ranks");
  place.master_host = "127.0.0.1";
}

bool is_started_as_ranks(const Variables& v) {
  return v.has("TORCHELASTIC_RUN_ID") || v.has("CARAVAN_LAUNCH_ID");
}

RankPlace from_rank_variables(const Variables& v) {
  RankPlace place;
  place.rank = v.number(v.has("RANK") ? "RANK" : "JOB_COMPLETION_INDEX");
  place.size = v.number("WORLD_SIZE", 1);
  place.local_rank = v.number_or("LOCAL_RANK", 0);
  place.local_size = v.number_or("LOCAL_WORLD_SIZE", place.local_rank + 1, 1);
  if (v.has("TORCHELASTIC_RUN_ID")) {
    place.source = "torchrun";
    place.attempt = v.text("TORCHELASTIC_RUN_ID") + "-" + v.text("TORCHELASTIC_RESTART_COUNT");
    place.agent_holds_store = v.text("TORCHELASTIC_USE_AGENT_STORE") == "True";
  } else if (v.has("CARAVAN_LAUNCH_ID")) {
    place.source = "caravan launch";
    place.attempt = v.text("CARAVAN_LAUNCH_ID");
  } else {
    place.source = "RANK and WORLD_SIZE";
  }
  if (place.size > 1 && !v.has("MASTER_ADDR"))
    refuse("MASTER_ADDR is not set, though RANK and WORLD_SIZE are; set it to the machine of rank 0");
  find_master(v, place, "", kDefaultPort);
  check(place, v.has("RANK") ? "RANK" : "JOB_COMPLETION_INDEX", "WORLD_SIZE");
  return place;
}

RankPlace from_slurm(const Variables& v) {
  const std::string size = v.has("SLURM_STEP_NUM_TASKS") ? "SLURM_STEP_NUM_TASKS" : "SLURM_NTASKS";
  RankPlace place;
  place.source = "SLURM";
  place.rank = v.number("SLURM_PROCID");
  place.size = v.number(size, 1);
  place.local_rank = v.number_or("SLURM_LOCALID", 0);
  std::vector<std::string> hosts;
  for (const char* list : {"SLURM_STEP_NODELIST", "SLURM_JOB_NODELIST"})
    if (hosts.empty() && v.has(list)) hosts = parse_host_list(v.text(list));
  place.local_size = hosts.size() > 1 ? place.local_rank + 1 : place.size;
  const auto node = static_cast<std::size_t>(v.number_or("SLURM_NODEID", 0));
  for (const char* counts : {"SLURM_TASKS_PER_NODE", "SLURM_STEP_TASKS_PER_NODE"}) {
    if (!v.has(counts)) continue;
    const std::vector<std::int64_t> tasks = parse_tasks_per_node(v.text(counts));
    if (node < tasks.size())
      place.local_size = static_cast<int>(std::min<std::int64_t>(tasks[node], place.size));
  }
  const int job = v.number_or("SLURM_JOB_ID", 0), step = v.number_or("SLURM_STEP_ID", 0);
  place.attempt =
      "slurm-" + std::to_string(job) + "-" + std::to_string(step) + "-" + v.text("SLURM_RESTART_COUNT");
  find_master(v, place, hosts.empty() ? "" : hosts[0], 10000 + (job % 20000 + step % 20000) % 20000);
  check(place, "SLURM_PROCID", size);
  return place;
}

RankPlace from_mpi(const Variables& v, const std::string& source, const std::string& rank,
                   const std::string& size, const std::string& local_rank, const std::string& local_size) {
  RankPlace place;
  place.source = source;
  place.rank = v.number(rank);
  place.size = v.number(size, 1);
  place.local_rank = v.number_or(local_rank, 0);
  place.local_size = v.number_or(local_size, place.local_rank + 1, 1);
  find_master(v, place, "", kDefaultPort);
  check(place, rank, size);
  return place;
}

struct Source {
  std::string name, rank, size;
  RankPlace (*find)(const Variables&);
};

// In the order in which they are believed.
const std::vector<Source>& sources() {
  static const std::vector<Source> all{
      {"RANK and WORLD_SIZE", "RANK", "WORLD_SIZE", from_rank_variables},
      // An indexed job of Kubernetes; without WORLD_SIZE its pods have nothing to do with each other.
      {"RANK and WORLD_SIZE", "JOB_COMPLETION_INDEX", "WORLD_SIZE", from_rank_variables},
      {"SLURM", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", from_slurm},
      {"SLURM", "SLURM_PROCID", "SLURM_NTASKS", from_slurm},
      {"Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE",
       [](const Variables& v) {
         return from_mpi(v, "Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE",
                         "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE");
       }},
      {"MPICH or Intel MPI", "PMI_RANK", "PMI_SIZE",
       [](const Variables& v) {
         return from_mpi(v, "MPICH or Intel MPI", "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID",
                         "MPI_LOCALNRANKS");
       }},
  };
  return all;
}

// Ranks of torchrun or ours may well run inside of a job step with other numbers. Set by hand, the numbers
// must be those of the launcher around: else several processes would do the work of one rank.
void require_agreement(const Variables& v, const Source& chosen, const Source& other) {
  if (is_started_as_ranks(v) || v.number(other.size, 1) == 1) return;
  for (const auto& [mine, theirs] : {std::pair(chosen.size, other.size), std::pair(chosen.rank, other.rank)})
    if (v.text(mine) != v.text(theirs))
      refuse(v.shown(mine) + " contradicts " + v.shown(theirs) + "; unset one of the two, on all ranks");
}

}  // namespace

std::string RankPlace::describe() const {
  if (size == 1) return "a single process";
  std::string text = "rank " + std::to_string(rank) + " of " + std::to_string(size) + " from " + source +
                     ", which meet at " + master_host + ":" + std::to_string(master_port);
  for (std::size_t i = 0; i < unused.size(); ++i) text += (i == 0 ? "; not used: " : ", ") + unused[i];
  return text;
}

RankPlace find_rank_place(const Environment& environment) {
  const Variables v(environment);
  if (v.has("RANK") && !v.has("WORLD_SIZE"))
    refuse(v.shown("RANK") + " but WORLD_SIZE is not set; set both, or neither");
  if (v.has("LOCAL_RANK") && !v.has("RANK"))
    refuse(v.shown("LOCAL_RANK") + " but RANK is not set; set both, or neither");
  const Source* chosen = nullptr;
  RankPlace place;
  for (const Source& source : sources()) {
    if (!v.has(source.rank) || !v.has(source.size)) continue;
    if (chosen == nullptr) {
      chosen = &source;
      place = source.find(v);
      continue;
    }
    require_agreement(v, *chosen, source);
    if (source.name != chosen->name &&
        std::find(place.unused.begin(), place.unused.end(), source.name) == place.unused.end())
      place.unused.push_back(source.name);
  }
  return place;
}

Environment read_environment() {
  Environment environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const auto equals = text.find('=');
    if (equals != std::string::npos) environment[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return environment;
}

int device_index(const RankPlace& place, int visible) {
  if (visible == 1) return 0;
  if (place.local_rank < visible) return place.local_rank;
  refuse("rank " + std::to_string(place.rank) + " is number " + std::to_string(place.local_rank) +
         " on this machine, counted from 0, but only " + std::to_string(visible) +
         " CUDA devices are visible; start as many ranks as there are devices, or set run.device=cpu");
}

}  // namespace caravan::trainer
