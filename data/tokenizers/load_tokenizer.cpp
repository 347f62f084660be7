#include <unicode/uchar.h>

#include <algorithm>
#include <filesystem>

#include "data/sha256.h"
#include "data/tokenizers/gpt2_files.h"
#include "data/tokenizers/sentencepiece_tokenizer.h"
#include "data/tokenizers/tiktoken.h"
#include "data/tokenizers/tokenizer_json.h"

#include <unicode/uchar.h>
#include <unicode/uversion.h>

namespace caravan::data {
namespace {

namespace fs = std::filesystem;

bool exists(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

// Hash over all files that were read, and over the Unicode version that character classes come from.
class Fingerprint {
 public:
  Fingerprint() {
    UVersionInfo version;
    u_getUnicodeVersion(version);
    add("unicode", std::to_string(std::max<int>(version[0], 16)));  // see CharClasses
  }
  void add(std::string_view name, std::string_view content) {
    hash_.update(name).update(":").update(std::to_string(content.size())).update(":").update(content);
  }
  std::string hex() { return hash_.hex(); }

 private:
  Sha256 hash_;
};

// Tokens that tokenizer_config.json adds to those of the tokenizer's own file; transformers adds them too.
std::vector<AddedToken> read_config_tokens(const std::string& folder, Fingerprint& fingerprint) {
  std::vector<AddedToken> tokens;
  const std::string path = folder + "/tokenizer_config.json";
  if (folder.empty() || !exists(path)) return tokens;
  const std::string text = read_tokenizer_file(path);
  simdjson::dom::parser parser;
  const auto added = parse_json(parser, text, path).find("added_tokens_decoder");
  if (!added) return tokens;
  for (const simdjson::dom::key_value_pair entry : added->object()) {
    const JsonPlace place(entry.value, added->where() + "[\"" + std::string(entry.key) + "\"]");
    std::int64_t id = -1;
    for (const char digit : entry.key) {
      if (digit < '0' || digit > '9' || entry.key.size() > 9) place.refuse("the key must be a token id");
      id = (id < 0 ? 0 : id) * 10 + (digit - '0');
    }
    AddedToken token = read_added_token(place, id);
    if (!token.content.empty()) tokens.push_back(std::move(token));
  }
  fingerprint.add("added_tokens_decoder", text);
  return tokens;
}

std::unique_ptr<Tokenizer> load_json(const std::string& path, const std::string& folder) {
  const std::string text = read_tokenizer_file(path);
  simdjson::dom::parser parser;
  const JsonPlace root = parse_json(parser, text, path);
  Fingerprint fingerprint;
  BpeParts parts;
  // A vocabulary may well have a token "model".
  const auto model = root.find("model");
  if (!model || !model->is_object()) {
    const auto merges_path = find_merges_file(path);
    if (!merges_path) {
      root.refuse(
          "no \"model\" inside, so this is no tokenizer.json; a GPT-2 vocabulary is named vocab.json or "
          "encoder.json "
          "and lies beside merges.txt or vocab.bpe");
    }
    const std::string merges = read_tokenizer_file(*merges_path);
    parts = read_gpt2_files(root, merges, *merges_path);
    fingerprint.add("merges", merges);
  } else {
    parts = read_tokenizer_json(root);
  }
  fingerprint.add("json", text);
  for (AddedToken& token : read_config_tokens(folder, fingerprint)) {
    const auto same = [&](const AddedToken& known) { return known.content == token.content; };
    if (std::ranges::none_of(parts.added, same)) parts.added.push_back(std::move(token));
  }
  parts.fingerprint = fingerprint.hex();
  return std::make_unique<BpeTokenizer>(std::move(parts));
}

std::unique_ptr<Tokenizer> load_model(const std::string& path, const std::string& folder) {
  const std::string text = read_tokenizer_file(path);
  Fingerprint fingerprint;
  if (looks_like_tiktoken(text)) {
    fingerprint.add("tiktoken", text);
    BpeParts parts = read_tiktoken(text, path);
    parts.fingerprint = fingerprint.hex();
    return std::make_unique<BpeTokenizer>(std::move(parts));
  }
  std::vector<AddedToken> added = read_config_tokens(folder, fingerprint);
  fingerprint.add("sentencepiece", text);
  return std::make_unique<SentencePieceTokenizer>(text, std::move(added), path, fingerprint.hex());
}

// Names a tokenizer class that GPT-2's file pair alone does not describe.
void refuse_foreign_class(const std::string& folder) {
  const std::string path = folder + "/tokenizer_config.json";
  if (!exists(path)) return;
  const std::string text = read_tokenizer_file(path);
  simdjson::dom::parser parser;
  const auto name = parse_json(parser, text, path).find("tokenizer_class");
  if (!name || name->text().starts_with("GPT2Tokenizer")) return;
  name->refuse("\"" + std::string(name->text()) +
               "\" with vocab.json and merges.txt alone is not supported; save the tokenizer as "
               "tokenizer.json (transformers: AutoTokenizer.from_pretrained(DIR).save_pretrained(DIR))");
}

std::unique_ptr<Tokenizer> load_folder(const std::string& folder) {
  if (exists(folder + "/tokenizer.json")) return load_json(folder + "/tokenizer.json", folder);
  if (exists(folder + "/tokenizer.model")) return load_model(folder + "/tokenizer.model", folder);
  for (const char* vocabulary : {"/vocab.json", "/encoder.json"}) {
    if (!exists(folder + vocabulary) || !find_merges_file(folder + vocabulary)) continue;
    refuse_foreign_class(folder);
    return load_json(folder + vocabulary, folder);
  }
  throw Error(Error::Kind::kInputOutput,
              folder +
                  ": no tokenizer here; expected tokenizer.json, tokenizer.model, vocab.json with "
                  "merges.txt, or encoder.json with vocab.bpe");
}

}  // namespace

std::unique_ptr<Tokenizer> load_tokenizer(const std::string& path) {
  std::error_code problem;
  const fs::file_status status = fs::status(path, problem);
  if (!fs::exists(status)) {
    throw Error(Error::Kind::kInputOutput,
                path + ": no such file or directory; name a checkpoint directory or a tokenizer file");
  }
  if (fs::is_directory(status)) return load_folder(path);
  return path.ends_with(".json") ? load_json(path, "") : load_model(path, "");
}

}  // namespace caravan::data
