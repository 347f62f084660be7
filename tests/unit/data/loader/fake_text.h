// A tokenizer and a chat template small enough to know every id by heart.
#pragma once

#include <algorithm>
#include <atomic>
#include <string>
#include <string_view>
#include <vector>

#include "data/error.h"
#include "data/loader/tokenize.h"
#include "data/tokenizers/tokenizer.h"

namespace caravan::tests {

// One id per byte (0-255), kBos = "<s>", kEnd = "<end>" where trusted, and kMerged = "\nM", which straddles
// headers on purpose. With `lowers`, upper-case letters become lower case, as a normalizer would do.
class FakeTokenizer : public data::Tokenizer {
 public:
  static constexpr std::int32_t kBos = 256, kEnd = 257, kMerged = 258;

  explicit FakeTokenizer(bool lowers = false) : lowers_(lowers) {}

  void encode(std::string_view text, std::span<const data::ByteRange> trusted, std::vector<std::int32_t>& ids,
              std::vector<std::uint32_t>* begins) const override {
    const auto is_trusted = [trusted](std::size_t begin, std::size_t end) {
      return std::any_of(trusted.begin(), trusted.end(), [=](const data::ByteRange& range) {
        return range.begin <= begin && end <= range.end;
      });
    };
    for (std::size_t at = 0; at < text.size();) {
      std::int32_t id = static_cast<unsigned char>(text[at]);
      std::size_t length = 1;
      for (const std::int32_t special : {kBos, kEnd}) {
        const std::string name = token_text(special);
        if (text.substr(at, name.size()) == name && is_trusted(at, at + name.size()))
          id = special, length = name.size();
      }
      if (text.substr(at, 2) == "\nM") id = kMerged, length = 2;
      if (lowers_ && id >= 'A' && id <= 'Z') id += 'a' - 'A';
      ids.push_back(id);
      if (begins) begins->push_back(static_cast<std::uint32_t>(static_cast<std::int64_t>(at) + shift));
      at += length;
    }
  }
  std::string token_text(std::int32_t id) const override {
    if (id == kBos) return "<s>";
    if (id == kEnd) return "<end>";
    if (id == kMerged) return "\nM";
    return std::string(1, static_cast<char>(id));
  }
  std::string decode(std::span<const std::int32_t> ids, bool) const override {
    std::string text;
    for (const std::int32_t id : ids) text += token_text(id);
    return text;
  }
  std::int32_t vocab_size() const override { return 259; }
  std::optional<std::int32_t> token_to_id(std::string_view) const override { return std::nullopt; }
  bool is_special(std::int32_t id) const override { return id == kBos || id == kEnd; }
  const std::string& fingerprint() const override { return fingerprint_; }

  std::string fingerprint_ = "fake";
  std::int64_t shift = 0;  // a defect: offsets that are off by this

 private:
  bool lowers_;
};

// "<s>" then per message "ROLE\nCONTENT<end>". A content of "refuse" is refused.
inline data::Rendered fake_render(const data::Conversation& conversation) {
  data::Rendered out;
  const auto write = [&out](std::string_view text, bool trusted) {
    if (trusted) out.trusted.push_back({out.text.size(), out.text.size() + text.size()});
    out.text += text;
  };
  write("<s>", true);
  for (std::size_t i = 0; i < conversation.messages.size(); ++i) {
    const data::Message& message = conversation.messages[i];
    if (message.content == "refuse") throw data::Error(data::Error::Kind::kData, "not this one");
    write(message.role, true);
    write("\n", true);
    const std::size_t begin = out.text.size();
    write(message.content, false);
    const std::size_t end = out.text.size();
    write("<end>", true);
    if (message.role == "assistant") out.turns.push_back({i, {begin, end}, out.text.size()});
  }
  out.ends_with_assistant =
      !conversation.messages.empty() && conversation.messages.back().role == "assistant";
  return out;
}

inline data::Conversation make_conversation(
    std::initializer_list<std::pair<const char*, const char*>> turns) {
  data::Conversation conversation;
  for (const auto& [role, content] : turns) conversation.messages.push_back({role, content, nullptr});
  return conversation;
}

}  // namespace caravan::tests
