#include "data/decontamination/weighted_coverage.h"

#include <algorithm>
#include <bit>

#include "data/decontamination/item_window.h"

namespace caravan::data {

class WeightedSearcher : public Searcher {
 public:
  explicit WeightedSearcher(const WeightedCoverage& measure)
      : measure_(measure),
        items_(measure.items_),
        window_(items_),
        states_(items_.items().num_items()),
        seen_(items_.items().table.size(), 0),
        wanted_(seen_.size(), 0),
        nominated_(states_.size(), 0) {
    for (std::uint32_t item = 0; item < states_.size(); ++item) {
      states_[item].reach = ItemWindow::reach(items_.item(item).num_words);
      states_[item].needed = items_.item(item).seed_weight_needed;
      states_[item].needed_beside_run = items_.item(item).seed_weight_beside_run;
      start_.push_back(-(1.0F - kRounding) * states_[item].needed);
      enough_beside_run_.push_back((1.0F - kRounding) * states_[item].needed_beside_run - kRounding +
                                   start_[item]);
    }
  }

  void search(const RowWords& row, std::vector<ItemScore>& found) override {
    found.clear();
    text_.clear();
    parts_.clear();
    for (const RowWords::Part& part : row.parts) add_part(row.words, part);
    search_text(found);
    if (has_split_prompt(row)) {
      keep_user_words(row);
      search_text(found);
    }
    std::ranges::sort(found, [](const ItemScore& a, const ItemScore& b) {
      return a.item != b.item ? a.item < b.item : a.score > b.score;
    });
    const auto is_same = [](const ItemScore& a, const ItemScore& b) { return a.item == b.item; };
    found.erase(std::unique(found.begin(), found.end(), is_same), found.end());
  }

 private:
  struct Range {
    std::uint32_t item = 0;
    std::uint32_t begin = 0, end = 0;  // words of the text
  };
  struct RunMet {
    std::uint32_t at = 0;  // of its last word in the text
    std::span<const std::uint32_t> items;
  };
  // What is known of an item while one text is walked through, in blocks as long as a window.
  struct State {
    std::uint32_t text = 0;  // the number of the text this is about
    std::uint32_t block = 0;
    std::uint64_t seeds = 0;           // bits met in this block
    std::uint64_t seeds_before = 0;    // and in the one before
    float weight = 0.0F;               // of both
    std::uint32_t range = UINT32_MAX;  // the last stretch to look at
    std::uint32_t reach = 1;           // of the item, kept here because every seed asks
    float needed = 0.0F;
    float needed_beside_run = 0.0F;
    std::uint32_t run_block = 0;  // the last block with a shared run, plus one; 0: none
  };

  void add_part(const Words& words, const RowWords::Part& part) {
    const WordTable& table = items_.items().table;
    const auto first = static_cast<std::uint32_t>(text_.size());
    for (std::uint32_t i = part.first_word; i < part.end_word; ++i)
      text_.push_back(table.find(words.letters(i), words[i].hash));
    parts_.push_back({first, static_cast<std::uint32_t>(text_.size())});
  }

  // Whether turns of the user stand apart from one another.
  static bool has_split_prompt(const RowWords& row) {
    bool other_between = false, user = false;
    for (const RowWords::Part& part : row.parts) {
      if (part.from_user && user && other_between) return true;
      other_between = user && (!part.from_user || other_between);
      user = user || part.from_user;
    }
    return false;
  }

  void keep_user_words(const RowWords& row) {
    std::uint32_t end = 0;
    for (std::size_t i = 0; i < row.parts.size(); ++i) {
      if (!row.parts[i].from_user) continue;
      for (std::uint32_t at = parts_[i].first; at < parts_[i].second; ++at) text_[end++] = text_[at];
    }
    text_.resize(end);
    parts_.assign(1, {0, end});
  }

  void search_text(std::vector<ItemScore>& found) {
    find_ranges();
    for (const Range& range : ranges_) {
      double score = is_whole_part(range) ? 1.0 : 0.0;
      if (score < 1.0 && can_convince(range.item)) {
        const auto stretch = std::span(text_).subspan(range.begin, range.end - range.begin);
        score = window_.score(range.item, stretch, measure_.min_score_);
      }
      if (score >= measure_.min_score_ && score > 0.0) found.push_back({range.item, score});
    }
  }

  // Whether any window could score: some items say too little.
  bool can_convince(std::uint32_t item) const {
    return items_.item(item).information >= measure_.min_score_ * WeightedItems::kConvincingNats;
  }

  // Stretches that may hold a window with the seeds an item needs. A window lies in two blocks that follow
  // one another, so their seeds together are more than it has.
  void find_ranges() {
    if (++text_number_ == 0) {
      for (State& state : states_) state.text = 0;
      std::ranges::fill(seen_, 0);
      std::ranges::fill(wanted_, 0);
      text_number_ = 1;
    }
    ranges_.clear();
    nominate();
    if (nominees_.empty()) return;
    for (const std::uint32_t item : nominees_)
      for (const WordPlaces& group : items_.groups(items_.item(item))) wanted_[group.word] = text_number_;
    auto met = runs_met_.begin();
    for (std::uint32_t at = 0; at < text_.size(); ++at) {
      if (text_[at] != WordTable::kUnknown && wanted_[text_[at]] == text_number_) {
        for (const Seed& seed : items_.seeded(text_[at]))
          if (nominated_[seed.item] != 0) note_seed(seed, at);
      }
      if (met == runs_met_.end() || met->at != at) continue;
      for (const std::uint32_t item : met->items)
        if (nominated_[item] != 0) note_run(item, at);
      ++met;
    }
    for (const std::uint32_t item : nominees_) nominated_[item] = 0;
  }

  std::span<const std::uint32_t> runs_ending(std::uint32_t at) const {
    if (at < 2 || text_[at - 1] == WordTable::kUnknown || text_[at - 2] == WordTable::kUnknown) return {};
    return items_.runs().find(text_[at - 2], text_[at - 1], text_[at]);
  }

  // Items whose seeds in the whole text are enough: no window has more. It takes one addition for each seed
  // of each different word, and most texts end here.
  void nominate() {
    nominees_.clear();
    runs_met_.clear();
    found_ = start_;
    for (const std::uint32_t word : text_) {
      if (word == WordTable::kUnknown || seen_[word] == text_number_) continue;
      seen_[word] = text_number_;
      for (const Seed& seed : items_.seeded(word))
        if ((found_[seed.item] += seed.weight) >= 0.0F) nominate(seed.item);
    }
    for (std::uint32_t at = 2; at < text_.size(); ++at) {
      if (text_[at] == WordTable::kUnknown) continue;
      const std::span<const std::uint32_t> items = runs_ending(at);
      if (items.empty()) continue;
      runs_met_.push_back({at, items});
      for (const std::uint32_t item : items)
        if (found_[item] >= enough_beside_run_[item]) nominate(item);
    }
  }

  void nominate(std::uint32_t item) {
    if (nominated_[item] != 0) return;
    nominated_[item] = 1;
    nominees_.push_back(item);
  }

  void note_seed(const Seed& seed, std::uint32_t at) {
    State& state = states_[seed.item];
    meet(seed.item, state, at / state.reach);
    const std::uint64_t bit = std::uint64_t{1} << seed.bit;
    if ((state.seeds & bit) == 0) {
      if ((state.seeds_before & bit) == 0) state.weight += seed.weight;
      state.seeds |= bit;
    }
    if (is_worth_a_look(state)) add_range(seed.item, state, state.reach);
  }

  static bool is_worth_a_look(const State& state) {
    return state.weight >= state.needed || (state.run_block + 1 > state.block && state.run_block > 0 &&
                                            state.weight >= state.needed_beside_run);
  }

  // Brings what is known of an item to this block of this text.
  void meet(std::uint32_t item, State& state, std::uint32_t block) {
    if (state.text != text_number_) {
      state.text = text_number_;
      state.block = block;
      state.seeds = state.seeds_before = 0;
      state.weight = 0.0F;
      state.range = UINT32_MAX;
      state.run_block = 0;
    } else if (state.block != block) {
      enter_block(item, state, block);
    }
  }

  void note_run(std::uint32_t item, std::uint32_t at) {
    State& state = states_[item];
    meet(item, state, at / state.reach);
    state.run_block = state.block + 1;
    if (is_worth_a_look(state)) add_range(item, state, state.reach);
  }

  void enter_block(std::uint32_t item, State& state, std::uint32_t block) {
    state.seeds_before = state.block + 1 == block ? state.seeds : 0;
    state.seeds = 0;
    state.block = block;
    state.weight = 0.0F;
    for (std::uint64_t left = state.seeds_before; left != 0; left &= left - 1)
      state.weight +=
          items_.bit_weight(items_.item(item), static_cast<std::uint32_t>(std::countr_zero(left)));
  }

  void add_range(std::uint32_t item, State& state, std::uint32_t reach) {
    const std::uint32_t begin = state.block == 0 ? 0 : (state.block - 1) * reach;
    const auto end = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(text_.size(), (std::uint64_t{state.block} + 2) * reach));
    if (state.range != UINT32_MAX && ranges_[state.range].end >= begin) {
      ranges_[state.range].end = end;
    } else {
      state.range = static_cast<std::uint32_t>(ranges_.size());
      ranges_.push_back({item, begin, end});
    }
  }

  // A message that is the item and nothing else.
  bool is_whole_part(const Range& range) const {
    const auto words = items_.words(range.item);
    const auto first =
        std::ranges::lower_bound(parts_, range.begin, {}, &std::pair<std::uint32_t, std::uint32_t>::first);
    for (auto part = first; part != parts_.end() && part->second <= range.end; ++part) {
      if (part->second - part->first != words.size()) continue;
      if (std::ranges::equal(std::span(text_).subspan(part->first, words.size()), words)) return true;
    }
    return false;
  }

  // Sums of floats in another order may differ by so much.
  static constexpr float kRounding = 1e-4F;

  const WeightedCoverage& measure_;
  const WeightedItems& items_;
  ItemWindow window_;
  std::vector<State> states_;
  std::uint32_t text_number_ = 0;
  std::vector<std::uint32_t> seen_;       // per word of the table: the last text that has it
  std::vector<std::uint32_t> wanted_;     // the last text that has an item of this word to look for
  std::vector<float> start_, found_;      // per item: minus what it needs; and with the seeds of the text
  std::vector<float> enough_beside_run_;  // of found_
  std::vector<std::uint8_t> nominated_;   // per item
  std::vector<std::uint32_t> nominees_;
  std::vector<RunMet> runs_met_;  // in the text
  std::vector<std::uint32_t> text_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> parts_;
  std::vector<Range> ranges_;
};

std::unique_ptr<Searcher> WeightedCoverage::make_searcher() const {
  return std::make_unique<WeightedSearcher>(*this);
}

}  // namespace caravan::data
