#include "recipes/commands/launch.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "recipes/command_flags.h"
#include "recipes/launch/rank_team.h"

namespace caravan::recipes {

namespace {

constexpr const char* kUsage =
    "caravan launch --nproc N [flags] -- train RECIPE.yaml [key=value ...]\n"
    "\n"
    "Runs a command of caravan as N ranks on this machine. Their output is shown in whole lines, marked with "
    "the rank;\n"
    "SIGTERM, SIGINT, SIGHUP and SIGUSR1 are handed on. Once a rank fails the others are ended, within 20 s, "
    "and its exit\n"
    "code is the launcher's. No rank outlives the launcher.\n"
    "  --nproc N            ranks on this machine\n"
    "  --nnodes M           machines, each with a launcher of its own and as many ranks (1)\n"
    "  --node-rank K        which of them this is, from 0 (0)\n"
    "  --master HOST:PORT   where the ranks meet: a port of machine 0; needed for several machines, else a "
    "free "
    "one\n"
    "  --max-restarts R     start all ranks again, at most R times, where one was killed or lost (0); the "
    "run "
    "goes on\n"
    "                       from its newest checkpoint\n";

struct LaunchArgs {
  std::optional<std::int64_t> nproc, nnodes, node_rank, max_restarts;
  std::string master;
  std::vector<std::string> command;
};

// Whether other ranks, or another moment, may do better: not where the recipe, the data or the numbers are
// wrong, nor where somebody wanted the end.
bool may_restart(const TeamEnd& end) {
  constexpr std::array kMayPass{1, 74, 76};
  return !end.was_told && std::find(kMayPass.begin(), kMayPass.end(), end.code) != kMayPass.end();
}

void read_master(const CommandFlags& flags, const std::string& master, TeamOptions& team) {
  const auto colon = master.rfind(':');
  const std::string port = colon == std::string::npos ? "" : master.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), team.master_port);
  if (colon == 0 || error != std::errc() || end != port.data() + port.size() || team.master_port < 1 ||
      team.master_port > 65535)
    flags.refuse("--master: found \"" + master + "\"; allowed: HOST:PORT, for example node1:29500");
  team.master_host = master.substr(0, colon);
}

std::string own_program() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).string();
}

TeamOptions team_of(const CommandFlags& flags, const LaunchArgs& args) {
  if (!args.nproc) flags.refuse("--nproc is not given; it says how many ranks to start");
  const std::int64_t nnodes = args.nnodes.value_or(1), node_rank = args.node_rank.value_or(0);
  if (node_rank >= nnodes)
    flags.refuse("--node-rank is " + std::to_string(node_rank) + " but --nnodes is " +
                 std::to_string(nnodes) + "; machines are counted from 0");
  if (nnodes > 1 && args.master.empty())
    flags.refuse("--nnodes needs --master HOST:PORT, the same on all machines");
  if (args.command.empty())
    flags.refuse("no command; write for example launch --nproc 2 -- train RECIPE.yaml");
  TeamOptions team;
  team.ranks_here = static_cast<int>(*args.nproc);
  team.first_rank = static_cast<int>(node_rank * *args.nproc);
  team.num_ranks = static_cast<int>(nnodes * *args.nproc);
  if (!args.master.empty()) read_master(flags, args.master, team);
  team.words = args.command;
  team.words.insert(team.words.begin(), own_program());
  return team;
}

}  // namespace

int run_launch(std::span<const std::string> args) {
  LaunchArgs launch;
  CommandFlags flags("launch", kUsage);
  flags.add_integer("--nproc", launch.nproc, 1, 1024);
  flags.add_integer("--nnodes", launch.nnodes, 1, 65536);
  flags.add_integer("--node-rank", launch.node_rank, 0, 65535);
  flags.add_text("--master", launch.master);
  flags.add_integer("--max-restarts", launch.max_restarts, 0, 1000);
  const auto dashes = std::find(args.begin(), args.end(), "--");
  if (!flags.parse(std::span(args.begin(), dashes))) return 0;
  if (dashes != args.end()) launch.command.assign(dashes + 1, args.end());
  TeamOptions team = team_of(flags, launch);
  const bool is_port_given = team.master_port != 0;
  const std::int64_t attempts = launch.max_restarts.value_or(0) + 1;
  for (std::int64_t attempt = 1;; ++attempt) {
    if (!is_port_given) team.master_port = free_port();
    team.launch_id = "launch-" + std::to_string(attempt);
    const TeamEnd end = run_team(team);
    if (!end.cause.empty()) std::fprintf(stderr, "caravan: launch: %s\n", end.cause.c_str());
    if (end.code == 0 || attempt == attempts || !may_restart(end)) return end.code;
    std::fprintf(stderr, "caravan: launch: starting the ranks again, restart %lld of %lld\n",
                 static_cast<long long>(attempt), static_cast<long long>(attempts - 1));
  }
}

}  // namespace caravan::recipes
