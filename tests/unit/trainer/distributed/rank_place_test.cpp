#include "trainer/distributed/rank_place.h"

#include <gtest/gtest.h>

#include "trainer/distributed/rank_threads.h"
#include "trainer/error.h"

namespace caravan::trainer {
namespace {

// The message of the refusal, "" where there was none.
std::string refusal(const Environment& environment) {
  try {
    find_rank_place(environment);
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), 2);
    return error.what();
  }
}

Environment torchrun() {
  return {{"RANK", "5"},
          {"WORLD_SIZE", "8"},
          {"LOCAL_RANK", "1"},
          {"LOCAL_WORLD_SIZE", "4"},
          {"MASTER_ADDR", "node1"},
          {"MASTER_PORT", "29501"},
          {"TORCHELASTIC_RUN_ID", "job"},
          {"TORCHELASTIC_RESTART_COUNT", "2"},
          {"TORCHELASTIC_USE_AGENT_STORE", "True"}};
}

Environment slurm() {
  return {{"SLURM_PROCID", "3"},
          {"SLURM_NTASKS", "4"},
          {"SLURM_STEP_NUM_TASKS", "4"},
          {"SLURM_LOCALID", "1"},
          {"SLURM_NODEID", "1"},
          {"SLURM_JOB_NODELIST", "gpu[07-08]"},
          {"SLURM_STEP_NODELIST", "gpu[07-08]"},
          {"SLURM_TASKS_PER_NODE", "2(x2)"},
          {"SLURM_JOB_ID", "1234567"},
          {"SLURM_STEP_ID", "0"}};
}

TEST(RankPlace, NothingIsASingleProcess) {
  EXPECT_EQ(find_rank_place({}), RankPlace{});
  EXPECT_EQ(find_rank_place({{"HOME", "/"}, {"JOB_COMPLETION_INDEX", "3"}}).size, 1);
  EXPECT_EQ(find_rank_place({{"RANK", ""}, {"WORLD_SIZE", ""}}).size, 1);
}

TEST(RankPlace, Torchrun) {
  const RankPlace expected{.rank = 5,
                           .size = 8,
                           .local_rank = 1,
                           .local_size = 4,
                           .master_host = "node1",
                           .master_port = 29501,
                           .agent_holds_store = true,
                           .attempt = "job-2",
                           .source = "torchrun"};
  EXPECT_EQ(find_rank_place(torchrun()), expected);
  Environment other = torchrun();
  other["TORCHELASTIC_USE_AGENT_STORE"] = "False";
  EXPECT_FALSE(find_rank_place(other).agent_holds_store);
  EXPECT_EQ(expected.describe(), "rank 5 of 8 from torchrun, which meet at node1:29501");
}

// srun starts one torchrun a node: other numbers, and no contradiction.
TEST(RankPlace, TorchrunInsideOfSlurm) {
  Environment both = torchrun();
  both.merge(slurm());
  const RankPlace place = find_rank_place(both);
  EXPECT_EQ(place.rank, 5);
  EXPECT_EQ(place.unused, std::vector<std::string>{"SLURM"});
  EXPECT_TRUE(place.describe().ends_with("; not used: SLURM"));
}

TEST(RankPlace, Slurm) {
  RankPlace place = find_rank_place(slurm());
  const RankPlace expected{.rank = 3,
                           .size = 4,
                           .local_rank = 1,
                           .local_size = 2,
                           .master_host = "gpu07",
                           .master_port = 10000 + 1234567 % 20000,
                           .attempt = "slurm-1234567-0-",
                           .source = "SLURM"};
  EXPECT_EQ(place, expected);
  Environment other = slurm();
  other["SLURM_RESTART_COUNT"] = "1";
  other["MASTER_ADDR"] = "10.0.0.1";
  other["MASTER_PORT"] = "4000";
  place = find_rank_place(other);
  EXPECT_NE(place.attempt, expected.attempt);
  EXPECT_EQ(place.master_host, "10.0.0.1");
  EXPECT_EQ(place.master_port, 4000);
  // Every step of a job has a port of its own.
  other = slurm();
  other["SLURM_STEP_ID"] = "1";
  EXPECT_EQ(find_rank_place(other).master_port, expected.master_port + 1);
}

TEST(RankPlace, Mpi) {
  const RankPlace open_mpi = find_rank_place({{"OMPI_COMM_WORLD_RANK", "1"},
                                              {"OMPI_COMM_WORLD_SIZE", "2"},
                                              {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
                                              {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}});
  EXPECT_EQ(open_mpi.rank, 1);
  EXPECT_EQ(open_mpi.master_host, "127.0.0.1");
  EXPECT_EQ(open_mpi.source, "Open MPI");
  const Environment intel{
      {"PMI_RANK", "2"}, {"PMI_SIZE", "4"}, {"MPI_LOCALRANKID", "0"}, {"MPI_LOCALNRANKS", "2"}};
  EXPECT_NE(refusal(intel).find("MASTER_ADDR is not set, and MPICH or Intel MPI does not say"),
            std::string::npos);
  Environment named = intel;
  named["MASTER_ADDR"] = "node1";
  EXPECT_EQ(find_rank_place(named).rank, 2);
}

TEST(RankPlace, Kubernetes) {
  const RankPlace place = find_rank_place(
      {{"RANK", "1"}, {"WORLD_SIZE", "3"}, {"MASTER_ADDR", "job-master-0"}, {"MASTER_PORT", "23456"}});
  EXPECT_EQ(place.rank, 1);
  EXPECT_EQ(place.local_size, 1);
  EXPECT_EQ(place.master_port, 23456);
  const RankPlace indexed =
      find_rank_place({{"JOB_COMPLETION_INDEX", "2"}, {"WORLD_SIZE", "3"}, {"MASTER_ADDR", "job-0"}});
  EXPECT_EQ(indexed.rank, 2);
  EXPECT_EQ(indexed.size, 3);
}

TEST(RankPlace, ContradictionsNameBothValues) {
  Environment hand{{"RANK", "0"}, {"WORLD_SIZE", "1"}, {"MASTER_ADDR", "a"}};
  hand.merge(slurm());
  EXPECT_EQ(refusal(hand),
            "WORLD_SIZE=1 contradicts SLURM_STEP_NUM_TASKS=4; unset one of the two, on all ranks");
  hand["WORLD_SIZE"] = "4";
  EXPECT_EQ(refusal(hand), "RANK=0 contradicts SLURM_PROCID=3; unset one of the two, on all ranks");
  hand["RANK"] = "3";
  EXPECT_EQ(refusal(hand), "");
  EXPECT_EQ(
      refusal({{"RANK", "1"}, {"WORLD_SIZE", "2"}, {"MASTER_ADDR", "a"}, {"JOB_COMPLETION_INDEX", "0"}}),
      "RANK=1 contradicts JOB_COMPLETION_INDEX=0; unset one of the two, on all ranks");
}

TEST(RankPlace, WhatIsMissingOrOutOfRange) {
  EXPECT_EQ(refusal({{"RANK", "1"}}), "RANK=1 but WORLD_SIZE is not set; set both, or neither");
  EXPECT_EQ(refusal({{"LOCAL_RANK", "1"}}), "LOCAL_RANK=1 but RANK is not set; set both, or neither");
  EXPECT_EQ(refusal({{"RANK", "2"}, {"WORLD_SIZE", "2"}, {"MASTER_ADDR", "a"}}),
            "RANK is 2 but WORLD_SIZE is 2; the first must be smaller");
  EXPECT_EQ(refusal({{"RANK", "1"}, {"WORLD_SIZE", "2"}}),
            "MASTER_ADDR is not set, though RANK and WORLD_SIZE are; set it to the machine of rank 0");
  EXPECT_EQ(refusal({{"RANK", "-1"}, {"WORLD_SIZE", "2"}}), "RANK is \"-1\"; allowed: a whole number from 0");
  EXPECT_EQ(refusal({{"RANK", "0"}, {"WORLD_SIZE", "two"}}),
            "WORLD_SIZE is \"two\"; allowed: a whole number from 1");
  EXPECT_NE(refusal({{"RANK", "0"}, {"WORLD_SIZE", "2"}, {"MASTER_ADDR", "a"}, {"MASTER_PORT", "99999"}}),
            "");
  Environment environment = torchrun();
  environment["LOCAL_RANK"] = "4";
  EXPECT_EQ(refusal(environment),
            "the rank on this machine is 4 but the number of ranks on it is 4; the first must be smaller");
}

TEST(RankPlace, Devices) {
  RankPlace place{.rank = 5, .size = 8, .local_rank = 1, .local_size = 4};
  EXPECT_EQ(device_index(place, 4), 1);
  EXPECT_EQ(device_index(place, 1), 0);  // the launcher shows each rank its own
  place.local_rank = 3;
  EXPECT_THROW(device_index(place, 2), Error);
}

TEST(RankThreads, TheShareUnlessTheUserSaysOtherwise) {
  const RankPlace torchrun_place{.source = "torchrun"}, other{.source = "SLURM"};
  EXPECT_EQ(threads_of_rank(4, other, {}).count, 4);
  EXPECT_EQ(threads_of_rank(4, other, {{"OMP_NUM_THREADS", "1"}}).count, 1);
  EXPECT_EQ(threads_of_rank(4, torchrun_place, {{"OMP_NUM_THREADS", "1"}}).count, 4);
  EXPECT_NE(threads_of_rank(4, torchrun_place, {{"OMP_NUM_THREADS", "1"}}).reason.find("torchrun's default"),
            std::string::npos);
  EXPECT_EQ(threads_of_rank(4, torchrun_place, {{"OMP_NUM_THREADS", "3"}}).count, 3);
  EXPECT_EQ(threads_of_rank(4, other, {{"OMP_NUM_THREADS", "4,2"}}).count, 4);
}

}  // namespace
}  // namespace caravan::trainer
