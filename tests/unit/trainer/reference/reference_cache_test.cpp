// The cache of a reference's log-probabilities: what is written is read, and what is damaged, strange or of
// another key is not.
#include "trainer/reference/reference_cache.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>

#include "data/loader/token_shard.h"
#include "tests/support/program.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/data/loader/fake_text.h"
#include "trainer/error.h"
#include "trainer/reference/referenced_source.h"

namespace caravan::trainer {
namespace {

namespace fs = std::filesystem;
using Values = std::vector<std::vector<float>>;

// Pairs whose answers differ in length; enough of them for several parts.
struct Setting {
  Setting() : data(open()) {}
  data::TrainingData open() {
    std::string rows;
    for (int i = 0; i < 60; ++i)
      rows += data::Json{{"prompt", "question " + std::to_string(i)},
                         {"chosen", std::string(static_cast<std::size_t>(20 + i), 'a')},
                         {"rejected", std::string(static_cast<std::size_t>(90 - i), 'b')}}
                  .dump() +
              "\n";
    options.cache_dir = (dir.path() / "tokens").string();
    options.sources = {{.path = dir.write("rows.jsonl", rows)}};
    data::OpenOptions open_options;
    open_options.rows = data::RowKind::kPair;
    return data::TrainingData::open(options, tokenizer, data::TokenSource{tests::fake_render, "fake"},
                                    open_options);
  }
  ReferenceCache cache(const nlohmann::json& key = {{"weights", "a"}}) {
    return {dir.path(), key, data, static_cast<std::uint32_t>(data.num_documents()),
            [this](const std::string& text) { notes += text + "\n"; }};
  }
  // A number of its own for each token.
  Values values(const ReferenceCache::Part& part) const {
    Values all;
    for (std::uint32_t d = part.begin; d < part.end; ++d) {
      std::vector<float>& own = all.emplace_back();
      for (std::uint32_t t = 0; t < data.sizes()[d].trained_tokens; ++t)
        own.push_back(-static_cast<float>(d) - static_cast<float>(t) / 256.f);
    }
    return all;
  }
  void write_all(ReferenceCache& cache) const {
    for (std::size_t part = 0; part < cache.parts().size(); ++part)
      cache.write(part, values(cache.parts()[part]));
  }

  tests::TempDir dir;
  data::DataOptions options;
  tests::FakeTokenizer tokenizer;
  data::TrainingData data;
  std::string notes;
};

TEST(ReferenceCache, GivesBackWhatWasWritten) {
  Setting setting;
  ReferenceCache written = setting.cache();
  ASSERT_GT(written.parts().size(), 1u);
  EXPECT_FALSE(written.is_complete());
  setting.write_all(written);
  const ReferenceCache read = setting.cache();
  ASSERT_TRUE(read.is_complete());
  EXPECT_EQ(setting.notes, "");
  // Header, counts and numbers, and nothing that nobody reads.
  std::size_t bytes = 0, numbers = 0;
  for (const auto& entry : fs::directory_iterator(read.folder()))
    if (entry.path().extension() == ".ref") bytes += entry.file_size();
  for (const ReferenceCache::Part& part : read.parts())
    for (const auto& of_document : setting.values(part)) numbers += 1 + of_document.size();
  EXPECT_LE(bytes, numbers * sizeof(float) + read.parts().size() * 120);
  for (const ReferenceCache::Part& part : read.parts())
    for (std::uint32_t d = part.begin; d < part.end; ++d) {
      const std::vector<float> expected = setting.values(part)[d - part.begin];
      const std::span<const float> found = read.of(d);
      EXPECT_TRUE(std::equal(found.begin(), found.end(), expected.begin(), expected.end())) << d;
    }
}

TEST(ReferenceCache, FillsBothSidesOfAPair) {
  Setting setting;
  ReferenceCache cache = setting.cache();
  setting.write_all(cache);
  const ReferenceCache read = setting.cache();
  data::PlanOptions options;
  options.batch.sequences = 7;
  options.batch.micro_tokens = 600;
  options.epochs = 1;
  const data::BatchPlan plan = setting.data.plan(options);
  PlannedSource planned(setting.data, plan);
  CachedReferenceSource source(planned, read);
  std::size_t tokens = 0;
  for (std::int64_t step = 0; step < source.num_steps(); ++step)
    for (const data::MicroBatch& batch : source.micro_batches(step)) {
      ASSERT_EQ(batch.reference_log_probs.size(), batch.ids.size());
      std::map<std::uint32_t, std::size_t> used;
      for (std::size_t d = 0; d < batch.roles.size(); ++d)
        for (auto t = static_cast<std::size_t>(batch.doc_starts[d]);
             t < static_cast<std::size_t>(batch.doc_starts[d + 1]); ++t) {
          if (batch.weights[t] == 0.f) {
            EXPECT_EQ(batch.reference_log_probs[t], 0.f);
            continue;
          }
          const std::uint32_t document = batch.document_indices[d];
          EXPECT_EQ(batch.reference_log_probs[t], read.of(document)[used[document]++]);
          ++tokens;
        }
    }
  EXPECT_EQ(tokens, static_cast<std::size_t>(setting.data.num_trained_tokens()));
}

TEST(ReferenceCache, WhatIsNotWholeIsMissing) {
  Setting setting;
  ReferenceCache cache = setting.cache();
  setting.write_all(cache);
  const fs::path first = cache.folder() / "part-00000.ref", second = cache.folder() / "part-00001.ref";
  std::string bytes = tests::read_bytes(first);
  bytes[bytes.size() - 3] ^= 1;
  std::ofstream(first, std::ios::binary) << bytes;
  fs::resize_file(second, fs::file_size(second) - 4);
  const ReferenceCache read = setting.cache();
  EXPECT_FALSE(read.has(0));
  EXPECT_FALSE(read.has(1));
  EXPECT_NE(setting.notes.find("part-00000.ref: fails its checksum"), std::string::npos) << setting.notes;
  EXPECT_NE(setting.notes.find("part-00001.ref: has the wrong size"), std::string::npos) << setting.notes;
  // A part that lies under another's name.
  fs::copy_file(first, second, fs::copy_options::overwrite_existing);
  EXPECT_FALSE(setting.cache().has(1));
}

TEST(ReferenceCache, ANumberThatIsNotFiniteIsTracedToItsRow) {
  Setting setting;
  ReferenceCache cache = setting.cache();
  Values values = setting.values(cache.parts()[0]);
  values[3][1] = std::nanf("");
  try {
    cache.write(0, values);
    FAIL() << "was written";
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), 65);
    EXPECT_NE(std::string(error.what()).find("rows.jsonl:4 is nan"), std::string::npos) << error.what();
  }
  // In a file that says of itself that it is whole: damaged by a hand that knows the format.
  cache.write(0, setting.values(cache.parts()[0]));
  const fs::path file = cache.folder() / "part-00000.ref";
  std::string bytes = tests::read_bytes(file);
  constexpr std::size_t kChecksumAt = 8 + 64 + 3 * 8;
  const float nan = std::nanf("");
  std::memcpy(bytes.data() + bytes.size() - sizeof nan, &nan, sizeof nan);
  std::fill_n(bytes.begin() + kChecksumAt, 16, '\0');
  const data::Digest digest = data::digest_of(bytes);
  std::memcpy(bytes.data() + kChecksumAt, &digest, sizeof digest);
  std::ofstream(file, std::ios::binary) << bytes;
  try {
    setting.cache();
    FAIL() << "was read";
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), 65);
    EXPECT_NE(std::string(error.what()).find("part-00000.ref"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("rows.jsonl:"), std::string::npos) << error.what();
  }
}

TEST(ReferenceCache, AnotherKeyIsAnotherEntryAndWhatDiffersIsTold) {
  Setting setting;
  ReferenceCache cache = setting.cache({{"weights", "a"}, {"dtype", "bf16"}});
  setting.write_all(cache);
  const nlohmann::json key{{"weights", "b"}, {"dtype", "bf16"}};
  EXPECT_FALSE(setting.cache(key).has(0));
  const std::string told = nearest_entry(setting.dir.path(), key);
  EXPECT_NE(told.find(cache.folder().string()), std::string::npos);
  EXPECT_NE(told.find("weights (a -> b)"), std::string::npos) << told;
  EXPECT_EQ(told.find("dtype"), std::string::npos) << told;
  EXPECT_EQ(nearest_entry(setting.dir.path() / "nowhere", key), "");
}

}  // namespace
}  // namespace caravan::trainer
