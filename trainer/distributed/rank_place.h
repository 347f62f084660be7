// Which of how many ranks this process is, and where they meet: read from the environment that a launcher
// made.
//
// A function of the variables alone. The first of these that says anything wins: torchrun and caravan launch
// (RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR, MASTER_PORT), the same variables set by hand or by Kubernetes,
// SLURM (srun), Open MPI, MPICH and Intel MPI; none of them: a single process. Variables that contradict each
// other are refused: what was started as one run must not become several.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace caravan::trainer {

using Environment = std::map<std::string, std::string>;

struct RankPlace {
  int rank = 0, size = 1;
  int local_rank = 0, local_size = 1;  // among the ranks of this machine
  std::string master_host = {};        // where rank 0 runs
  int master_port = 0;
  bool agent_holds_store = false;  // torchrun's agent listens there, and rank 0 too connects to it
  std::string attempt = {};        // tells this start from an earlier one of the same ranks
  std::string source = "a single process";
  std::vector<std::string> unused = {};  // others that say something too: "SLURM"
  bool operator==(const RankPlace&) const = default;

  bool is_on_one_machine() const { return local_size == size; }
  // "rank 0 of 4 from torchrun, which meet at node1:29500; not used: SLURM"
  std::string describe() const;
};

// Throws Error (usage) naming the variables, their values and what is allowed.
RankPlace find_rank_place(const Environment& environment);
// Of this process.
Environment read_environment();

// Which of `visible` CUDA devices a rank takes: its own where there are as many as ranks, the only one where
// a launcher shows each rank one. Throws Error (usage) where there are several, but too few.
int device_index(const RankPlace& place, int visible);

}  // namespace caravan::trainer
