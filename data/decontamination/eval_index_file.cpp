#include "data/decontamination/eval_index_file.h"

#include <bit>
#include <cmath>
#include <cstring>

#include "data/error.h"
#include "data/readers/byte_source.h"
#include "data/sha256.h"

namespace caravan::data {
namespace {

constexpr std::string_view kMagic = "CRVEVAL2";
constexpr std::size_t kHead = 8 + 8 + 32;

class BodyWriter {
 public:
  void number(std::uint64_t value) {
    for (int i = 0; i < 8; ++i) bytes_.push_back(static_cast<char>(value >> (8 * i) & 255));
  }
  void text(std::string_view text) {
    number(text.size());
    bytes_.append(text);
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

class BodyReader {
 public:
  BodyReader(std::string_view body, const std::string& name) : body_(body), name_(name) {}

  std::uint64_t number() {
    if (body_.size() - at_ < 8) fail("ends in the middle of a number");
    std::uint64_t value = 0;
    for (int i = 0; i < 8; ++i)
      value |= static_cast<std::uint64_t>(static_cast<unsigned char>(body_[at_++])) << (8 * i);
    return value;
  }
  std::string text() {
    const std::uint64_t size = number();
    if (size > body_.size() - at_) fail("has a text that runs past its end");
    at_ += size;
    return std::string(body_.substr(at_ - size, size));
  }
  // How many things follow that take `min_bytes` each or more.
  std::uint64_t count(std::size_t min_bytes) {
    const std::uint64_t value = number();
    if (value > (body_.size() - at_) / min_bytes) fail("has a list that runs past its end");
    return value;
  }
  void end() const {
    if (at_ != body_.size()) fail("has bytes behind its end");
  }
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(Error::Kind::kData,
                name_ + ": is no usable index: it " + what + "; make it again from the evaluation files");
  }

 private:
  std::string_view body_;
  const std::string& name_;
  std::size_t at_ = 0;
};

void write_items(const EvalItems& items, BodyWriter& out) {
  out.number(items.sets.size());
  for (const EvalSet& set : items.sets) {
    out.text(set.name);
    out.number(set.files.size());
    for (const EvalFile& file : set.files) {
      out.text(file.path);
      out.text(file.sha256);
    }
  }
  out.number(items.items.size());
  for (const EvalItem& item : items.items) {
    out.number(item.set);
    out.text(item.id);
    out.text(item.text);
  }
}

EvalItems read_items(BodyReader& in) {
  EvalItems items;
  items.sets.resize(in.count(16));
  for (EvalSet& set : items.sets) {
    set.name = in.text();
    set.files.resize(in.count(16));
    for (EvalFile& file : set.files) {
      file.path = in.text();
      file.sha256 = in.text();
    }
  }
  items.items.resize(in.count(24));
  for (EvalItem& item : items.items) {
    const std::uint64_t set = in.number();
    if (set >= items.sets.size()) in.fail("has an item of a set that does not exist");
    item.set = static_cast<std::uint32_t>(set);
    item.id = in.text();
    item.text = in.text();
  }
  return items;
}

void write_words(const ItemWords& words, BodyWriter& out) {
  out.number(words.table.size());
  for (std::uint32_t word = 0; word < words.table.size(); ++word) out.text(words.table.letters(word));
  for (std::uint32_t item = 0; item < words.num_items(); ++item) {
    out.number(words.of(item).size());
    for (const std::uint32_t word : words.of(item)) out.number(word);
  }
}

ItemWords read_words(std::uint64_t num_items, BodyReader& in) {
  ItemWords words;
  const std::uint64_t num_words = in.count(8);
  for (std::uint64_t i = 0; i < num_words; ++i) {
    const std::string letters = in.text();
    if (words.table.add(letters, hash_letters(letters)) != i) in.fail("has a word twice");
  }
  for (std::uint64_t item = 0; item < num_items; ++item) {
    const std::uint64_t size = in.count(8);
    for (std::uint64_t i = 0; i < size; ++i) {
      const std::uint64_t word = in.number();
      if (word >= num_words) in.fail("has a word that is not in its table");
      words.words.push_back(static_cast<std::uint32_t>(word));
    }
    words.begins.push_back(words.words.size());
  }
  return words;
}

void write_vectors(const ItemVectors& vectors, BodyWriter& out) {
  static_assert(std::endian::native == std::endian::little);
  out.text(vectors.embedder);
  out.number(vectors.width);
  out.text({reinterpret_cast<const char*>(vectors.numbers.data()), vectors.numbers.size() * sizeof(float)});
}

ItemVectors read_vectors(std::uint64_t num_items, BodyReader& in) {
  ItemVectors vectors;
  vectors.embedder = in.text();
  vectors.width = in.number();
  const std::string bytes = in.text();
  const std::uint64_t wanted = vectors.embedder.empty() ? 0 : num_items;
  const std::uint64_t row = vectors.width * sizeof(float);
  if (vectors.width > bytes.size() || wanted * row != bytes.size() ||
      (vectors.width == 0) != vectors.embedder.empty())
    in.fail("has vectors for another number of items");
  vectors.numbers.resize(bytes.size() / sizeof(float));
  if (!bytes.empty()) std::memcpy(vectors.numbers.data(), bytes.data(), bytes.size());
  for (const float number : vectors.numbers)
    if (!std::isfinite(number)) in.fail("has a vector that is not finite");
  return vectors;
}

}  // namespace

std::string write_index(const EvalIndex& index) {
  BodyWriter out;
  write_items(index.items(), out);
  write_words(index.words(Folding::kReference), out);
  write_words(index.words(Folding::kLookalikes), out);
  write_vectors(index.vectors(), out);
  const std::string body = out.take();
  BodyWriter head;
  head.number(body.size());
  Sha256 hash;
  const Sha256::Digest digest = hash.update(body).digest();
  std::string bytes(kMagic);
  bytes += head.take();
  bytes.append(reinterpret_cast<const char*>(digest.data()), digest.size());
  return bytes + body;
}

EvalIndex read_index(std::string_view bytes, const std::string& name) {
  BodyReader head(bytes, name);
  if (bytes.size() < kHead || !bytes.starts_with(kMagic))
    head.fail("does not begin as one of this version does");
  const std::string_view body = bytes.substr(kHead);
  BodyReader size(bytes.substr(kMagic.size()), name);
  if (size.number() != body.size()) head.fail("is not as long as it says");
  Sha256 hash;
  const Sha256::Digest digest = hash.update(body).digest();
  if (std::memcmp(digest.data(), bytes.data() + kMagic.size() + 8, digest.size()) != 0)
    head.fail("does not have the SHA-256 that it says");
  BodyReader in(body, name);
  EvalItems items = read_items(in);
  const std::uint64_t num_items = items.items.size();
  ItemWords reference = read_words(num_items, in);
  ItemWords lookalikes = read_words(num_items, in);
  ItemVectors vectors = read_vectors(num_items, in);
  in.end();
  return {std::move(items), std::move(reference), std::move(lookalikes), std::move(vectors)};
}

EvalIndex read_index_file(const std::string& path) {
  const auto source = open_bytes(path);
  std::string bytes;
  constexpr std::size_t kStep = std::size_t{1} << 20, kMaxRatio = 100;
  for (std::size_t got = kStep; got > 0;) {
    const std::size_t size = bytes.size();
    bytes.resize(size + kStep);
    got = source->read(bytes.data() + size, kStep);
    bytes.resize(size + got);
    // No index of words packs so well.
    if (bytes.size() > kStep + kMaxRatio * source->file_bytes_read())
      throw Error(Error::Kind::kData, path + ": is no usable index: it unpacks to more than " +
                                          std::to_string(kMaxRatio) +
                                          " times its size; make it again from the evaluation files");
  }
  return read_index(bytes, path);
}

}  // namespace caravan::data
