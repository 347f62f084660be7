// Evaluation files to items, items to a file and back; every damage is refused.
#include "data/decontamination/eval_index_file.h"

#include <gtest/gtest.h>

#include <cmath>

#include "data/decontamination/read_eval_items.h"
#include "data/error.h"
#include "data/sha256.h"
#include "tests/support/temp_dir.h"

namespace caravan::data {
namespace {

std::string failure(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

EvalItems read(const std::string& source) {
  return read_eval_items({parse_eval_source(source)});
}

EvalItems sample_items() {
  EvalItems items;
  items.sets = {{"a", {{"a.jsonl", std::string(64, '0')}}}, {"b", {}}};
  items.items = {{0, "1", "One two, three"}, {1, "2", "ONE fo\u0443r"}, {1, "3", ""}};
  return items;
}

TEST(EvalIndexFile, ComesBackAsItWas) {
  const EvalIndex index(sample_items());
  const std::string bytes = write_index(index);
  EXPECT_EQ(write_index(read_index(bytes, "x")), bytes);
  const EvalIndex again = read_index(bytes, "x");
  EXPECT_EQ(again.items().sets[0].files[0].path, "a.jsonl");
  EXPECT_EQ(again.items().items[1].text, "ONE fo\u0443r");
  for (const Folding folding : {Folding::kReference, Folding::kLookalikes}) {
    EXPECT_EQ(again.words(folding).words, index.words(folding).words);
    EXPECT_EQ(again.words(folding).begins, index.words(folding).begins);
  }
}

TEST(EvalIndexFile, CarriesVectors) {
  EvalIndex index(sample_items());
  index.set_vectors({"model", 2, {0.6F, 0.8F, 1.0F, 0.0F, -1.0F, 0.0F}});
  const std::string bytes = write_index(index);
  const EvalIndex again = read_index(bytes, "x");
  EXPECT_EQ(again.vectors().embedder, "model");
  EXPECT_EQ(again.vectors().width, 2u);
  EXPECT_EQ(again.vectors().numbers, index.vectors().numbers);
  EXPECT_EQ(write_index(again), bytes);
  index.set_vectors({"model", 2, {0.6F, 0.8F}});
  EXPECT_NE(failure([&] { read_index(write_index(index), "x"); }).find("another number of items"),
            std::string::npos);
  index.set_vectors({"model", 2, {0.6F, 0.8F, 1.0F, 0.0F, NAN, 0.0F}});
  EXPECT_NE(failure([&] { read_index(write_index(index), "x"); }).find("not finite"), std::string::npos);
}

TEST(EvalIndexFile, EveryDamageIsRefused) {
  EvalIndex sound(sample_items());
  sound.set_vectors({"model", 1, {1.0F, -1.0F, 1.0F}});
  const std::string bytes = write_index(sound);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_THROW(read_index(std::string_view(bytes).substr(0, size), "x"), Error) << size;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    EXPECT_THROW(read_index(damaged, "x"), Error) << at;
  }
  EXPECT_THROW(read_index(bytes + "x", "x"), Error);
}

// A hash that fits proves nothing about the maker: lengths and numbers are checked behind it too.
TEST(EvalIndexFile, ABodyThatLiesIsRefusedThoughItsHashFits) {
  const std::string bytes = write_index(EvalIndex(sample_items()));
  for (std::size_t at = 48; at < bytes.size(); ++at) {
    std::string body = bytes.substr(48);
    body[at - 48] = '\x7f';
    Sha256 hash;
    const auto digest = hash.update(body).digest();
    std::string forged =
        bytes.substr(0, 16) + std::string(reinterpret_cast<const char*>(digest.data()), 32) + body;
    try {
      read_index(forged, "x");
    } catch (const Error&) {
      continue;
    }
  }
}

TEST(EvalItems, AreReadFromWhatTheFieldSays) {
  const tests::TempDir dir;
  const std::string rows =
      dir.write("q.jsonl", "{\"question\":\"Why?\",\"id\":7}\n\n{\"question\":\"How?\"}\n");
  EvalItems items = read("set=" + rows);
  ASSERT_EQ(items.items.size(), 2u);
  EXPECT_EQ(items.items[0].text, "Why?");
  EXPECT_EQ(items.items[0].id, "7");
  EXPECT_EQ(items.items[1].id, "q.jsonl:3");
  EXPECT_EQ(items.sets[0].files[0].sha256.size(), 64u);
  const std::string table = dir.write("t.csv", "What is it?,a,b\n\"Is, it?\",c,d\n");
  items = read("set=" + table + "#1");
  ASSERT_EQ(items.items.size(), 2u);
  EXPECT_EQ(items.items[0].text, "What is it?");
  EXPECT_EQ(items.items[1].text, "Is, it?");
  const std::string two = dir.write("two.jsonl", "{\"passage\":\"P\",\"ask\":[\"Q\",\"R\"]}\n");
  EXPECT_EQ(read("set=" + two + "#passage+ask").items[0].text, "P\nQ\nR\n");
  const std::string chat = dir.write(
      "chat.jsonl",
      "{\"messages\":[{\"role\":\"user\",\"content\":\"U\"},{\"role\":\"assistant\",\"content\":\"A\"}]}\n");
  EXPECT_EQ(read("set=" + chat).items[0].text, "U\n");
}

TEST(EvalItems, WhatProtectsNothingIsAnError) {
  const tests::TempDir dir;
  const auto told = [&](const std::string& bytes, const std::string& field = "") {
    const std::string path = dir.write("e.jsonl", bytes);
    return failure([&] { read("set=" + path + field); });
  };
  EXPECT_NE(told("").find("has no rows"), std::string::npos);
  EXPECT_NE(told("\n\n").find("has no rows"), std::string::npos);
  EXPECT_NE(told("{\"a\":1}\n").find("no field that is known"), std::string::npos);
  EXPECT_NE(told("{\"text\":\"x\",\"question\":\"y\"}\n").find("several such fields: question, text"),
            std::string::npos);
  EXPECT_NE(told("{\"text\":\"x\"}\n{\"txet\":\"y\"}\n").find("e.jsonl:2: the row has no field \"text\""),
            std::string::npos);
  EXPECT_NE(told("{\"text\":3}\n").find("neither a text"), std::string::npos);
  EXPECT_NE(told("{\"text\":\"x\"}\nnot json\n").find("e.jsonl:2"), std::string::npos);
  EXPECT_NE(told("{\"text\":\"x\"}\n", "#1").find("is a column of a csv"), std::string::npos);
  EXPECT_THROW(parse_eval_source("noname"), Error);
  EXPECT_THROW(parse_eval_source("=x"), Error);
  EXPECT_THROW(read("set=" + (dir / "absent.jsonl").string()), Error);
  EXPECT_THROW(read("set=" + dir.path().string()), Error);
}

}  // namespace
}  // namespace caravan::data
