#include "recipes/stages/stage_reference.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>

#include "data/choice_name.h"
#include "models/ops/cpu/kernels.h"
#include "recipes/device.h"
#include "recipes/stages/stage_checkpoints.h"
#include "trainer/error.h"
#include "trainer/metrics/console_sink.h"

namespace caravan::recipes {

namespace {

using trainer::ReferenceCache;

// Everything that the numbers depend on. `hashes`: of all inputs of the run.
nlohmann::json key_of(const Recipe& recipe, const std::map<std::string, std::string>& hashes,
                      const std::string& tokenizer, const at::Device& device, const std::string& documents) {
  const std::string prefix = recipe.reference.path.empty() ? "model:" : "reference:";
  nlohmann::json key = {{"format", 2},
                        {"tokens", documents},
                        {"tokenizer", tokenizer},
                        {"dtype", data::choice_name(recipe.model.dtype)},
                        {"device", device_kind(device)}};
  // Kernels of another instruction set round differently.
  if (device.is_cpu()) key["instructions"] = models::cpu::kernel_isa();
  for (const auto& [name, hash] : hashes)
    if (name.starts_with(prefix)) key["weights " + name.substr(prefix.size())] = hash;
  if (recipe.reference.path.empty() && recipe.model.init == models::Init::kRandom)
    key["random weights of seed"] = recipe.run.seed;
  return key;
}

// The largest difference that another packing or machine may make, for one token and on average.
struct Tolerance {
  double largest, mean;
};
Tolerance tolerance_of(const Recipe& recipe) {
  return recipe.model.dtype == models::DType::kBf16 ? Tolerance{1.0, 0.05} : Tolerance{1e-2, 1e-4};
}

}  // namespace

void require_same_tokenizer(const std::string& key, const std::string& path, const TextFront& front) {
  bool has_one = false;
  for (const char* name : {"tokenizer.json", "tokenizer.model"})
    has_one = has_one || std::filesystem::exists(std::filesystem::path(path) / name);
  if (path.empty() || !has_one) return;
  const TextFront other = load_text_front(path, "", "auto", false);
  if (other.tokenizer->fingerprint() == front.tokenizer->fingerprint()) return;
  throw trainer::Error(trainer::Error::Kind::kData,
                       key + ": " + path + " has another tokenizer than the model that is trained (" +
                           other.tokenizer->fingerprint() + " against " + front.tokenizer->fingerprint() +
                           "), so its log-probabilities are of other tokens; name a checkpoint with the same "
                           "tokenizer");
}

std::vector<NamedFile> reference_files(const Recipe& recipe) {
  if (!(recipe.has_reference() || recipe.holds_reference()) || recipe.reference_path().empty()) return {};
  return checkpoint_files(recipe.reference_path(), "reference:", true);
}

// The way of one set of rows into the cache. All ranks do all of it together.
class StageReference::Work {
 public:
  Work(const Recipe& recipe, const ReferenceContext& context, StageReference& stage)
      : recipe_(recipe), context_(context), stage_(stage) {
    cache_dir_ = recipe.reference.cache_dir.empty() ? cached_data(recipe, recipe.data.sources).cache_dir
                                                    : recipe.reference.cache_dir;
  }

  // Null where it was stopped.
  std::unique_ptr<ReferenceCache> cached(const data::TrainingData& data, std::uint32_t documents,
                                         const std::string& what) {
    const nlohmann::json key = agree_on_key(data, documents);
    auto cache = std::make_unique<ReferenceCache>(
        cache_dir_, key, data, documents, [this](const std::string& text) { context_.log.warn(text); });
    const std::vector<bool> missing = agree_on_missing(*cache);
    const auto computed = std::count(missing.begin(), missing.end(), true);
    // All of it is there: is it what the reference says?
    if (computed == 0) {
      verify(data, *cache);
      context_.log.info(what + ": log-probabilities of the reference are in " + cache->folder().string() +
                        ", verified on a sample");
      return cache;
    }
    if (computed == static_cast<std::ptrdiff_t>(missing.size())) tell_why_not(key);
    const bool done = compute(data, *cache, missing, what);
    return done ? std::move(cache) : nullptr;
  }

  // Values that are not kept on the disk. Null where it was stopped.
  std::unique_ptr<trainer::ReferenceTable> in_memory(const data::TrainingData& data,
                                                     std::uint32_t documents) {
    context_.tell("asking the reference about held-out rows");
    auto values = pass().of_documents(data, 0, documents, recipe_.batch.micro_tokens, context_.must_stop);
    context_.tell("");
    if (values.empty()) return nullptr;
    return std::make_unique<trainer::ReferenceTable>(std::move(values));
  }

  trainer::ReferencePass& pass() {
    if (!stage_.model_) {
      context_.tell("loading the reference");
      context_.group.set_section("loading the reference", kLongestSilence);
      stage_.model_.emplace(recipe_, context_.group, context_.device);
      stage_.pass_.emplace(stage_.model_->units());
      context_.group.set_section("");
      context_.tell("");
    }
    return *stage_.pass_;
  }

 private:
  // Rank 0 reads the weights for it.
  nlohmann::json agree_on_key(const data::TrainingData& data, std::uint32_t documents) {
    context_.tell("hashing reference and rows");
    context_.group.set_section("hashing reference and rows", kLongestSilence);
    std::string text;
    if (context_.group.is_first())
      text = key_of(recipe_, context_.input_hashes(), context_.front.tokenizer->fingerprint(),
                    context_.device, data.fingerprint(documents))
                 .dump();
    text = context_.group.all_gather_text(text, "key of the reference")[0];
    context_.group.set_section("");
    context_.tell("");
    return nlohmann::json::parse(text);
  }

  // A part is computed where any rank lacks it.
  std::vector<bool> agree_on_missing(const ReferenceCache& cache) {
    std::string own;
    for (std::size_t part = 0; part < cache.parts().size(); ++part) own += cache.has(part) ? '.' : 'x';
    std::vector<bool> missing(own.size(), false);
    for (const std::string& rank : context_.group.all_gather_text(own, "parts of the reference"))
      for (std::size_t part = 0; part < missing.size(); ++part)
        if (rank.at(part) == 'x') missing[part] = true;
    return missing;
  }

  void tell_why_not(const nlohmann::json& key) {
    const std::string nearest = trainer::nearest_entry(cache_dir_, key);
    if (!nearest.empty()) context_.log.info(nearest + "; it is not used");
  }

  // False where it was stopped.
  bool compute(const data::TrainingData& data, ReferenceCache& cache, const std::vector<bool>& missing,
               const std::string& what) {
    trainer::ReferencePass& pass = this->pass();
    const auto start = std::chrono::steady_clock::now();
    double tokens = 0.0;
    for (std::size_t part = 0; part < missing.size(); ++part) {
      if (!missing[part]) continue;
      context_.tell("reference pass over " + what + ": " + std::to_string(part * 100 / missing.size()) + "%");
      const ReferenceCache::Part range = cache.parts()[part];
      const auto values =
          pass.of_documents(data, range.begin, range.end, recipe_.batch.micro_tokens, context_.must_stop);
      if (values.empty()) return false;
      for (std::uint32_t d = range.begin; d < range.end; ++d) tokens += data.sizes()[d].tokens;
      store(cache, part, values);
    }
    context_.tell("");
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    context_.log.info(what + ": the reference was asked about " + trainer::with_thousands(tokens) +
                      " tokens, " +
                      trainer::with_thousands(std::round(tokens / std::max(seconds.count(), 1e-9))) +
                      " a second; kept in " + cache.folder().string());
    return true;
  }

  // The first rank writes; then one of each machine that does not see what it wrote.
  void store(ReferenceCache& cache, std::size_t part, const std::vector<std::vector<float>>& values) {
    if (context_.group.is_first()) cache.write(part, values);
    context_.group.barrier("reference written");
    if (!cache.take(part) && context_.place.local_rank == 0) cache.write(part, values);
    context_.group.barrier("reference written everywhere");
    if (!cache.take(part))
      throw trainer::Error(trainer::Error::Kind::kInputOutput,
                           cache.folder().string() + ": part " + std::to_string(part) +
                               " was written and cannot be read; look at that disk");
  }

  // A few rows are computed again: the name of an entry says what went in, this what came out.
  void verify(const data::TrainingData& data, const ReferenceCache& cache) {
    constexpr std::uint32_t kSample = 8;
    const std::uint32_t all = cache.num_documents(), count = std::min(kSample, all);
    std::vector<data::MicroBatch> batches;
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::array<std::uint32_t, 1> document{static_cast<std::uint32_t>(std::uint64_t{i} * all / count)};
      batches.push_back(data.micro_batch(document));
    }
    const std::vector<std::vector<float>> again = pass().log_probs(batches);
    const Tolerance tolerance = tolerance_of(recipe_);
    for (std::size_t i = 0; i < batches.size(); ++i) {
      const std::uint32_t document = batches[i].document_indices[0];
      const std::span<const float> stored = cache.of(document);
      double largest = 0.0, sum = 0.0;
      std::size_t used = 0;
      for (std::size_t t = 0; t < again[i].size(); ++t) {
        if (batches[i].weights[t] == 0.f) continue;
        const double difference = std::abs(static_cast<double>(again[i][t]) - stored[used++]);
        largest = std::max(largest, difference);
        sum += difference;
      }
      if (largest <= tolerance.largest && sum <= tolerance.mean * static_cast<double>(used)) continue;
      char numbers[160];
      std::snprintf(numbers, sizeof numbers,
                    "differ by %.3g at most and %.3g on average; allowed are %.3g and %.3g", largest,
                    sum / static_cast<double>(used), tolerance.largest, tolerance.mean);
      throw trainer::Error(trainer::Error::Kind::kData,
                           cache.folder().string() + ": computed again, log-probabilities of " +
                               data.name_of(document) + " " + numbers +
                               "; the cache is not of this reference: delete that folder");
    }
  }

  const Recipe& recipe_;
  const ReferenceContext& context_;
  StageReference& stage_;
  std::filesystem::path cache_dir_;
};

StageReference::StageReference(const Recipe& recipe, StageData& data, const ReferenceContext& context) {
  require_same_tokenizer("reference.path", recipe.reference.path, context.front);
  const bool live = recipe.reference.mode == trainer::ReferenceMode::kLive;
  Work work(recipe, context, *this);
  if (live) {
    source_ = std::make_unique<trainer::LiveReferenceSource>(data.source(), work.pass());
  } else {
    values_ = work.cached(data.rows(), static_cast<std::uint32_t>(data.rows().num_documents()), "rows");
    stopped_ = values_ == nullptr;
    if (!stopped_) source_ = std::make_unique<trainer::CachedReferenceSource>(data.source(), *values_);
  }
  if (const data::TrainingData* held_out = data.held_out_rows(); held_out != nullptr && !stopped_) {
    const auto all = static_cast<std::int64_t>(held_out->num_documents());
    const auto documents =
        static_cast<std::uint32_t>(std::min(all, recipe.evaluation.max_rows.value_or(all)));
    // Held-out rows are asked about again and again, and nothing about them changes: once is enough.
    if (live)
      held_out_values_ = work.in_memory(*held_out, documents);
    else
      held_out_values_ = work.cached(*held_out, documents, "held-out rows");
    stopped_ = held_out_values_ == nullptr;
    if (!stopped_)
      held_out_source_ =
          std::make_unique<trainer::CachedReferenceSource>(*data.held_out(), *held_out_values_);
  }
  if (live) return;
  pass_.reset();
  model_.reset();
}

}  // namespace caravan::recipes
