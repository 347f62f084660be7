#include "data/synthesis/prompt_template.h"

#include <algorithm>
#include <fstream>

#include "data/error.h"
#include "data/sha256.h"

namespace caravan::data {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{64} << 10;

}  // namespace

PromptTemplate::PromptTemplate(std::string text, std::string name, std::span<const std::string_view> places,
                               std::size_t num_optional)
    : name_(std::move(name)), sha256_(sha256_hex(text)) {
  if (text.size() > kMaxBytes)
    throw Error(Error::Kind::kUsage, name_ + ": a template has at most 64 KiB; shorten it");
  std::vector<bool> found(places.size(), false);
  std::string before;
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::size_t place = kNoPlace;
    for (std::size_t i = 0; text[at] == '{' && i < places.size(); ++i) {
      const std::string written = '{' + std::string(places[i]) + '}';
      if (text.compare(at, written.size(), written) == 0) place = i;
    }
    if (place == kNoPlace) {
      before += text[at];
      continue;
    }
    found[place] = true;
    pieces_.emplace_back(std::move(before), place);
    before.clear();
    at += places[place].size() + 1;
  }
  pieces_.emplace_back(std::move(before), kNoPlace);
  const auto required = places.first(places.size() - num_optional);
  for (std::size_t i = 0; i < required.size(); ++i) {
    if (found[i]) continue;
    std::string needed;
    for (const std::string_view place_name : required)
      needed += (needed.empty() ? "{" : ", {") + std::string(place_name) + '}';
    throw Error(Error::Kind::kUsage, name_ + ": {" + std::string(places[i]) +
                                         "} does not stand in the template; needed: " + needed);
  }
}

std::string PromptTemplate::fill(std::span<const std::string_view> values) const {
  std::string text;
  for (const auto& [before, place] : pieces_) {
    text += before;
    if (place != kNoPlace) text += values[place];
  }
  return text;
}

bool PromptTemplate::has(std::size_t place) const {
  return std::ranges::any_of(pieces_, [&](const auto& piece) { return piece.second == place; });
}

std::string read_template_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(Error::Kind::kInputOutput, path + ": cannot be opened; name a template of a prompt");
  std::string text(kMaxBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

}  // namespace caravan::data
