// Tokens of a file of rows, kept between runs under the content that made them.
//
// Goals: the key is what the tokens depend on (the file's bytes, layout, tokenizer, template, options, format
// version), so nothing stale is ever read and nothing is built twice; a build that is killed at any moment
// goes on from its complete shards; the bytes do not depend on the number of threads; several processes may
// ask for the same entry at once (one builds, the others wait; the lock dies with its owner). A damaged shard
// is rebuilt with a warning. Non-goals: eviction (a person deletes the folder), remote stores.
//
//   CACHE_DIR/tokens-KEY/shard-00000000.tok ...   one per block of rows, written aside and renamed
//   CACHE_DIR/tokens-KEY/manifest.json            written last: the entry is complete; counts and checksums
//   CACHE_DIR/tokens-KEY/lock                     held by who builds
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "data/loader/token_shard.h"
#include "data/loader/tokenize.h"
#include "data/readers/row_source.h"
#include "data/source_options.h"

namespace caravan::data {

struct CacheRequest {
  std::string cache_dir;
  std::string file;
  RowFormat format = RowFormat::kMessages;  // not auto
  std::string recipe;  // all else the tokens depend on: tokenizer, template, options; any text
  RowLimits limits = {.row_bytes = 64u << 20, .block_bytes = 4u << 20};
  int threads = 1;
  std::function<void(const std::string&)> note;  // warnings; may be empty
  std::function<void(std::uint64_t, std::uint64_t)>
      progress;                     // bytes of the file done, all; may be empty; one thread at a time
  std::function<bool()> cancelled;  // may be empty; called from several threads
};

struct CacheEntry {
  std::vector<std::unique_ptr<TokenShard>> shards;
  bool built = false;  // false: found complete
};

// XXH3-128 of the file's bytes as they lie on the disk.
Digest digest_of_file(const std::string& path);
Digest cache_key(const CacheRequest& request);

// Finds or builds the entry. Throws data::Error: what ConversationTokenizer and open_rows throw (the one of
// the earliest block), a full disk or unwritable folder, kInterrupted, a file that changed meanwhile.
CacheEntry open_cache(const CacheRequest& request, const ConversationTokenizer& tokenizer);

}  // namespace caravan::data
