// What an objective reports of one micro-batch. It stays a pair until it is printed: pairs add over
// micro-batches and ranks, means do not.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>

namespace caravan::losses {

// A quantity that is summed over micro-batches and ranks and divided once.
struct Ratio {
  at::Tensor sum;      // scalar, fp64, on the loss's device: reading it waits for the device
  double count = 0.0;  // known on the host
};

struct LossTerms {
  Ratio loss;
  std::map<std::string, Ratio> metrics;  // by metric name, without the "train/" in front
  at::Tensor margins_B = {};  // fp64, of each pair in its order: how far chosen wins; undefined: no pairs
};

}  // namespace caravan::losses
