// Normalizers, pre-tokenizers, decoders and post-processors of tokenizer.json.
#include "data/tokenizers/tokenizer_json.h"
#include "data/tokenizers/unicode.h"

namespace caravan::data {
namespace {

constexpr std::size_t kMaxDepth = 16;
constexpr std::size_t kMaxSteps = 64;

[[noreturn]] void refuse_type(const JsonPlace& place, std::string_view what, std::string_view type,
                              std::string_view supported) {
  place.refuse("the " + std::string(what) + " \"" + std::string(type) +
               "\" is not supported; supported are " + std::string(supported));
}

// Calls `read` for every component of a nest of Sequences, in order. `key` names a Sequence's list.
template <class Read>
void for_each_component(const JsonPlace& place, std::string_view key, Read&& read, std::size_t depth = 0) {
  if (depth > kMaxDepth) place.refuse("sequences nested deeper than " + std::to_string(kMaxDepth));
  if (place.at("type").text() != "Sequence") return read(place);
  const auto steps = place.at(key).elements();
  if (steps.size() > kMaxSteps)
    place.refuse("a sequence of more than " + std::to_string(kMaxSteps) + " steps");
  for (const JsonPlace& step : steps) for_each_component(step, key, read, depth + 1);
}

// {"String": "..."} or {"Regex": "..."}.
struct Pattern {
  bool is_regex;
  std::string text;
  std::string where;
};

Pattern read_pattern(const JsonPlace& place) {
  if (const auto regex = place.find("Regex")) return {true, std::string(regex->text()), regex->where()};
  if (const auto text = place.find("String")) return {false, std::string(text->text()), text->where()};
  place.refuse("a pattern is {\"String\": ...} or {\"Regex\": ...}");
}

SplitBehavior read_behavior(const JsonPlace& place) {
  const std::string_view name = place.text();
  if (name == "Removed") return SplitBehavior::kRemoved;
  if (name == "Isolated") return SplitBehavior::kIsolated;
  if (name == "MergedWithPrevious") return SplitBehavior::kMergedWithPrevious;
  if (name == "MergedWithNext") return SplitBehavior::kMergedWithNext;
  if (name == "Contiguous") return SplitBehavior::kContiguous;
  refuse_type(place, "behavior", name, "Removed, Isolated, MergedWithPrevious, MergedWithNext, Contiguous");
}

std::unique_ptr<PreTokenizer> read_split(const JsonPlace& place) {
  Pattern pattern = read_pattern(place.at("pattern"));
  const SplitBehavior behavior = read_behavior(place.at("behavior"));
  const bool invert = place.boolean_or("invert", false);
  if (!pattern.is_regex) return make_text_split(std::move(pattern.text), behavior, invert);
  // The known patterns match every character, so keeping the matches and isolating them are the same.
  const bool keeps_matches =
      behavior == SplitBehavior::kIsolated || (behavior == SplitBehavior::kRemoved && invert);
  const NextWord scanner = find_scanner(pattern.text);
  if (scanner && keeps_matches) return make_scanner_split(scanner);
  return make_regex_split(Regex(pattern.text, pattern.where), behavior, invert);
}

std::unique_ptr<PreTokenizer> read_metaspace(const JsonPlace& place) {
  const std::string_view mark = place.at("replacement").text();
  if (mark.empty() || decode_valid(mark.data()).num_bytes != mark.size()) {
    place.at("replacement").refuse("one character is expected, found \"" + std::string(mark) + "\"");
  }
  PrependScheme scheme =
      place.boolean_or("add_prefix_space", true) ? PrependScheme::kAlways : PrependScheme::kNever;
  if (const auto named = place.find("prepend_scheme")) {
    const std::string_view name = named->text();
    if (name == "always") {
      scheme = PrependScheme::kAlways;
    } else if (name == "first") {
      scheme = PrependScheme::kFirst;
    } else if (name == "never") {
      scheme = PrependScheme::kNever;
    } else {
      refuse_type(*named, "scheme", name, "always, first, never");
    }
  }
  return make_metaspace(std::string(mark), scheme, place.boolean_or("split", true));
}

void read_byte_level(const JsonPlace& place, std::vector<std::unique_ptr<PreTokenizer>>& steps) {
  if (place.boolean_or("add_prefix_space", true)) steps.push_back(make_prefix_space());
  if (place.boolean_or("use_regex", true)) steps.push_back(make_scanner_split(find_scanner(kGpt2Pattern)));
}

std::unique_ptr<PreTokenizer> read_pre_tokenizer(const JsonPlace& place) {
  const std::string_view type = place.at("type").text();
  if (type == "Split") return read_split(place);
  if (type == "Digits") return make_digits(place.boolean_or("individual_digits", false));
  if (type == "Metaspace") return read_metaspace(place);
  if (type == "WhitespaceSplit") return make_whitespace_split();
  if (type == "Whitespace") {
    return make_regex_split(Regex(R"(\w+|[^\w\s]+)", place.where()), SplitBehavior::kRemoved, true);
  }
  if (type == "Punctuation") {
    const auto behavior = place.find("behavior");
    return make_punctuation(behavior ? read_behavior(*behavior) : SplitBehavior::kIsolated);
  }
  refuse_type(place, "pre-tokenizer", type,
              "Split, ByteLevel, Digits, Metaspace, Whitespace, WhitespaceSplit, Punctuation, Sequence");
}

std::unique_ptr<Normalizer> read_normalizer(const JsonPlace& place) {
  const std::string_view type = place.at("type").text();
  if (type == "NFC") return make_normal_form(NormalForm::kNfc);
  if (type == "NFD") return make_normal_form(NormalForm::kNfd);
  if (type == "NFKC") return make_normal_form(NormalForm::kNfkc);
  if (type == "NFKD") return make_normal_form(NormalForm::kNfkd);
  if (type == "Lowercase") return make_lowercase();
  if (type == "StripAccents") return make_strip_accents();
  if (type == "Strip")
    return make_strip(place.boolean_or("strip_left", true), place.boolean_or("strip_right", true));
  if (type == "Prepend") return make_prepend(std::string(place.at("prepend").text()));
  if (type == "Replace") {
    Pattern pattern = read_pattern(place.at("pattern"));
    std::string content(place.at("content").text());
    if (!pattern.is_regex) return make_replace(std::move(pattern.text), std::move(content));
    return make_replace(Regex(pattern.text, pattern.where), std::move(content));
  }
  refuse_type(place, "normalizer", type,
              "NFC, NFD, NFKC, NFKD, Lowercase, StripAccents, Strip, Prepend, Replace, Sequence");
}

DecodeStep read_decode_step(const JsonPlace& place) {
  using Kind = DecodeStep::Kind;
  const std::string_view type = place.at("type").text();
  DecodeStep step{};
  if (type == "ByteLevel") {
    step.kind = Kind::kByteLevel;
  } else if (type == "ByteFallback") {
    step.kind = Kind::kByteFallback;
  } else if (type == "Fuse") {
    step.kind = Kind::kFuse;
  } else if (type == "Replace") {
    const Pattern pattern = read_pattern(place.at("pattern"));
    if (pattern.is_regex || pattern.text.empty())
      place.refuse("a Replace decoder needs a pattern {\"String\": ...}");
    step = {Kind::kReplace, pattern.text, std::string(place.at("content").text()), 0, false};
  } else if (type == "Metaspace") {
    const auto scheme = place.find("prepend_scheme");
    const bool prepends = scheme ? scheme->text() != "never" : place.boolean_or("add_prefix_space", true);
    step = {Kind::kMetaspace, std::string(place.at("replacement").text()), "", 0, prepends};
  } else if (type == "Strip") {
    const std::string_view character = place.at("content").text();
    if (character.empty() || decode_valid(character.data()).num_bytes != character.size()) {
      place.refuse("a Strip decoder takes away one character, found \"" + std::string(character) + "\"");
    }
    if (place.at("stop").integer() != 0)
      place.refuse("a Strip decoder with \"stop\" is not supported; only \"stop\": 0");
    step = {Kind::kStrip, std::string(character), "", static_cast<std::size_t>(place.at("start").integer()),
            false};
  } else {
    refuse_type(place, "decoder", type, "ByteLevel, ByteFallback, Fuse, Replace, Strip, Metaspace, Sequence");
  }
  return step;
}

// Ids of one {"SpecialToken": {"id": NAME}} under TemplateProcessing's "special_tokens".
void append_special_ids(const JsonPlace& processor, const JsonPlace& item, std::vector<std::int32_t>& ids) {
  const JsonPlace name = item.at("SpecialToken").at("id");
  for (const JsonPlace& id : processor.at("special_tokens").at(name.text()).at("ids").elements()) {
    const std::int64_t value = id.integer();
    if (value < 0 || value > Vocabulary::kMaxId)
      id.refuse("the id " + std::to_string(value) + " is out of range");
    ids.push_back(static_cast<std::int32_t>(value));
  }
}

}  // namespace

std::vector<std::unique_ptr<Normalizer>> read_normalizers(const JsonPlace& place) {
  std::vector<std::unique_ptr<Normalizer>> steps;
  for_each_component(place, "normalizers",
                     [&](const JsonPlace& step) { steps.push_back(read_normalizer(step)); });
  return steps;
}

std::vector<std::unique_ptr<PreTokenizer>> read_pre_tokenizers(const JsonPlace& place, bool& byte_level) {
  std::vector<std::unique_ptr<PreTokenizer>> steps;
  byte_level = false;
  for_each_component(place, "pretokenizers", [&](const JsonPlace& step) {
    // After ByteLevel the text is in another alphabet, in which digits and spaces are other characters.
    if (byte_level) step.refuse("a pre-tokenizer after ByteLevel is not supported; ByteLevel must come last");
    if (step.at("type").text() == "ByteLevel") {
      byte_level = true;
      read_byte_level(step, steps);
    } else {
      steps.push_back(read_pre_tokenizer(step));
    }
  });
  return steps;
}

std::vector<DecodeStep> read_decoder(const JsonPlace& place) {
  std::vector<DecodeStep> steps;
  for_each_component(place, "decoders",
                     [&](const JsonPlace& step) { steps.push_back(read_decode_step(step)); });
  return steps;
}

Framing read_post_processor(const JsonPlace& place) {
  Framing framing;
  for_each_component(place, "processors", [&](const JsonPlace& step) {
    const std::string_view type = step.at("type").text();
    if (type == "ByteLevel") return;  // concerns offsets only
    if (type == "TemplateProcessing") {
      bool before = true;
      for (const JsonPlace& item : step.at("single").elements()) {
        if (item.find("Sequence")) {
          before = false;
        } else {
          append_special_ids(step, item, before ? framing.before : framing.after);
        }
      }
    } else if (type == "RobertaProcessing" || type == "BertProcessing") {
      const auto id = [&](std::string_view key) {
        const auto pair = step.at(key).elements();
        if (pair.size() != 2) step.at(key).refuse("expected [TOKEN, ID]");
        return static_cast<std::int32_t>(pair[1].integer());
      };
      framing.before.push_back(id("cls"));
      framing.after.push_back(id("sep"));
    } else {
      refuse_type(step, "post-processor", type,
                  "ByteLevel, TemplateProcessing, RobertaProcessing, BertProcessing, Sequence");
    }
  });
  return framing;
}

}  // namespace caravan::data
