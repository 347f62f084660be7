// Forward and backward through a model's units one at a time: every unit runs on a detached leaf, and the way
// back walks the list from the end.
//
// So the moments that matter are plain lines in a visible loop: a unit's parameters are needed from just
// before to just after its turn, its gradients are final right after its backward, its activations are kept
// or computed again by policy.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "models/llama/llama.h"

namespace caravan::trainer {

// One micro-batch on the model's device.
struct ModelInput {
  at::Tensor ids_T;  // int64
  models::PackedLayout layout;
};

class SegmentedPass {
 public:
  // recompute_every: 0 keeps all activations, 1 keeps none but the inputs of blocks, n recomputes blocks 0,
  // n, 2n, ...
  SegmentedPass(models::Llama& model, std::int64_t recompute_every)
      : model_(model), recompute_every_(recompute_every) {}

  // Normed hidden states [T, D], detached. `perturb`, if given, changes the embeddings in place before the
  // first block (training noise).
  at::Tensor forward(const ModelInput& input, const std::function<void(at::Tensor&)>& perturb = {});
  // Gradients of all parameters are added to the units' buffers. Frees the activations.
  void backward(at::Tensor d_hidden_TD);
  // Hidden states without keeping anything: evaluation. `see`, if given, is shown the output of each unit by
  // name.
  at::Tensor evaluate(const ModelInput& input,
                      const std::function<void(const std::string&, const at::Tensor&)>& see = {});

 private:
  struct Kept {
    at::Tensor leaf, output;  // output undefined: computed again on the way back
    std::function<at::Tensor(const at::Tensor&)> unit;
  };
  bool recomputes(std::int64_t layer) const { return recompute_every_ > 0 && layer % recompute_every_ == 0; }
  at::Tensor run(const at::Tensor& hidden, bool keep_graph,
                 std::function<at::Tensor(const at::Tensor&)> unit);

  models::Llama& model_;
  std::int64_t recompute_every_;
  at::Tensor ids_T_;
  std::vector<Kept> kept_;
};

}  // namespace caravan::trainer
