#include "data/synthesis/builtin_prompts.h"

#include <array>
#include <string>

#include "data/error.h"

namespace caravan::data {
namespace {

constexpr std::array kPrompts = {
    BuiltinPrompt{
        "math", "a hard problem that this person would meet", "persona",
        "Person: {persona}\n\n"
        "Invent one mathematical problem that grows out of this person's life or work.\n"
        "- It should be hard for a good student of science in the last year of school, and ask for one "
        "result, or for two at most.\n"
        "- Everything that is needed to solve it stands in its text, and its result can be checked.\n"
        "- Do not solve it, give no hint, and do not introduce it.\n"
        "Write the text of the problem alone.\n"},
    BuiltinPrompt{
        "grade_school_math", "a word problem of two to eight steps", "persona",
        "Person: {persona}\n\n"
        "Invent one word problem for children of ten to thirteen that is set in this person's day.\n"
        "- It takes two to eight steps with the four basic operations, and its result is one number.\n"
        "- All numbers that are needed are in the text, and the story is one that could happen.\n"
        "- Do not solve it.\n"
        "Write the text of the problem alone.\n"},
    BuiltinPrompt{
        "algebra", "a problem of school algebra", "persona",
        "Person: {persona}\n\n"
        "Invent one problem of algebra at the level of the middle years of secondary school that this "
        "person might come upon: equations, inequalities, functions, sequences, or polynomials.\n"
        "- One result is asked for, and the text holds all that leads to it.\n"
        "- Do not solve it.\n"
        "Write the text of the problem alone.\n"},
    BuiltinPrompt{
        "code", "a task for one Python function", "persona",
        "Person: {persona}\n\n"
        "Describe a task for a programmer that would help this person: one function in Python.\n"
        "- Name the function, its arguments with their types, what it returns, and what it does with "
        "empty or odd input.\n"
        "- It can be written with the standard library and tested without files, network or clock.\n"
        "- Give one small example of a call and its result. Do not write the function.\n"
        "Write the task alone, as the person would ask for it.\n"},
    BuiltinPrompt{
        "instruction_following", "a request with conditions that can be checked", "persona,constraints",
        "Person: {persona}\n\n"
        "Write one request that this person might make to an assistant that answers in writing. The "
        "request must contain the following conditions, said in this person's own way and without any "
        "change in what they demand:\n"
        "{constraints}\n"
        "- The conditions suit the request, and an answer can meet all of them.\n"
        "- Do not answer it.\n"
        "Write the request alone.\n"},
    BuiltinPrompt{
        "math_answer", "reasoning, and a boxed result", "prompt",
        "Solve the following problem. Reason step by step, check the result, and end with a line of the "
        "form\nThe answer is $\\boxed{RESULT}$.\n\n"
        "Task: {prompt}\n"},
    BuiltinPrompt{
        "grade_school_math_answer", "steps, and #### with the number", "prompt",
        "Solve the following problem in short steps, one a line. The last line is #### and the result, a "
        "number without its unit.\n\n"
        "Task: {prompt}\n"},
    BuiltinPrompt{
        "code_answer", "the function alone", "prompt",
        "Write the Python that is asked for below: one code block with the function and the imports it "
        "needs, and nothing else.\n\n"
        "Task: {prompt}\n"},
    BuiltinPrompt{"answer", "the request as it stands", "prompt", "{prompt}"},
    BuiltinPrompt{
        "personas", "short descriptions of people around a subject", "topic",
        "Task: {topic}\n\n"
        "Describe ten people who have to do with the subject above: of different ages, places, trades, "
        "and reasons. Say in one sentence of at most forty words who each of them is and what occupies "
        "them. No names of real people.\n"
        "Write ten lines, a person a line, without numbers or marks in front.\n"},
    BuiltinPrompt{
        "self_play_harder", "a harder question after an answer", "prompt,answer",
        "A question and its answer:\n\nQuestion:\n{prompt}\n\nAnswer:\n{answer}\n\n"
        "Ask the next question: one that is harder than this one. It needs what was used here and at "
        "least one thing more, it can be understood without the first, and it has an answer that can be "
        "checked. Do not answer it.\n"
        "Write the question alone.\n"},
    BuiltinPrompt{
        "self_play_sideways", "a question of another subject, as hard", "prompt,answer",
        "A question and its answer:\n\nQuestion:\n{prompt}\n\nAnswer:\n{answer}\n\n"
        "Ask a question of another subject that is solved by the same kind of thinking and is as hard. "
        "It can be understood without the first. Do not answer it.\n"
        "Write the question alone.\n"},
    BuiltinPrompt{
        "vary", "the same task with other facts", "prompt",
        "Task: {prompt}\n\n"
        "Write a variation of the task above: the same kind of work, of the same difficulty and in the "
        "same language, with other names, numbers, objects or surroundings, put into other words. What is "
        "asked for must still have an answer. Do not answer it.\n"
        "Write the new task alone.\n"},
    BuiltinPrompt{
        "rewrite", "a simple request made into one that needs reasoning", "prompt",
        "Below is a request that takes no thought to answer. Turn it into one that takes several steps of "
        "reasoning, on the same subject and in the same language.\n"
        "- Keep it answerable without anything that is not in its text, with one answer that can be "
        "checked.\n"
        "- Do not answer it, and do not explain what you changed.\n"
        "- Write the new request alone.\n\n"
        "Request:\n{prompt}\n"},
};

constexpr std::string_view kTopics =
    "bread and baking\nrepairing bicycles\na small mountain hospital\nrailway timetables\nkeeping bees\n"
    "learning a language late in life\na fishing harbour\nchess clubs\nwind farms\nthe history of maps\n"
    "school kitchens\namateur astronomy\nwine growing\nemergency dispatch\nviolin making\nurban gardens\n"
    "tax offices\nopen-source software\nlong-distance running\nmuseums of technology\nfamily farms\n"
    "card games\nwater supply\nnight shifts\nmarine biology\ntranslation of novels\nsecond-hand shops\n"
    "satellite images\nwoodworking\nlocal newspapers\nphysics teaching\nferry crossings\nelections\n"
    "caring for parents\nboard game design\nvaccination campaigns\nchoirs\ncarpets and weaving\n"
    "glaciers\nflight simulators\nlibraries\nlandlords and tenants\nbird migration\nstreet markets\n"
    "robot football\npharmacies\nmountain rescue\nletters from the past\nhousehold budgets\nfilm sound\n";

}  // namespace

std::span<const BuiltinPrompt> builtin_prompts() {
  return kPrompts;
}

const BuiltinPrompt& builtin_prompt(std::string_view name) {
  std::string listed;
  for (const BuiltinPrompt& prompt : kPrompts) {
    if (prompt.name == name) return prompt;
    listed += (listed.empty() ? "" : ", ") + std::string(prompt.name);
  }
  throw Error(Error::Kind::kUsage, "no template " + std::string(name) + "; there are " + listed);
}

std::vector<std::string_view> places_of(const BuiltinPrompt& prompt) {
  std::vector<std::string_view> places;
  for (std::size_t at = 0; at <= prompt.places.size();) {
    const std::size_t end = std::min(prompt.places.find(',', at), prompt.places.size());
    places.push_back(prompt.places.substr(at, end - at));
    at = end + 1;
  }
  return places;
}

std::string_view builtin_topics() {
  return kTopics;
}

}  // namespace caravan::data
