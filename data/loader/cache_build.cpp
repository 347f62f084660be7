#include "data/loader/cache_build.h"

#include <exception>
#include <filesystem>
#include <limits>
#include <mutex>
#include <thread>

#include "data/error.h"
#include "data/loader/row_tokens.h"

namespace caravan::data {
namespace {

// Threads take blocks from one stream in order. A block that throws stops the handing out; blocks before it
// are all in work by then, so the error of the earliest block is known when every thread is back, and is the
// same whatever the number of threads.
class ShardBuild {
 public:
  ShardBuild(const CacheRequest& request, const CacheFolder& folder, const ConversationTokenizer& tokenizer)
      : request_(request),
        folder_(folder),
        tokenizer_(tokenizer),
        stream_(open_rows(request.file, request.limits)) {}

  CacheEntry run() {
    {
      std::vector<std::jthread> threads;  // joined at the end of the scope, also when one cannot be started
      for (int i = 1; i < request_.threads; ++i) threads.emplace_back([this] { work(); });
      work();
    }
    if (error_) std::rethrow_exception(error_);
    CacheEntry entry;
    entry.built = true;
    entry.shards = std::move(shards_);
    return entry;
  }

 private:
  struct Memory {
    RowBlock block;
    RowMemory rows;
    TokenizedRow row;
    ShardBuilder builder;
  };

  void work() {
    Memory memory;
    while (take_block(memory.block)) {
      try {
        keep(memory.block.index, make_shard(memory));
      } catch (...) {
        fail(memory.block.index);
        return;
      }
    }
  }

  bool take_block(RowBlock& block) {
    const std::lock_guard guard(stream_mutex_);
    if (error_ || ended_) return false;
    try {
      if (request_.cancelled && request_.cancelled()) {
        throw Error(Error::Kind::kInterrupted,
                    "stopped while tokenizing " + request_.file + "; the next start goes on from here");
      }
      ended_ = !stream_->next(block);
      blocks_ += !ended_;
    } catch (...) {
      ended_ = true;
      const std::lock_guard result_guard(result_mutex_);
      record_error(blocks_);
    }
    if (request_.progress) request_.progress(stream_->file_bytes_read(), file_bytes_);
    return !ended_;
  }

  std::unique_ptr<TokenShard> make_shard(Memory& memory) const {
    const auto index = static_cast<std::uint32_t>(memory.block.index);
    const std::string path = folder_.shard(index);
    std::string why;
    if (std::unique_ptr<TokenShard> known = TokenShard::open(path, folder_.key(), index, why)) return known;
    memory.builder.clear();
    for (const RowBlock::Row& row : memory.block.rows) add_row(row, memory);
    write_whole(path, memory.builder.finish(folder_.key(), index));
    std::unique_ptr<TokenShard> made = TokenShard::open(path, folder_.key(), index, why);
    if (!made)
      throw Error(Error::Kind::kInputOutput,
                  path + ": " + why + " right after it was written; check the disk");
    return made;
  }

  void add_row(const RowBlock::Row& row, Memory& memory) const {
    const std::string_view text = memory.block.text(row);
    if (!tokenize_row(text, row, request_.file, request_.format, tokenizer_, memory.rows, memory.row)) return;
    memory.builder.add(row.line, text, memory.row);
  }

  void keep(std::uint64_t index, std::unique_ptr<TokenShard> shard) {
    const std::lock_guard guard(result_mutex_);
    if (shards_.size() <= index) shards_.resize(index + 1);
    shards_[index] = std::move(shard);
  }

  void fail(std::uint64_t index) {
    const std::scoped_lock guard(stream_mutex_, result_mutex_);
    ended_ = true;
    record_error(index);
  }

  void record_error(std::uint64_t index) {
    if (error_ && error_block_ <= index) return;
    error_ = std::current_exception();
    error_block_ = index;
  }

  const CacheRequest& request_;
  const CacheFolder& folder_;
  const ConversationTokenizer& tokenizer_;
  std::unique_ptr<RowSource> stream_;
  std::uint64_t file_bytes_ = std::filesystem::file_size(request_.file);
  std::mutex stream_mutex_;
  std::uint64_t blocks_ = 0;
  bool ended_ = false;
  std::mutex result_mutex_;
  std::vector<std::unique_ptr<TokenShard>> shards_;
  std::exception_ptr error_;
  std::uint64_t error_block_ = std::numeric_limits<std::uint64_t>::max();
};

}  // namespace

CacheEntry build_shards(const CacheRequest& request, const CacheFolder& folder,
                        const ConversationTokenizer& tokenizer) {
  return ShardBuild(request, folder, tokenizer).run();
}

}  // namespace caravan::data
