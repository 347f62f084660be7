// How fast rows become tokens, per second of processor time: reading (file to Conversation), the front end
// (render, mask, tokenize), and the whole cache.
//
//   loader_bench                                   reading only, on rows made here
//   loader_bench TOKENIZER TEMPLATE.jinja [ROWS]   all three; ROWS: a .jsonl file of messages, else rows made
//   here
#include <time.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/chat/template.h"
#include "data/loader/order.h"
#include "data/loader/token_cache.h"
#include "data/loader/tokenize.h"
#include "data/readers/reader.h"
#include "data/tokenizers/tokenizer.h"
#include "tests/bench/thread_seconds.h"
#include "tests/support/temp_dir.h"

namespace {

using namespace caravan::data;
using caravan::tests::seconds_of;

// Two-turn conversations of common English words, about 600 bytes each, with escapes as real rows have them.
std::string make_rows(std::size_t count) {
  constexpr const char* kWords[] = {"the",    "people",  "water",   "number",  "first", "would",  "between",
                                    "answer", "because", "river",   "compute", "list",  "simple", "number",
                                    "three",  "small",   "country", "always",  "often", "value"};
  std::string text;
  std::uint64_t draw = 0;
  const auto say = [&](std::size_t words) {
    for (std::size_t i = 0; i < words; ++i) {
      text += kWords[mix(++draw) % std::size(kWords)];
      text += i % 13 == 12 ? ".\\n" : " ";
    }
  };
  for (std::size_t row = 0; row < count; ++row) {
    text += "{\"id\":\"" + std::to_string(row) + "\",\"messages\":[{\"role\":\"user\",\"content\":\"";
    say(20);
    text += "\"},{\"role\":\"assistant\",\"content\":\"";
    say(60);
    text += "\"}]}\n";
  }
  return text;
}

void measure_reading(const std::string& path) {
  Conversation conversation;
  RowOutcome outcome;
  std::size_t rows = 0;
  const double seconds = seconds_of([&] {
    Reader reader(path, RowFormat::kMessages, "bench");
    while (reader.next(outcome, conversation)) ++rows;
  });
  const double megabytes = static_cast<double>(std::filesystem::file_size(path)) / 1e6;
  std::printf("reading: %zu rows, %.1f MB, %.0f MB/s, %.0f rows/s\n", rows, megabytes, megabytes / seconds,
              static_cast<double>(rows) / seconds);
}

void measure_front_end(const std::string& path, const Tokenizer& tokenizer, const Render& render) {
  std::vector<Conversation> conversations;
  Conversation conversation;
  RowOutcome outcome;
  Reader reader(path, RowFormat::kMessages, "bench");
  while (reader.next(outcome, conversation) && conversations.size() < 50000) {
    if (outcome.fate == RowFate::kKept || outcome.fate == RowFate::kRepaired)
      conversations.push_back(conversation);
  }
  std::size_t bytes = 0;
  const double render_seconds = seconds_of([&] {
    for (const Conversation& one : conversations) bytes += render(one).text.size();
  });
  const ConversationTokenizer front(tokenizer, render, {.max_length = 1 << 20});
  TokenizedRow row;
  std::size_t tokens = 0, dropped = 0;
  const double seconds = seconds_of([&] {
    for (const Conversation& one : conversations) {
      front.tokenize(one, "bench", row);
      tokens += row.ids.size();
      dropped += row.fate == Fate::kDropped;
    }
  });
  const auto count = static_cast<double>(conversations.size());
  std::printf(
      "front end: %.0f conversations/s (%.2f us each, render %.2f us), %.1f MB/s, %.0f tokens/s, %zu "
      "dropped\n",
      count / seconds, seconds / count * 1e6, render_seconds / count * 1e6,
      static_cast<double>(bytes) / seconds / 1e6, static_cast<double>(tokens) / seconds, dropped);
}

void measure_cache(const std::string& path, const Tokenizer& tokenizer, const Render& render,
                   const std::string& folder) {
  CacheRequest request;
  request.cache_dir = folder;
  request.file = path;
  request.recipe = "bench";
  const ConversationTokenizer front(tokenizer, render, {.max_length = 1 << 20});
  std::size_t rows = 0;
  for (const char* what : {"cache, cold", "cache, warm"}) {
    const double seconds = seconds_of([&] {
      rows = 0;
      for (const auto& shard : open_cache(request, front).shards) rows += shard->rows().size();
    });
    std::printf("%s: %.0f rows/s, %.3f s\n", what, static_cast<double>(rows) / seconds, seconds);
  }
}

}  // namespace

int main(int count, char** words) {
  const caravan::tests::TempDir dir;
  const std::string path = count > 3 ? words[3] : dir.write("rows.jsonl", make_rows(200000));
  for (int round = 0; round < 3; ++round) measure_reading(path);
  if (count < 3) return 0;
  const std::unique_ptr<Tokenizer> tokenizer = load_tokenizer(words[1]);
  const ChatTemplate chat_template(caravan::tests::read_bytes(words[2]), words[2]);
  const Json variables{{"bos_token", "<s>"}, {"eos_token", "</s>"}};
  const Render render = [&](const Conversation& conversation) {
    return chat_template.render(conversation, variables);
  };
  for (int round = 0; round < 3; ++round) measure_front_end(path, *tokenizer, render);
  measure_cache(path, *tokenizer, render, (dir.path() / "cache").string());
}
