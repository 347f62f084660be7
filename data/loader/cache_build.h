// Builds the shards of a cache entry on several threads. Private to the loader.
#pragma once

#include "data/loader/cache_files.h"
#include "data/loader/token_cache.h"

namespace caravan::data {

// Sound shards that are already there are kept. Throws the error of the earliest block that failed. The
// caller holds the lock.
CacheEntry build_shards(const CacheRequest& request, const CacheFolder& folder,
                        const ConversationTokenizer& tokenizer);

}  // namespace caravan::data
