// Tokenizer throughput of one thread, cold and warm, on rows of text.
//
//   tokenizer_bench TOKENIZER FILE.jsonl ...     rows {"text"}; one line of figures per file
//   tokenizer_bench TOKENIZER --hostile          runs of one character, 1 MB each
//
// Time is the processor time of the thread. Cold: the first pass of a fresh thread over all rows. Warm: the
// fastest of two more. Rows are read into memory before the clock starts; ids are thrown away row by row.
#include <simdjson.h>

#include <time.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "data/tokenizers/tokenizer.h"

namespace {

// Processor time of this thread: a busy machine must not count as ours.
double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

std::vector<std::string> read_texts(const char* path) {
  std::vector<std::string> texts;
  simdjson::dom::parser parser;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::string_view text;
    if (!parser.parse(line)["text"].get(text)) texts.emplace_back(text);
  }
  return texts;
}

struct Pass {
  double seconds;
  std::size_t num_ids = 0;
};

Pass run_pass(const caravan::data::Tokenizer& tokenizer, const std::vector<std::string>& texts) {
  std::vector<std::int32_t> ids;
  Pass pass{};
  const double start = thread_seconds();
  for (const std::string& text : texts) {
    ids.clear();
    tokenizer.encode(text, {}, ids);
    pass.num_ids += ids.size();
  }
  pass.seconds = (thread_seconds() - start);
  return pass;
}

void measure(const caravan::data::Tokenizer& tokenizer, const char* name,
             const std::vector<std::string>& texts) {
  std::size_t num_bytes = 0;
  for (const std::string& text : texts) num_bytes += text.size();
  Pass cold{}, warm{};
  std::thread([&] {  // a fresh thread has an empty cache of words
    cold = run_pass(tokenizer, texts);
    warm = run_pass(tokenizer, texts);
    warm.seconds = std::min(warm.seconds, run_pass(tokenizer, texts).seconds);
  })
      .join();
  const double megabytes = static_cast<double>(num_bytes) / 1e6;
  std::printf("%-40s %8.2f MB %9zu tokens  cold %7.1f MB/s  warm %7.1f MB/s\n", name, megabytes, cold.num_ids,
              megabytes / cold.seconds, megabytes / warm.seconds);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 3) {
    std::fprintf(stderr, "usage: tokenizer_bench TOKENIZER (FILE.jsonl ... | --hostile)\n");
    return 2;
  }
  const double start = thread_seconds();
  const auto tokenizer = caravan::data::load_tokenizer(argv[1]);
  std::printf("loaded in %.0f ms\n", (thread_seconds() - start) * 1e3);
  if (std::string_view(argv[2]) == "--hostile") {
    for (const std::string unit : {"a", " ", "\n", "1", "!", "ab", "\xea\xb0\x80", "a ", " \n", "'s"}) {
      std::string text;
      while (text.size() < 1'000'000) text += unit;
      measure(*tokenizer, ("run of " + unit).c_str(), {text});
    }
    return 0;
  }
  for (int i = 2; i < argc; ++i) measure(*tokenizer, argv[i], read_texts(argv[i]));
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "tokenizer_bench: %s\n", error.what());
  return 1;
}
