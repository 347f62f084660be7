#include "data/tokenizers/bpe_trainer.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <array>
#include <limits>
#include <queue>
#include <unordered_set>

#include "data/error.h"
#include "data/tokenizers/byte_alphabet.h"

namespace caravan::data {
namespace {

using Id = std::uint32_t;
using Pair = std::uint64_t;  // left id in the upper half, right id in the lower

constexpr std::size_t kNumBytes = 256;

Pair make_pair_key(Id left, Id right) {
  return (Pair{left} << 32) | right;
}
Id left_of(Pair pair) {
  return static_cast<Id>(pair >> 32);
}
Id right_of(Pair pair) {
  return static_cast<Id>(pair & 0xffffffffu);
}

struct Word {
  std::vector<Id> ids;
  std::uint64_t count = 0;
};

struct PairState {
  std::uint64_t count = 0;
  std::unordered_set<std::uint32_t> words;  // which words may hold it
};

struct Candidate {
  std::uint64_t count = 0;
  Pair pair = 0;
  // The most frequent pair first, then the one of the smallest ids.
  bool operator<(const Candidate& other) const {
    return count != other.count ? count < other.count : pair > other.pair;
  }
};

// Applies merges to all words at once and keeps the counts of pairs exact.
class MergeTable {
 public:
  MergeTable(std::vector<Word> words, std::uint64_t min_frequency)
      : words_(std::move(words)), min_frequency_(min_frequency) {
    for (std::uint32_t w = 0; w < words_.size(); ++w) count_pairs(w);
    for (const auto& [pair, state] : pairs_) queue_.push({state.count, pair});
  }

  // The most frequent pair, or nothing where none is frequent enough.
  bool pop_best(Pair& best) {
    while (!queue_.empty()) {
      const Candidate top = queue_.top();
      queue_.pop();
      const auto found = pairs_.find(top.pair);
      if (found == pairs_.end() || found->second.count == 0) continue;
      // Counts change while an entry waits: it goes back with the right one.
      if (found->second.count != top.count) {
        queue_.push({found->second.count, top.pair});
        continue;
      }
      if (top.count < min_frequency_) return false;
      best = top.pair;
      return true;
    }
    return false;
  }

  void merge(Pair pair, Id merged) {
    const std::unordered_set<std::uint32_t> affected = std::move(pairs_[pair].words);
    pairs_.erase(pair);
    std::unordered_set<Pair> grown;
    for (const std::uint32_t w : affected) merge_in_word(w, pair, merged, grown);
    for (const Pair changed : grown) {
      const auto found = pairs_.find(changed);
      if (found != pairs_.end() && found->second.count > 0) queue_.push({found->second.count, changed});
    }
  }

 private:
  void count_pairs(std::uint32_t w) {
    const Word& word = words_[w];
    for (std::size_t i = 0; i + 1 < word.ids.size(); ++i) {
      PairState& state = pairs_[make_pair_key(word.ids[i], word.ids[i + 1])];
      state.count += word.count;
      state.words.insert(w);
    }
  }

  void merge_in_word(std::uint32_t w, Pair pair, Id merged, std::unordered_set<Pair>& grown) {
    Word& word = words_[w];
    for (std::size_t i = 0; i + 1 < word.ids.size(); ++i) {
      const Pair there = make_pair_key(word.ids[i], word.ids[i + 1]);
      const auto found = pairs_.find(there);
      if (found != pairs_.end()) found->second.count -= std::min(found->second.count, word.count);
    }
    std::size_t kept = 0;
    for (std::size_t i = 0; i < word.ids.size(); ++kept) {
      const bool here =
          i + 1 < word.ids.size() && word.ids[i] == left_of(pair) && word.ids[i + 1] == right_of(pair);
      word.ids[kept] = here ? merged : word.ids[i];
      i += here ? 2 : 1;
    }
    word.ids.resize(kept);
    for (std::size_t i = 0; i + 1 < word.ids.size(); ++i) {
      const Pair there = make_pair_key(word.ids[i], word.ids[i + 1]);
      PairState& state = pairs_[there];
      state.count += word.count;
      state.words.insert(w);
      if (word.ids[i] == merged || word.ids[i + 1] == merged) grown.insert(there);
    }
  }

  std::vector<Word> words_;
  std::uint64_t min_frequency_;
  std::unordered_map<Pair, PairState> pairs_;
  std::priority_queue<Candidate> queue_;
};

std::string as_characters(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) text += byte_to_alphabet(static_cast<std::uint8_t>(byte));
  return text;
}

Json added_tokens_json(const std::vector<std::string>& special_tokens) {
  Json added = Json::array();
  for (std::size_t id = 0; id < special_tokens.size(); ++id) {
    added.push_back({{"id", id},
                     {"content", special_tokens[id]},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", true}});
  }
  return added;
}

}  // namespace

struct BpeTrainer::Splitter {
  pcre2_code* code = nullptr;
  pcre2_match_data* match = nullptr;

  explicit Splitter(const std::string& pattern) {
    int error = 0;
    PCRE2_SIZE offset = 0;
    code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), PCRE2_UTF | PCRE2_UCP,
                         &error, &offset, nullptr);
    if (code == nullptr) {
      std::array<unsigned char, 256> reason{};
      pcre2_get_error_message(error, reason.data(), reason.size());
      throw Error(Error::Kind::kUsage, "split pattern, character " + std::to_string(offset) + ": " +
                                           reinterpret_cast<const char*>(reason.data()) + "; found \"" +
                                           pattern + "\"");
    }
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
    match = pcre2_match_data_create_from_pattern(code, nullptr);
  }
  ~Splitter() {
    pcre2_match_data_free(match);
    pcre2_code_free(code);
  }
  Splitter(const Splitter&) = delete;
  Splitter& operator=(const Splitter&) = delete;

  // Calls take(piece) for every match and for what lies between matches.
  template <typename Take>
  void split(std::string_view text, const Take& take) const {
    std::size_t done = 0;
    std::uint32_t flags = 0;
    for (std::size_t at = 0; at < text.size();) {
      const int found = pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), at, flags,
                                    match, nullptr);
      if (found == PCRE2_ERROR_NOMATCH) break;
      if (found < 0) fail(found);
      flags = PCRE2_NO_UTF_CHECK;
      const PCRE2_SIZE* range = pcre2_get_ovector_pointer(match);
      if (range[0] > done) take(text.substr(done, range[0] - done));
      if (range[1] > range[0]) take(text.substr(range[0], range[1] - range[0]));
      done = std::max(done, range[1]);
      at = range[1] > at ? range[1] : next_character(text, at);
    }
    if (done < text.size()) take(text.substr(done));
  }

  static std::size_t next_character(std::string_view text, std::size_t at) {
    do {
      ++at;
    } while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0u) == 0x80u);
    return at;
  }

  [[noreturn]] void fail(int error) const {
    std::array<unsigned char, 256> reason{};
    pcre2_get_error_message(error, reason.data(), reason.size());
    throw Error(Error::Kind::kData,
                "text for the tokenizer, byte " + std::to_string(pcre2_get_startchar(match)) + ": " +
                    reinterpret_cast<const char*>(reason.data()) + "; texts must be UTF-8");
  }
};

BpeTrainer::BpeTrainer(BpeTrainerOptions options)
    : options_(std::move(options)), splitter_(std::make_unique<Splitter>(options_.split_pattern)) {
  const std::size_t smallest = options_.special_tokens.size() + kNumBytes;
  if (options_.vocab_size < smallest || options_.vocab_size > std::numeric_limits<std::int32_t>::max()) {
    throw Error(Error::Kind::kUsage, "vocab_size: found " + std::to_string(options_.vocab_size) +
                                         ", allowed: " + std::to_string(smallest) +
                                         " (256 bytes and the special tokens) or more");
  }
  std::unordered_set<std::string_view> seen;
  for (const std::string& token : options_.special_tokens) {
    if (!token.empty() && seen.insert(token).second) continue;
    throw Error(Error::Kind::kUsage,
                "special_tokens: found \"" + token + "\" twice or empty; each must be a text of its own");
  }
}

BpeTrainer::~BpeTrainer() = default;

void BpeTrainer::add(std::string_view text) {
  splitter_->split(text, [&](std::string_view piece) { ++pieces_[std::string(piece)]; });
}

BpeVocabulary BpeTrainer::train() const {
  BpeVocabulary vocabulary;
  vocabulary.special_tokens = options_.special_tokens;
  vocabulary.split_pattern = options_.split_pattern;
  vocabulary.tokens = options_.special_tokens;
  const Id first_byte = static_cast<Id>(vocabulary.tokens.size());
  for (std::size_t byte = 0; byte < kNumBytes; ++byte)
    vocabulary.tokens.emplace_back(1, static_cast<char>(byte));

  std::vector<Word> words;
  words.reserve(pieces_.size());
  for (const auto& [piece, count] : pieces_) {
    Word word{{}, count};
    for (const char byte : piece) word.ids.push_back(first_byte + static_cast<unsigned char>(byte));
    if (word.ids.size() > 1) words.push_back(std::move(word));
  }
  // Two ways to the same text must not become two tokens: the second merge would make its id unreachable in
  // the file.
  std::unordered_map<std::string, Id> known;
  for (Id id = 0; id < vocabulary.tokens.size(); ++id) known.emplace(vocabulary.tokens[id], id);
  MergeTable table(std::move(words), std::max<std::uint64_t>(1, options_.min_frequency));
  for (Pair best = 0; vocabulary.tokens.size() < options_.vocab_size && table.pop_best(best);) {
    std::string text = vocabulary.tokens[left_of(best)] + vocabulary.tokens[right_of(best)];
    const auto [entry, is_new] = known.emplace(text, static_cast<Id>(vocabulary.tokens.size()));
    if (is_new) vocabulary.tokens.push_back(std::move(text));
    vocabulary.merges.emplace_back(left_of(best), right_of(best));
    table.merge(best, entry->second);
  }
  return vocabulary;
}

Json BpeVocabulary::to_json() const {
  Json vocab = Json::object();
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    vocab[id < special_tokens.size() ? tokens[id] : as_characters(tokens[id])] = id;
  }
  Json merge_list = Json::array();
  for (const auto& [left, right] : merges) {
    merge_list.push_back({as_characters(tokens[left]), as_characters(tokens[right])});
  }
  const Json split = {{"type", "Split"},
                      {"pattern", {{"Regex", split_pattern}}},
                      {"behavior", "Isolated"},
                      {"invert", false}};
  const Json bytes = {
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", false}, {"use_regex", false}};
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", added_tokens_json(special_tokens)},
          {"normalizer", nullptr},
          {"pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", Json::array({split, bytes})}}},
          {"post_processor", nullptr},
          {"decoder", bytes},
          {"model",
           {{"type", "BPE"},
            {"dropout", nullptr},
            {"unk_token", nullptr},
            {"continuing_subword_prefix", nullptr},
            {"end_of_word_suffix", nullptr},
            {"fuse_unk", false},
            {"byte_fallback", false},
            {"ignore_merges", false},
            {"vocab", std::move(vocab)},
            {"merges", std::move(merge_list)}}}};
}

}  // namespace caravan::data
