// What micro-batches cost, in their global order, whoever computed them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "losses/loss_terms.h"
#include "trainer/distributed/process_group.h"

namespace caravan::trainer {

// Micro-batch i of a list is computed by rank i mod R, in round i / R.
std::int64_t num_rounds(std::size_t micro_batches, const ProcessGroup& group);

// LossTerms on the host.
struct BatchTerms {
  struct Ratio {
    double sum = 0.0, count = 0.0;
  };
  Ratio loss;
  std::map<std::string, Ratio> metrics;
  std::vector<double> margins;  // of pairs, in their order
};

// The terms of all ranks' micro-batches on every rank, so that sums over them have the same bits for any
// number of ranks. `own`: index -> terms. Collective; waits for the device. `name`: for messages.
std::vector<BatchTerms> gather_terms(ProcessGroup& group, const std::map<std::size_t, losses::LossTerms>& own,
                                     std::size_t micro_batches, const std::string& name);

// The same for plain numbers, as many as each micro-batch has. Collective.
std::vector<std::vector<double>> gather_numbers(ProcessGroup& group,
                                                const std::map<std::size_t, std::vector<double>>& own,
                                                std::size_t micro_batches, const std::string& name);

}  // namespace caravan::trainer
