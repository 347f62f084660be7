#include "data/tokenizers/tokenizer_json.h"

namespace caravan::data {
namespace {

std::int32_t checked_id(const JsonPlace& place, std::int64_t id) {
  if (id < 0 || id > Vocabulary::kMaxId) {
    place.refuse("the id " + std::to_string(id) + " is outside 0.." + std::to_string(Vocabulary::kMaxId));
  }
  return static_cast<std::int32_t>(id);
}

// A merge is "left right" or ["left", "right"].
std::pair<std::string_view, std::string_view> read_merge(simdjson::dom::element merge, const JsonPlace& place,
                                                         std::size_t index) {
  const auto refuse = [&] {
    JsonPlace(merge, place.where() + "[" + std::to_string(index) + "]")
        .refuse("a merge is \"LEFT RIGHT\" or [\"LEFT\", \"RIGHT\"]");
  };
  std::string_view text;
  if (!merge.get(text)) {
    const std::size_t space = text.find(' ');
    if (space == std::string_view::npos || text.find(' ', space + 1) != std::string_view::npos) refuse();
    return {text.substr(0, space), text.substr(space + 1)};
  }
  simdjson::dom::array pair;
  std::string_view left, right;
  if (merge.get(pair) || pair.size() != 2 || pair.at(0).get(left) || pair.at(1).get(right)) refuse();
  return {left, right};
}

void read_merges(const JsonPlace& place, BpeParts& parts) {
  std::string joined;
  std::size_t index = 0;
  for (const simdjson::dom::element merge : place.array()) {
    const std::pair<std::string_view, std::string_view> sides = read_merge(merge, place, index);
    const std::string_view left = sides.first, right = sides.second;
    joined.assign(left).append(right);
    const auto id_of = [&](std::string_view token) {
      const std::int32_t id = parts.names.find(token);
      if (id == Vocabulary::kNone) {
        JsonPlace(merge, place.where() + "[" + std::to_string(index) + "]")
            .refuse("merging \"" + std::string(left) + "\" and \"" + std::string(right) +
                    "\" needs the token \"" + std::string(token) +
                    "\", which is not in the vocabulary; the file is damaged");
      }
      return id;
    };
    parts.merges.push_back({id_of(left), id_of(right), static_cast<std::uint32_t>(index), id_of(joined)});
    ++index;
  }
}

void refuse_affix(const JsonPlace& model, std::string_view key) {
  const auto affix = model.find(key);
  if (affix && !affix->text().empty()) {
    affix->refuse("\"" + std::string(affix->text()) + "\" is not supported; only an empty one or null");
  }
}

void read_model(const JsonPlace& model, BpeParts& parts) {
  // Files of the first years carry no type; they are byte-pair encodings when they have merges.
  const auto type = model.find("type");
  const std::string_view name = type ? type->text() : model.find("merges") ? "BPE" : "without type";
  if (name != "BPE") model.refuse("the model \"" + std::string(name) + "\" is not supported; only BPE");
  if (const auto dropout = model.find("dropout")) {
    dropout->refuse("BPE dropout makes ids random and is not supported; set it to null");
  }
  refuse_affix(model, "continuing_subword_prefix");
  refuse_affix(model, "end_of_word_suffix");
  read_vocabulary(model.at("vocab"), parts.names);
  parts.options.ignore_merges = model.boolean_or("ignore_merges", false);
  parts.options.byte_fallback = model.boolean_or("byte_fallback", false);
  parts.options.fuse_unk = model.boolean_or("fuse_unk", false);
  if (const auto unk = model.find("unk_token")) {
    const std::int32_t id = parts.names.find(unk->text());
    if (id != Vocabulary::kNone) parts.options.unk = id;
    if (id == Vocabulary::kNone && !unk->text().empty()) {
      unk->refuse("\"" + std::string(unk->text()) + "\" is not in the vocabulary");
    }
  }
  read_merges(model.at("merges"), parts);
}

}  // namespace

void read_vocabulary(const JsonPlace& place, Vocabulary& names) {
  names.reserve(place.object().size(), place.object().size() * 8);
  for (const simdjson::dom::key_value_pair entry : place.object()) {
    const std::string where = place.where() + "[\"" + std::string(entry.key) + "\"]";
    const JsonPlace token(entry.value, where);
    const std::int32_t id = checked_id(token, token.integer());
    const std::int32_t clash = names.add(id, entry.key);
    if (clash == id) {
      token.refuse("the id " + std::to_string(id) + " belongs to \"" + std::string(names.bytes(id)) +
                   "\" already");
    }
    if (clash != Vocabulary::kNone)
      token.refuse("the token stands here twice, first with the id " + std::to_string(clash));
  }
  if (names.size() == 0) place.refuse("the vocabulary is empty");
}

AddedToken read_added_token(const JsonPlace& place, std::int64_t id) {
  AddedToken token;
  token.id = checked_id(place, id);
  token.content = place.at("content").text();
  token.special = place.boolean_or("special", false);
  token.normalized = place.boolean_or("normalized", !token.special);
  token.lstrip = place.boolean_or("lstrip", false);
  token.rstrip = place.boolean_or("rstrip", false);
  token.single_word = place.boolean_or("single_word", false);
  if (token.content.size() > TokenMatcher::kMaxContentBytes) {
    place.refuse("an added token of " + std::to_string(token.content.size()) + " bytes; at most " +
                 std::to_string(TokenMatcher::kMaxContentBytes) + " are allowed");
  }
  return token;
}

BpeParts read_tokenizer_json(const JsonPlace& root) {
  BpeParts parts;
  parts.where = root.where();
  read_model(root.at("model"), parts);
  if (const auto added = root.find("added_tokens")) {
    for (const JsonPlace& place : added->elements()) {
      AddedToken token = read_added_token(place, place.at("id").integer());
      if (!token.content.empty()) parts.added.push_back(std::move(token));
    }
  }
  if (const auto normalizer = root.find("normalizer")) parts.normalizers = read_normalizers(*normalizer);
  if (const auto steps = root.find("pre_tokenizer")) {
    parts.pre_tokenizers = read_pre_tokenizers(*steps, parts.options.byte_level);
  }
  if (const auto decoder = root.find("decoder")) parts.decode_steps = read_decoder(*decoder);
  if (const auto framing = root.find("post_processor")) parts.framing = read_post_processor(*framing);
  return parts;
}

}  // namespace caravan::data
