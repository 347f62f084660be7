#include "trainer/ask_model.h"

#include <ATen/ATen.h>

#include "trainer/batch_tensors.h"
#include "trainer/distributed/gather_terms.h"

namespace caravan::trainer {

AskModel ask_model(UnitShards& units, SegmentedPass& pass) {
  return [&units, &pass](const std::vector<data::MicroBatch>& batches, const Answer& answer) {
    ProcessGroup& group = units.group();
    models::Llama& model = units.model();
    std::map<std::size_t, std::vector<double>> own;
    for (std::int64_t round = 0; round < num_rounds(batches.size(), group); ++round) {
      const auto index = static_cast<std::size_t>(round * group.size() + group.rank());
      if (index >= batches.size()) {
        pass.stand_by_evaluation();
        continue;
      }
      const at::Tensor hidden_TD = pass.evaluate(model_input(batches[index], model.device()));
      const at::Tensor numbers =
          answer(hidden_TD, output_head(model), batches[index]).to(at::kCPU).contiguous();
      own[index].assign(numbers.data_ptr<double>(), numbers.data_ptr<double>() + numbers.numel());
      group.note_progress();
    }
    return gather_numbers(group, own, batches.size(), "numbers of the step");
  };
}

}  // namespace caravan::trainer
