// Forward and backward through a model's units one at a time: every unit runs on a detached leaf, and the way
// back walks the list from the end.
//
// All ranks walk together: where parameters or gradients are sharded, a unit's turn begins and ends with
// everybody. A rank that has nothing to compute stands by.
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

#include "trainer/distributed/unit_shards.h"

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
  // `units` must outlive the pass.
  SegmentedPass(UnitShards& units, std::int64_t recompute_every)
      : units_(units), model_(units.model()), recompute_every_(recompute_every) {}

  // Normed hidden states [T, D], detached; the head is there for the loss until backward. `perturb`, if
  // given, changes the embeddings in place before the first block (training noise).
  at::Tensor forward(const ModelInput& input, const std::function<void(at::Tensor&)>& perturb = {});
  // Gradients of all parameters are added to the units' buffers. Frees the activations.
  void backward(at::Tensor d_hidden_TD);
  // The part of a rank without a micro-batch while others go forward and back.
  void stand_by();
  // Hidden states without keeping anything: evaluation. The head is there until the next pass. `see`, if
  // given, is shown the output of each unit by name.
  at::Tensor evaluate(const ModelInput& input,
                      const std::function<void(const std::string&, const at::Tensor&)>& see = {});
  void stand_by_evaluation();

 private:
  struct Kept {
    at::Tensor leaf, output;  // output undefined: computed again on the way back
    std::function<at::Tensor(const at::Tensor&)> unit;
  };
  bool recomputes(std::int64_t layer) const { return recompute_every_ > 0 && layer % recompute_every_ == 0; }
  at::Tensor run(const at::Tensor& hidden, bool keep_graph,
                 std::function<at::Tensor(const at::Tensor&)> unit);
  // A unit's turn on the way forward and on the way back.
  template <class Compute>
  void forward_turn(std::size_t unit, Compute&& compute);
  template <class Compute>
  void backward_turn(std::size_t unit, Compute&& compute);
  std::size_t head_unit() const;
  void open_head();

  UnitShards& units_;
  models::Llama& model_;
  std::int64_t recompute_every_;
  at::Tensor ids_T_;
  std::vector<Kept> kept_;
};

}  // namespace caravan::trainer
