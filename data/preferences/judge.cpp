#include "data/preferences/judge.h"

#include <numeric>

#include "data/error.h"
#include "data/preferences/aspects.h"
#include "data/preferences/ratings.h"
#include "data/synthesis/request_seed.h"
#include "data/synthesis/request_slices.h"

namespace caravan::data {
namespace {

constexpr std::array<std::string_view, 3> kPlaces{"prompt", "answers", "ground_truth"};
constexpr std::size_t kGroundTruth = 2;

// A prompt of several turns is shown with who says what.
std::string shown_prompt(const std::vector<Message>& messages) {
  if (messages.size() == 1) return messages[0].content;
  std::string text;
  for (const Message& message : messages)
    text += (text.empty() ? "" : "\n\n") + ('[' + message.role + "]\n" + message.content);
  return text;
}

std::string shown_answers(const std::vector<std::string>& answers) {
  std::string text;
  for (std::size_t i = 0; i < answers.size(); ++i)
    text += "## Answer " + std::to_string(i + 1) + "\n\n" + answers[i] + "\n\n";
  return text;
}

GenerationRequest request_of(const JudgeOptions& options, const JudgeInput& input, const JudgedAspect& aspect,
                             std::int64_t attempt) {
  const std::string prompt = shown_prompt(input.prompt), answers = shown_answers(input.answers);
  const std::vector<std::string_view> values{prompt, answers, input.ground_truth};
  return {.messages = {{"user", aspect.prompt.fill(values), nullptr}},
          .max_tokens = options.draw.max_tokens,
          .temperature = options.draw.temperature,
          .top_p = options.draw.top_p,
          .seed = request_seed(options.seed, {"judge", input.id, aspect.name, std::to_string(attempt)})};
}

// The rating of one input by one aspect.
struct Part {
  std::size_t input = 0, aspect = 0;
  Ratings ratings;
};

}  // namespace

std::vector<JudgedAspect> judged_aspects(const AspectFiles& files) {
  const auto all = files.all();
  std::vector<JudgedAspect> asked;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Aspect& aspect = aspects()[i];
    const std::string& file = *all[i];
    if (file == "none") continue;
    const bool own = file.empty();
    asked.push_back(
        {std::string(aspect.name), PromptTemplate(own ? std::string(aspect.text) : read_template_file(file),
                                                  own ? std::string(aspect.name) : file, kPlaces, 1)});
  }
  if (asked.empty())
    throw Error(Error::Kind::kUsage, "judge: no aspect is left; one of the four must not be none");
  return asked;
}

std::vector<Judged> judge(const JudgeOptions& options, const std::vector<JudgeInput>& inputs,
                          TextGenerator& generator) {
  std::vector<Part> parts;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    for (std::size_t aspect = 0; aspect < options.aspects.size(); ++aspect) parts.push_back({i, aspect, {}});
  std::vector<Part*> open;
  for (Part& part : parts) {
    if (options.aspects[part.aspect].prompt.has(kGroundTruth) && inputs[part.input].ground_truth.empty())
      part.ratings.problem = "no_ground_truth";
    else
      open.push_back(&part);
  }
  for (std::int64_t attempt = 0; attempt < options.attempts && !open.empty(); ++attempt) {
    std::vector<Part*> again;
    ask_in_slices(
        generator, open.size(),
        [&](std::size_t i) {
          return request_of(options, inputs[open[i]->input], options.aspects[open[i]->aspect], attempt);
        },
        [&](std::size_t i, const GenerationRequest&, const Generation& made) {
          Part& part = *open[i];
          part.ratings = made.problem.empty() ? parse_ratings(made.text, inputs[part.input].answers.size())
                                              : Ratings{.problem = "failed:" + made.problem};
          if (!part.ratings.problem.empty()) again.push_back(&part);
        });
    open = std::move(again);
  }
  std::vector<Judged> judged(inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i)
    judged[i].ratings.assign(inputs[i].answers.size(), std::vector<int>(options.aspects.size(), 0));
  for (const Part& part : parts) {
    Judged& all = judged[part.input];
    const std::string& problem = part.ratings.problem;
    if (!problem.empty() && all.reason.empty())
      all.reason = "judge:" + options.aspects[part.aspect].name + ':' + problem;
    for (std::size_t answer = 0; problem.empty() && answer < all.ratings.size(); ++answer)
      all.ratings[answer][part.aspect] = part.ratings.values[answer];
  }
  return judged;
}

double mean_rating(const std::vector<int>& ratings) {
  return ratings.empty() ? 0.0
                         : static_cast<double>(std::accumulate(ratings.begin(), ratings.end(), 0)) /
                               static_cast<double>(ratings.size());
}

}  // namespace caravan::data
