#include "data/decontamination/word_overlap.h"

#include <algorithm>
#include <cmath>

namespace caravan::data {

WordOverlap::WordOverlap(const EvalIndex& index, MeasureName name, double min_score, DocumentCounts counts)
    : items_(index.words(Folding::kReference)),
      name_(name),
      min_score_(min_score),
      counts_(std::move(counts)),
      entered_(items_.table.size()) {
  std::vector<std::uint64_t> hashes(items_.table.size());
  for (std::uint32_t word = 0; word < hashes.size(); ++word)
    hashes[word] = hash_letters(items_.table.letters(word));
  if (name == MeasureName::kTfidf) {
    for (std::uint32_t item = 0; item < items_.num_items(); ++item) {
      std::vector<std::uint64_t> document;
      for (const std::uint32_t word : items_.of(item)) document.push_back(hashes[word]);
      std::ranges::sort(document);
      document.erase(std::unique(document.begin(), document.end()), document.end());
      counts_.add(document);
    }
  }
  for (const std::uint64_t hash : hashes)
    word_weight_.push_back(name == MeasureName::kTfidf ? counts_.weight(hash) : 1.0);
  for (std::uint32_t item = 0; item < items_.num_items(); ++item) add_item(items_.of(item));
  choose_entry_words();
}

void WordOverlap::add_item(std::span<const std::uint32_t> words) {
  std::vector<std::uint32_t> sorted(words.begin(), words.end());
  std::ranges::sort(sorted);
  double squares = 0.0;
  for (std::size_t i = 0; i < sorted.size();) {
    std::size_t end = i;
    while (end < sorted.size() && sorted[end] == sorted[i]) ++end;
    const double count = name_ == MeasureName::kJaccard ? 1.0 : static_cast<double>(end - i);
    words_.push_back({sorted[i], count * word_weight_[sorted[i]]});
    squares += words_.back().weight * words_.back().weight;
    i = end;
  }
  begins_.push_back(words_.size());
  norm_.push_back(name_ == MeasureName::kJaccard ? squares : std::sqrt(squares));
}

void WordOverlap::choose_entry_words() {
  const std::vector<std::uint32_t> frequency = count_items_with(items_);
  for (std::uint32_t item = 0; item < items_.num_items(); ++item) {
    const std::span<WordCount> words =
        std::span(words_).subspan(begins_[item], begins_[item + 1] - begins_[item]);
    std::ranges::sort(words, [&](const WordCount& a, const WordCount& b) {
      return std::pair(frequency[a.word], a.word) < std::pair(frequency[b.word], b.word);
    });
    const std::size_t count = num_entry_words(words, norm_[item]);
    for (const WordCount& word : words.first(count)) entered_[word.word].push_back(item);
  }
}

// A text that shares none of the first words has at most the rest in common: for Jaccard that many words, for
// a cosine the norm of the rest over the item's.
std::size_t WordOverlap::num_entry_words(std::span<const WordCount> item, double norm) const {
  constexpr double kRounding = 1e-9;
  double rest = 0.0;
  std::size_t count = item.size();
  while (count > 0) {
    rest += item[count - 1].weight * item[count - 1].weight;
    const double reach = (name_ == MeasureName::kJaccard ? rest : std::sqrt(rest)) / norm;
    if (reach >= min_score_ - kRounding) break;
    --count;
  }
  return count;
}

class OverlapSearcher : public Searcher {
 public:
  explicit OverlapSearcher(const WordOverlap& measure)
      : measure_(measure),
        amount_(measure.items_.table.size(), 0.0),
        best_(measure.norm_.size(), 0.0),
        seen_(measure.norm_.size(), 0) {}

  void search(const RowWords& row, std::vector<ItemScore>& found) override {
    found.clear();
    for (const RowWords::Part& part : row.parts) search_message(row.words, part);
    std::ranges::sort(touched_);
    for (const std::uint32_t item : touched_) {
      if (best_[item] >= measure_.min_score_) found.push_back({item, best_[item]});
      best_[item] = 0.0;
    }
    touched_.clear();
  }

 private:
  struct MessageWord {
    std::uint64_t hash = 0;
    std::uint32_t place = 0;  // where it first stands
    std::uint32_t count = 0;
  };

  // Different words of a message, with their counts.
  void count_words(const Words& words, const RowWords::Part& part) {
    message_words_.clear();
    for (std::uint32_t i = part.first_word; i < part.end_word; ++i)
      message_words_.push_back({words[i].hash, i, 1});
    std::ranges::sort(message_words_, {}, &MessageWord::hash);
    std::size_t last = 0;
    for (std::size_t i = 1; i < message_words_.size(); ++i) {
      if (message_words_[i].hash == message_words_[last].hash) {
        ++message_words_[last].count;
      } else {
        message_words_[++last] = message_words_[i];
      }
    }
    if (!message_words_.empty()) message_words_.resize(last + 1);
  }

  double weigh(const MessageWord& word, std::uint32_t known) const {
    if (measure_.name_ == MeasureName::kJaccard) return 1.0;
    const double count = word.count;
    if (measure_.name_ == MeasureName::kTf) return count;
    return count *
           (known == WordTable::kUnknown ? measure_.counts_.weight(word.hash) : measure_.word_weight_[known]);
  }

  void search_message(const Words& words, const RowWords::Part& part) {
    count_words(words, part);
    if (++message_ == 0) {
      std::ranges::fill(seen_, 0);
      message_ = 1;
    }
    known_.clear();
    double squares = 0.0;
    for (const MessageWord& word : message_words_) {
      const std::uint32_t known = measure_.items_.table.find(words.letters(word.place), word.hash);
      const double weight = weigh(word, known);
      squares += weight * weight;
      if (known == WordTable::kUnknown) continue;
      amount_[known] = weight;
      known_.push_back(known);
    }
    for (const std::uint32_t word : known_) {
      for (const std::uint32_t item : measure_.entered_[word]) {
        if (seen_[item] == message_) continue;
        seen_[item] = message_;
        score_item(item, squares);
      }
    }
    for (const std::uint32_t word : known_) amount_[word] = 0.0;
  }

  void score_item(std::uint32_t item, double squares) {
    // Sets of too different sizes cannot be that alike.
    if (measure_.name_ == MeasureName::kJaccard &&
        std::min(measure_.norm_[item], squares) <
            (measure_.min_score_ - 1e-9) * std::max(measure_.norm_[item], squares))
      return;
    double shared = 0.0;
    for (std::size_t i = measure_.begins_[item]; i < measure_.begins_[item + 1]; ++i)
      shared += measure_.words_[i].weight * amount_[measure_.words_[i].word];
    if (shared == 0.0) return;
    const double norm = measure_.norm_[item];
    const double score = measure_.name_ == MeasureName::kJaccard ? shared / (norm + squares - shared)
                                                                 : shared / (norm * std::sqrt(squares));
    if (best_[item] == 0.0) touched_.push_back(item);
    best_[item] = std::max(best_[item], score);
  }

  const WordOverlap& measure_;
  std::vector<MessageWord> message_words_;
  std::vector<double> amount_;  // per word of the table, in the present message
  std::vector<std::uint32_t> known_;
  std::vector<double> best_;
  std::vector<std::uint32_t> seen_;  // per item: the last message it was scored against
  std::uint32_t message_ = 0;
  std::vector<std::uint32_t> touched_;
};

std::unique_ptr<Searcher> WordOverlap::make_searcher() const {
  return std::make_unique<OverlapSearcher>(*this);
}

}  // namespace caravan::data
