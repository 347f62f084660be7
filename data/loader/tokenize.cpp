#include "data/loader/tokenize.h"

#include <algorithm>
#include <limits>

#include "data/error.h"
#include "data/loader/mask.h"
#include "data/readers/row_layouts.h"

namespace caravan::data {
namespace {

// 1, 0, or nothing where the message does not say; throws for other values.
std::optional<bool> told_to_train(const Message& message) {
  if (!message.extra.is_object()) return std::nullopt;
  for (const char* key : {"weight", "loss_weight", "train"}) {
    const auto found = message.extra.find(key);
    if (found == message.extra.end() || found->is_null()) continue;
    if (found->is_boolean()) return found->get<bool>();
    if (found->is_number() && (*found == 0 || *found == 1)) return *found == 1;
    throw Error(Error::Kind::kData, std::string("wrong_value:") + key);
  }
  return std::nullopt;
}

// `ranges` without `holes`; both sorted and disjoint. One pass: a row may have any number of turns.
std::vector<ByteRange> without(const std::vector<ByteRange>& ranges, const std::vector<ByteRange>& holes) {
  std::vector<ByteRange> rest;
  std::size_t hole = 0;
  for (ByteRange range : ranges) {
    while (hole < holes.size() && holes[hole].end <= range.begin) ++hole;
    for (std::size_t i = hole; i < holes.size() && holes[i].begin < range.end; ++i) {
      if (range.begin < holes[i].begin) rest.push_back({range.begin, holes[i].begin});
      range.begin = std::max(range.begin, holes[i].end);
    }
    if (range.begin < range.end) rest.push_back(range);
  }
  return rest;
}

// Whether the turn of one of `messages` is trained; of turns that nobody could find, it may be.
bool trains_one_of(const std::vector<std::size_t>& messages, const Rendered& rendered,
                   const std::vector<ByteRange>& spans) {
  if (!rendered.unlocated.empty()) return !messages.empty();
  for (const RenderedTurn& turn : rendered.turns) {
    if (!std::binary_search(messages.begin(), messages.end(), turn.message)) continue;
    const ByteRange range{turn.text.begin, std::max(turn.text.end, turn.marker_end)};
    const auto next = std::partition_point(spans.begin(), spans.end(),
                                           [&](const ByteRange& span) { return span.end <= range.begin; });
    if (next != spans.end() && next->begin < range.end) return true;
  }
  return false;
}

}  // namespace

void TokenizedRow::clear() {
  fate = Fate::kDropped;
  reason.clear();
  ids.clear();
  trained.clear();
  ends.clear();
  role = DocumentRole::kExample;
  margin = std::numeric_limits<float>::quiet_NaN();
  cut_tokens = 0;
  straddling_tokens = 0;
}

void TokenizedRow::add_reason(std::string_view code) {
  if (!reason.empty()) reason += ',';
  reason += code;
}

TokenTexts::TokenTexts(const Tokenizer& tokenizer) {
  starts_.push_back(0);
  for (std::int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
    try {
      bytes_ += tokenizer.token_text(id);
    } catch (const Error&) {
      // An id without a token: a gap in the vocabulary, which no text becomes.
    }
    starts_.push_back(static_cast<std::uint32_t>(bytes_.size()));
  }
}

std::string_view TokenTexts::operator[](std::int32_t id) const {
  const auto index = static_cast<std::size_t>(id);
  if (id < 0 || index + 1 >= starts_.size()) {
    throw Error(Error::Kind::kData, "the tokenizer gave id " + std::to_string(id) +
                                        ", its vocabulary ends at " + std::to_string(starts_.size() - 1) +
                                        "; its files do not belong together");
  }
  return std::string_view(bytes_).substr(starts_[index], starts_[index + 1] - starts_[index]);
}

std::vector<ByteRange> trained_spans(const Rendered& rendered, const Conversation& conversation,
                                     TrainOn policy) {
  std::vector<ByteRange> spans;
  for (const ByteRange& span : rendered.spans(policy)) {
    if (span.begin >= span.end) continue;
    if (!spans.empty() && spans.back().end == span.begin) {
      spans.back().end = span.end;
    } else {
      spans.push_back(span);
    }
  }
  std::vector<ByteRange> silent;
  for (const RenderedTurn& turn : rendered.turns) {
    if (turn.message >= conversation.messages.size()) continue;
    const bool train = told_to_train(conversation.messages[turn.message]).value_or(true);
    if (!train) silent.push_back({turn.text.begin, std::max(turn.text.end, turn.marker_end)});
  }
  return silent.empty() ? spans : without(spans, silent);
}

std::uint32_t count_trained_targets(std::span<const std::uint8_t> trained) {
  if (trained.empty()) return 0;
  return static_cast<std::uint32_t>(std::count(trained.begin() + 1, trained.end(), std::uint8_t{1}));
}

ConversationTokenizer::ConversationTokenizer(const Tokenizer& tokenizer, Render render,
                                             const TokenizeOptions& options)
    : tokenizer_(tokenizer), render_(std::move(render)), options_(options), texts_(tokenizer) {}

void ConversationTokenizer::tokenize(const Conversation& conversation, const std::string& where,
                                     TokenizedRow& out) const {
  if (encode(conversation, where, out)) fit(where, out);
}

bool ConversationTokenizer::encode(const Conversation& conversation, const std::string& where,
                                   TokenizedRow& out) const {
  out.clear();
  const auto drop = [&out](const std::string& reason) {
    out.add_reason(reason);
    return false;
  };
  Rendered rendered;
  std::vector<ByteRange> spans;
  try {
    rendered = render_(conversation);
  } catch (const Error& error) {
    return drop("template_refused:" + shorten(error.what()));
  }
  if (!rendered.unlocated.empty() && options_.train_on != TrainOn::kAll) {
    return drop("turns_unlocated:" + shorten(rendered.unlocated));
  }
  try {
    spans = trained_spans(rendered, conversation, options_.train_on);
  } catch (const Error& error) {
    return drop(error.what());
  }
  // An answer that is a tool call would be learnt as an answer without a word.
  if (trains_one_of(rendered.lost_calls, rendered, spans)) return drop("template_left_out:tool_calls");
  if (!rendered.silent_messages.empty()) out.add_reason("warning:template_left_out_a_turn");
  if (!rendered.lost_calls.empty()) out.add_reason("warning:template_left_out_tool_calls");
  if (rendered.lost_tools) out.add_reason("warning:template_left_out_tools");
  std::vector<std::uint32_t> begins;
  try {
    tokenizer_.encode(rendered.text, rendered.trusted, out.ids, &begins);
  } catch (const Error& error) {
    out.clear();
    return drop("not_encodable:" + shorten(error.what()));
  }
  out.straddling_tokens = mask_tokens(begins, rendered.text.size(), spans, out.trained);
  const std::vector<std::int32_t>& ids = out.ids;
  if (ids.size() > 1 && ids[0] == ids[1] && tokenizer_.is_special(ids[0])) {
    throw Error(Error::Kind::kData,
                where + ": the text begins with " + std::string(texts_[ids[0]]) +
                    " twice; the template must write it once: check chat_template and bos_token");
  }
  switch (prove_mask(rendered.text, ids, texts_, spans, out.trained)) {
    case Proof::kExact:
      break;
    case Proof::kAltered:
      out.add_reason("warning:tokenizer_altered_text");
      break;
    case Proof::kMismatch:
      out.clear();
      return drop("mask_mismatch");
  }
  return true;
}

void ConversationTokenizer::fit(const std::string& where, TokenizedRow& out) const {
  const std::size_t length = out.ids.size();
  const auto most = static_cast<std::size_t>(options_.max_length);
  const auto drop = [&out](std::string_view reason) {
    out.clear();
    out.add_reason(reason);
  };
  out.fate = Fate::kTrained;
  if (length > most) {
    const bool cuts =
        options_.too_long == TooLong::kTruncateLeft || options_.too_long == TooLong::kTruncateRight;
    if (cuts && count_trained_targets(out.trained) == 0) return drop("no_trained_tokens");
    switch (options_.too_long) {
      case TooLong::kDrop:
        return drop("too_long");
      case TooLong::kError:
        throw Error(Error::Kind::kData, where + ": the row has " + std::to_string(length) +
                                            " tokens, data.max_length is " + std::to_string(most) +
                                            "; raise it or choose another data.too_long than error");
      case TooLong::kSplit:
        return split(out);
      case TooLong::kTruncateLeft:
        out.ids.erase(out.ids.begin(), out.ids.end() - static_cast<std::ptrdiff_t>(most));
        out.trained.erase(out.trained.begin(), out.trained.end() - static_cast<std::ptrdiff_t>(most));
        break;
      case TooLong::kTruncateRight:
        out.ids.resize(most);
        out.trained.resize(most);
    }
    out.fate = Fate::kTruncated;
    out.cut_tokens = static_cast<std::uint32_t>(length - most);
  }
  if (count_trained_targets(out.trained) == 0)
    return drop(length > most ? "cut_left_no_answer" : "no_trained_tokens");
  out.ends.push_back(static_cast<std::uint32_t>(out.ids.size()));
}

// Pieces of max_length tokens in a row; a piece in which nothing is trained is cut.
void ConversationTokenizer::split(TokenizedRow& out) const {
  const auto most = static_cast<std::size_t>(options_.max_length);
  std::vector<std::int32_t> ids;
  std::vector<std::uint8_t> trained;
  for (std::size_t begin = 0; begin < out.ids.size(); begin += most) {
    const std::size_t end = std::min(begin + most, out.ids.size());
    const std::span<const std::uint8_t> piece(out.trained.data() + begin, end - begin);
    if (count_trained_targets(piece) == 0) {
      out.cut_tokens += static_cast<std::uint32_t>(piece.size());
      continue;
    }
    ids.insert(ids.end(), out.ids.begin() + static_cast<std::ptrdiff_t>(begin),
               out.ids.begin() + static_cast<std::ptrdiff_t>(end));
    trained.insert(trained.end(), piece.begin(), piece.end());
    out.ends.push_back(static_cast<std::uint32_t>(ids.size()));
  }
  if (ids.empty()) {
    out.clear();
    return out.add_reason("no_trained_tokens");
  }
  out.ids = std::move(ids);
  out.trained = std::move(trained);
  out.fate = Fate::kSplit;
}

}  // namespace caravan::data
