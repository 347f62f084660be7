// What decides about a model's texts, and whose weights are in memory.
#include "recipes/synthesis/model_pool.h"

#include <gtest/gtest.h>

#include "data/error.h"
#include "tests/support/temp_dir.h"

namespace caravan::recipes {
namespace {

using data::Error;

std::string g_told;  // "+a" for weights that are loaded, "-a" for those that go

class FakeModel : public LocalModelGenerator {
 public:
  explicit FakeModel(LocalModelRequest request) : request_(std::move(request)) {}
  std::string name() const override { return request_.source.name; }
  std::vector<data::Generation> generate(std::span<const data::GenerationRequest> requests) override {
    if (!loaded_) {
      request_.make_room();
      g_told += "+" + name();
    }
    loaded_ = true;
    return std::vector<data::Generation>(requests.size());
  }
  void release() override {
    if (loaded_) g_told += "-" + name();
    loaded_ = false;
  }

 private:
  LocalModelRequest request_;
  bool loaded_ = false;
};

std::unique_ptr<LocalModelGenerator> fake_model(const LocalModelRequest& request) {
  return std::make_unique<FakeModel>(request);
}

class Pool : public testing::Test {
 protected:
  Pool() {
    for (const char* file : {"config.json", "model.safetensors", "tokenizer.model"})
      dir_.write(std::string("model/") + file, "{}");
  }
  ModelSource local(const std::string& name) const {
    ModelSource source;
    source.name = name;
    source.checkpoint = (dir_ / "model").string();
    return source;
  }
  data::Json shown(const ModelSource& source) const {
    const std::vector<ModelSource> models{source};
    return ModelPool(models, dir_.path().string(), 1, true, fake_model).shown(source.name);
  }
  const tests::TempDir dir_;
};

TEST_F(Pool, WeightsOfOneModelAreInMemory) {
  const std::vector<ModelSource> models{local("a"), local("b")};
  ModelPool pool(models, dir_.path().string(), 1, true, fake_model);
  g_told.clear();
  data::TextGenerator& a = pool.get("a");
  data::TextGenerator& b = pool.get("b");
  EXPECT_EQ(g_told, "");
  for (data::TextGenerator* model : {&a, &a, &b, &b, &a}) model->generate({});
  EXPECT_EQ(g_told, "+a-a+b-b+a");
  EXPECT_EQ(&pool.get("a"), &a);
}

TEST_F(Pool, ATemplateThatChangedIsAnotherModel) {
  ModelSource endpoint;
  endpoint.name = "e";
  endpoint.endpoint.url = "http://127.0.0.1:1/v1";
  endpoint.endpoint.prompt_template = dir_.write("prompt.jinja", "one");
  ModelSource checkpoint = local("c");
  checkpoint.chat_template = dir_.write("chat.jinja", "one");
  const data::Json of_endpoint = shown(endpoint), of_checkpoint = shown(checkpoint);
  EXPECT_EQ(shown(endpoint), of_endpoint);
  EXPECT_EQ(shown(checkpoint), of_checkpoint);
  dir_.write("prompt.jinja", "two");
  dir_.write("chat.jinja", "two");
  EXPECT_NE(shown(endpoint), of_endpoint);
  EXPECT_NE(shown(checkpoint), of_checkpoint);
}

TEST_F(Pool, EveryFileOfACheckpointIsPartOfIt) {
  const data::Json before = shown(local("c"));
  dir_.write("model/README.md", "words for people");
  EXPECT_EQ(shown(local("c")), before);
  dir_.write("model/tokenizer.model", "another");
  const data::Json after = shown(local("c"));
  EXPECT_NE(after, before);
  dir_.write("model/chat_template.jinja", "its own");
  EXPECT_NE(shown(local("c")), after);
}

TEST_F(Pool, WhatIsNoCheckpointIsToldBeforeAnythingIsAsked) {
  EXPECT_NO_THROW(check_models_of({local("a")}));
  std::filesystem::remove(dir_ / "model/model.safetensors");
  EXPECT_THROW(check_models_of({local("a")}), Error);
  ModelSource typo = local("a");
  typo.chat_template = "tuluu";
  EXPECT_THROW(check_models_of({typo}), Error);
}

}  // namespace
}  // namespace caravan::recipes
