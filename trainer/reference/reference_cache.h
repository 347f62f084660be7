// Log-probabilities of a frozen model, kept in files between runs under the content that made them.
//
// Goals: the name of an entry is a hash of all that its numbers depend on, so that nothing stale is ever
// read; a pass that is stopped at any moment goes on from its complete parts; what is read was checked: size,
// checksum, every number finite. Non-goals: who computes (ReferencePass), eviction (a person deletes the
// folder).
//
//   CACHE_DIR/reference-KEY/key.json        what the name is a hash of, for people
//   CACHE_DIR/reference-KEY/part-00000.ref  written aside and renamed: it is whole, or not there
//
// A part, little-endian: PartHeader; for each document the number of its trained tokens (uint32), a zero more
// where that makes a whole 8 bytes; then fp32 for each trained token.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "data/loader/training_data.h"
#include "trainer/reference/reference_values.h"

namespace caravan::trainer {

class ReferenceCache : public ReferenceValues {
 public:
  // Opens what is there of the entry; nothing is written. The first `documents` of `data` are covered, which
  // must outlive this. `key`: an object, one level deep. Parts that are damaged are told of by `note` and
  // count as missing. Throws Error (65) that names file and row where a number is not finite.
  ReferenceCache(const std::filesystem::path& cache_dir, const nlohmann::json& key,
                 const data::TrainingData& data, std::uint32_t documents,
                 const std::function<void(const std::string&)>& note);

  const std::filesystem::path& folder() const { return folder_; }
  struct Part {
    std::uint32_t begin = 0, end = 0;  // documents
  };
  const std::vector<Part>& parts() const { return parts_; }
  bool has(std::size_t part) const { return files_[part] != nullptr; }
  bool is_complete() const;
  std::uint32_t num_documents() const { return parts_.empty() ? 0 : parts_.back().end; }

  // Writes a part and what is beside it. `values`: of each document of the part. Throws Error: 65 where a
  // number is not finite, 74 where the disk does not take it.
  void write(std::size_t part, const std::vector<std::vector<float>>& values) const;
  // Takes a part that was written meanwhile, by this rank or another. False where it cannot be seen here.
  bool take(std::size_t part);

  std::span<const float> of(std::uint32_t document) const override;

 private:
  struct OpenPart;
  std::filesystem::path file_of(std::size_t part) const;
  std::shared_ptr<const OpenPart> open(std::size_t part, std::string& why) const;
  void require_finite(std::uint32_t document, std::span<const float> values, const std::string& where) const;

  const data::TrainingData& data_;
  nlohmann::json key_;
  std::string key_hash_;
  std::filesystem::path folder_;
  std::vector<Part> parts_;
  std::vector<std::shared_ptr<const OpenPart>> files_;
};

// "weights model.safetensors (sha256:12ab.. -> 34cd..), dtype (bf16 -> fp32)": why the entry of CACHE_DIR
// that is most like `key` is not the one. Empty where there is none.
std::string nearest_entry(const std::filesystem::path& cache_dir, const nlohmann::json& key);

}  // namespace caravan::trainer
