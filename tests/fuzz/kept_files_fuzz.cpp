// Files that runs write and read again, with sums that fit: what wrote them may have been anybody.
#include <xxhash.h>

#include <cstring>

#include "data/bounded_json.h"
#include "data/decontamination/eval_index_file.h"
#include "data/decontamination/review.h"
#include "data/endpoint/request_log.h"
#include "data/error.h"
#include "data/loader/cache_files.h"
#include "data/loader/token_shard.h"
#include "data/sha256.h"
#include "recipes/pipeline/gate.h"
#include "recipes/report/run_story.h"
#include "tests/fuzz/fuzz_input.h"
#include "trainer/checkpoint/checkpoint_files.h"
#include "trainer/error.h"
#include "trainer/evaluation/sample_store.h"

using namespace caravan;

namespace {

constexpr data::Digest kKey = {1, 2};

// The numbers of the header are the input's, the rest is as it must be.
std::string sealed_shard(std::string_view input) {
  std::string file(input);
  file.resize(std::max(file.size(), sizeof(data::ShardHeader)));
  data::ShardHeader header;
  std::memcpy(&header, file.data(), sizeof header);
  header.magic = {'C', 'R', 'V', 'T', 'O', 'K', 'E', 'N'};
  header.version = 3;
  header.index = 0;
  header.key = kKey;
  header.checksum = {};
  std::memcpy(file.data(), &header, sizeof header);
  header.checksum = data::digest_of(file);
  std::memcpy(file.data(), &header, sizeof header);
  return file;
}

void read_shard(std::string_view input) {
  std::string why;
  const auto shard = data::TokenShard::open(fuzz::file_of("shard", sealed_shard(input)), kKey, 0, why);
  fuzz::require(shard != nullptr || !why.empty(), "a shard, or why there is none");
  if (!shard) return;
  std::uint32_t piece = 0;
  for (const data::ShardDocument& document : shard->documents()) {
    fuzz::require(document.piece == 0 || document.piece == piece + 1, "pieces follow one another");
    piece = document.piece;
    std::uint32_t trained = 0;
    const auto ids = shard->ids(document);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      fuzz::require(ids[i] >= 0, "ids are no negative numbers");
      trained += i > 0 && i != document.second && shard->trained(document, i);
    }
    fuzz::require(trained == document.trained_tokens, "as many targets as the document says");
    fuzz::require(!shard->reasons()[shard->rows()[document.row].reason].empty() ||
                      shard->rows()[document.row].reason < shard->reasons().size(),
                  "reasons are there");
  }
}

std::string sealed_index(std::string_view body) {
  std::string bytes = "CRVEVAL2";
  for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<char>(body.size() >> (8 * i) & 255));
  data::Sha256 hash;
  const data::Sha256::Digest digest = hash.update(body).digest();
  bytes.append(reinterpret_cast<const char*>(digest.data()), digest.size());
  return bytes.append(body);
}

void read_manifest(std::string_view input) {
  auto manifest = data::parse_bounded_json<nlohmann::json>(input);
  const std::string path = fuzz::file_of(
      "manifest.json", manifest.is_object() ? trainer::sealed(std::move(manifest)) : std::string(input));
  trainer::read_manifest(std::filesystem::path(path).parent_path());
}

void read_samples(std::string_view input) {
  const tests::TempDir folder;
  folder.write("task.jsonl.partial", std::string(input));
  trainer::SampleStore store(folder.path(), "task", data::Json{{"task", "fuzz"}});
  fuzz::require(store.rows().size() == store.num_kept(), "what is kept is there");
}

void read_log(std::string_view input) {
  data::RequestLog log(fuzz::file_of("requests.jsonl", input));
  fuzz::require(log.requests_spent() >= 0, "requests are counted up");
}

// A folder of a run: the file named first, and what else the report looks at.
void read_run(const char* name, std::string_view input) {
  const tests::TempDir folder;
  folder.write(name, std::string(input));
  recipes::read_story(folder.path());
}

}  // namespace

const fuzz::Registered kTarget("kept_files", [](fuzz::Input input) {
  const std::size_t which = input.choose(11);
  const std::string_view rest = input.rest();
  fuzz::may_refuse<data::Error>([&] {
    fuzz::may_refuse<trainer::Error>([&] {
      if (which == 0) read_shard(rest);
      if (which == 1) data::read_index(sealed_index(rest), "fuzz");
      if (which == 2) read_manifest(rest);
      if (which == 3) read_samples(rest);
      if (which == 4) read_log(rest);
      if (which == 5) data::ReviewedRows::read(fuzz::file_of("review.jsonl", rest));
      if (which == 6) recipes::read_stage_scores(fuzz::file_of("scores.json", rest));
      if (which == 7) read_run("pipeline.json", rest);
      if (which == 8) read_run("run.json", rest);
      if (which == 9) read_run("ledger.json", rest);
      if (which == 10) {
        const data::CacheFolder cache(
            std::filesystem::path(
                fuzz::file_of(("tokens-" + data::to_hex(kKey) + "/manifest.json").c_str(), rest))
                .parent_path()
                .parent_path()
                .string(),
            kKey);
        cache.read_manifest();
      }
    });
  });
});
