#include "data/tokenizers/gpt2_files.h"

#include <filesystem>

#include "data/tokenizers/tokenizer_json.h"
#include "data/tokenizers/unicode.h"

namespace caravan::data {
namespace {

void read_merge_lines(std::string_view text, const std::string& path, BpeParts& parts) {
  std::size_t number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || (number == 1 && line.starts_with("#version"))) continue;
    const auto refuse = [&](const std::string& what) {
      throw Error(Error::Kind::kData, path + ":" + std::to_string(number) + ": " + what);
    };
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos || line.find(' ', space + 1) != std::string_view::npos) {
      refuse("expected LEFT RIGHT, found \"" + std::string(line.substr(0, 80)) + "\"");
    }
    const std::string_view left = line.substr(0, space), right = line.substr(space + 1);
    const auto id_of = [&](const std::string& token) {
      const std::int32_t id = parts.names.find(token);
      if (id == Vocabulary::kNone)
        refuse("the merge needs the token \"" + token + "\", which is not in the vocabulary");
      return id;
    };
    const std::string joined = std::string(left) + std::string(right);
    const auto rank = static_cast<std::uint32_t>(parts.merges.size());
    parts.merges.push_back({id_of(std::string(left)), id_of(std::string(right)), rank, id_of(joined)});
  }
}

}  // namespace

std::optional<std::string> find_merges_file(const std::string& vocabulary_path) {
  constexpr std::pair<std::string_view, std::string_view> kNames[] = {{"vocab.json", "merges.txt"},
                                                                      {"encoder.json", "vocab.bpe"}};
  for (const auto& [vocabulary, merges] : kNames) {
    if (!vocabulary_path.ends_with(vocabulary)) continue;
    std::string path =
        vocabulary_path.substr(0, vocabulary_path.size() - vocabulary.size()) + std::string(merges);
    std::error_code ignored;
    if (std::filesystem::exists(path, ignored)) return path;
  }
  return std::nullopt;
}

BpeParts read_gpt2_files(const JsonPlace& vocabulary, std::string_view merges,
                         const std::string& merges_path) {
  BpeParts parts;
  parts.where = vocabulary.where();
  read_vocabulary(vocabulary, parts.names);
  const std::size_t invalid = find_invalid_utf8(merges);
  if (invalid != std::string_view::npos) {
    throw Error(Error::Kind::kData,
                merges_path + ": byte " + std::to_string(invalid) + " is not valid UTF-8");
  }
  read_merge_lines(merges, merges_path, parts);
  parts.options.byte_level = true;
  parts.pre_tokenizers.push_back(make_scanner_split(find_scanner(kGpt2Pattern)));
  parts.decode_steps.push_back({DecodeStep::Kind::kByteLevel, "", "", 0, false});
  constexpr std::string_view kEnd = "<|endoftext|>";
  const std::int32_t end = parts.names.find(kEnd);
  if (end != Vocabulary::kNone) {
    AddedToken token;
    token.id = end;
    token.content = kEnd;
    token.special = true;
    parts.added.push_back(std::move(token));
  }
  return parts;
}

}  // namespace caravan::data
