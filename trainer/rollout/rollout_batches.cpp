#include "trainer/rollout/rollout_batches.h"

#include <algorithm>
#include <map>

#include "data/loader/pack.h"

namespace caravan::trainer {

namespace {

// Places of trajectories that share their prompt.
struct Family {
  std::vector<std::uint32_t> places;
  std::int64_t tokens = 0;
};

class Builder {
 public:
  Builder(const std::vector<const Trajectory*>& trajectories,
          const std::function<const data::Prompt&(std::uint32_t)>& prompt_of,
          const RolloutBatchOptions& options)
      : trajectories_(trajectories), prompt_of_(prompt_of), options_(options) {}

  // In the order of their first members; a family that is full is followed by another of the same prompt.
  std::vector<Family> families() const {
    std::vector<Family> all;
    std::map<std::uint32_t, std::size_t> open;
    for (std::uint32_t place = 0; place < trajectories_.size(); ++place) {
      const Trajectory& one = *trajectories_[place];
      const auto prompt = std::ssize(prompt_of_(one.prompt).ids), answer = std::ssize(one.ids);
      const auto found = open.find(one.prompt);
      if (options_.share_prompts && found != open.end() &&
          all[found->second].tokens + 1 + answer <= options_.micro_tokens) {
        all[found->second].places.push_back(place);
        all[found->second].tokens += 1 + answer;
      } else {
        open[one.prompt] = all.size();
        all.push_back({{place}, prompt + answer});
      }
    }
    return all;
  }

  void add(const Family& family, data::MicroBatch& batch) const {
    const auto start = static_cast<std::int32_t>(batch.ids.size());
    for (const std::uint32_t place : family.places) {
      const bool first = place == family.places.front();
      const auto prompt = static_cast<std::int32_t>(prompt_of_(trajectories_[place]->prompt).ids.size());
      batch.prefix_starts.push_back(first ? 0 : start);
      batch.prefix_lengths.push_back(first ? 0 : prompt - 1);
      batch.document_indices.push_back(place);
      add_document(*trajectories_[place], batch);
    }
  }

 private:
  // All tokens of prompt and completion but those of the prefix.
  void add_document(const Trajectory& one, data::MicroBatch& batch) const {
    const data::Prompt& prompt = prompt_of_(one.prompt);
    std::vector<std::int32_t> ids = prompt.ids;
    ids.insert(ids.end(), one.ids.begin(), one.ids.end());
    for (auto t = static_cast<std::size_t>(batch.prefix_lengths.back()); t < ids.size(); ++t) {
      const bool last = t + 1 == ids.size(), trained = !last && t + 1 >= prompt.ids.size();
      const std::size_t at = trained ? t + 1 - prompt.ids.size() : 0;
      const auto value = [&](const std::vector<float>& values) {
        return trained && !values.empty() ? values[at] : 0.f;
      };
      batch.ids.push_back(ids[t]);
      batch.targets.push_back(last ? data::MicroBatch::kNoTarget : ids[t + 1]);
      batch.weights.push_back(trained ? 1.f : 0.f);
      batch.positions.push_back(static_cast<std::int32_t>(t));
      batch.sampled.sampling_log_probs.push_back(value(one.sampling_log_probs));
      batch.sampled.old_log_probs.push_back(value(one.old_log_probs));
      batch.sampled.advantages.push_back(value(one.advantages));
      if (options_.has_reference) batch.reference_log_probs.push_back(value(one.reference_log_probs));
      if (!options_.has_values) continue;
      batch.sampled.old_values.push_back(value(one.old_values));
      batch.sampled.returns.push_back(value(one.returns));
    }
    batch.doc_starts.push_back(static_cast<std::int32_t>(batch.ids.size()));
    batch.documents.push_back(prompt.where);
    batch.roles.push_back(data::DocumentRole::kExample);
  }

  const std::vector<const Trajectory*>& trajectories_;
  const std::function<const data::Prompt&(std::uint32_t)>& prompt_of_;
  const RolloutBatchOptions& options_;
};

}  // namespace

std::vector<data::MicroBatch> rollout_batches(
    const std::vector<const Trajectory*>& trajectories,
    const std::function<const data::Prompt&(std::uint32_t)>& prompt_of, const RolloutBatchOptions& options) {
  const Builder builder(trajectories, prompt_of, options);
  const std::vector<Family> families = builder.families();
  std::vector<std::uint32_t> lengths;
  for (const Family& family : families) lengths.push_back(static_cast<std::uint32_t>(family.tokens));
  std::vector<data::MicroBatch> batches;
  for (const std::vector<std::uint32_t>& together : data::pack_best_fit(lengths, options.micro_tokens)) {
    data::MicroBatch& batch = batches.emplace_back();
    batch.doc_starts.push_back(0);
    for (const std::uint32_t family : together) builder.add(families[family], batch);
  }
  return batches;
}

}  // namespace caravan::trainer
