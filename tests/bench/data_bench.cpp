// How fast files of rows are walked, per second of processor time: rows found, rows parsed with the texts of
// their messages taken, rows converted to records.
//
//   data_bench [ROWS.jsonl]      rows of messages; without a file, 200 MB of rows made here
#include <time.h>

#include <cstdio>
#include <string>

#include "data/converters/convert_rows.h"
#include "data/converters/converter_table.h"
#include "data/walk/row_walk.h"
#include "tests/bench/thread_seconds.h"
#include "tests/support/temp_dir.h"

namespace {

using namespace caravan::data;
using caravan::tests::seconds_of;

// Two to four turns of common words with escapes, about 2.6 kB a row.
std::string make_rows(std::size_t bytes) {
  constexpr const char* kWords[] = {"the",     "people",  "water",   "number", "first", "would",
                                    "between", "answer",  "because", "river",  "list",  "simple",
                                    "always",  "explain", "country", "value"};
  std::string text;
  std::uint64_t draw = 1;
  const auto say = [&](std::size_t words) {
    for (std::size_t i = 0; i < words; ++i) {
      draw = draw * 6364136223846793005u + 1442695040888963407u;
      text += kWords[draw >> 60];
      text += i % 17 == 16 ? ".\\n" : " ";
    }
  };
  for (std::size_t row = 0; text.size() < bytes; ++row) {
    text += "{\"id\": \"r" + std::to_string(row) + "\", \"source\": \"bench\", \"messages\": [";
    for (std::size_t turn = 0; turn < 2 + row % 2 * 2; ++turn) {
      text += turn > 0 ? ", " : "";
      text += turn % 2 == 0 ? "{\"role\": \"user\", \"content\": \""
                            : "{\"role\": \"assistant\", \"content\": \"";
      say(turn % 2 == 0 ? 40 : 240);
      text += "\"}";
    }
    text += "]}\n";
  }
  return text;
}

// Bytes of all contents, so that nothing is left out by the compiler.
std::size_t take_texts(const JsonValue& row, std::string& text) {
  std::size_t bytes = 0;
  const std::optional<JsonValue> messages = row.find("messages");
  if (!messages) return 0;
  for (const JsonValue message : *messages) {
    const std::optional<JsonValue> content = message.find("content");
    if (!content) continue;
    text.clear();
    content->append_text(text);
    bytes += text.size();
  }
  return bytes;
}

void print(const char* what, double megabytes, double seconds, std::size_t result) {
  std::printf("%-36s %6.0f MB/s   (%zu)\n", what, megabytes / seconds, result);
}

}  // namespace

int main(int argc, char** argv) {
  const caravan::tests::TempDir dir;
  const std::string file = argc > 1 ? argv[1] : dir.write("rows.jsonl", make_rows(200'000'000));
  const double megabytes = static_cast<double>(std::filesystem::file_size(file)) * 1e-6;
  ConvertPlan plan;
  plan.files.push_back({&converter_named("messages"), "bench"});
  for (int round = 0; round < 3; ++round) {
    std::size_t result = 0;
    const auto walk = [&](auto work) {
      RowWalk rows({file}, {.threads = 1});
      rows.run<PendingBlock>(work, [](const WalkBlock&, PendingBlock&) {});
    };
    const double found = seconds_of(
        [&] { walk([&](const WalkBlock& block, JsonRow&, PendingBlock&) { result += block.size(); }); });
    print("rows found", megabytes, found, result);
    std::string text;
    result = 0;
    const double parsed = seconds_of([&] {
      walk([&](const WalkBlock& block, JsonRow& json, PendingBlock&) {
        for (std::size_t i = 0; i < block.size(); ++i) {
          const WalkRow row = walk_row(block, i, json);
          if (row.sound()) result += take_texts(row.root(), text);
        }
      });
    });
    print("rows parsed, texts of messages taken", megabytes, parsed, result);
    result = 0;
    const double converted = seconds_of([&] {
      walk([&](const WalkBlock& block, JsonRow& json, PendingBlock& out) {
        convert_block(block, plan, json, out);
        result += out.text.size();
      });
    });
    print("rows converted", megabytes, converted, result);
  }
}
