#include "trainer/distributed/gather_terms.h"

#include <ATen/ATen.h>

#include <cstdio>
#include <sstream>

namespace caravan::trainer {

namespace {

// Hexadecimal digits give the bits back, and read NaN and infinity too.
std::string exact_text(double number) {
  char text[40];
  std::snprintf(text, sizeof text, "%a", number);
  return text;
}

BatchTerms on_host(const losses::LossTerms& terms) {
  BatchTerms host;
  host.loss = {terms.loss.sum.item<double>(), terms.loss.count};
  for (const auto& [name, ratio] : terms.metrics)
    host.metrics[name] = {ratio.sum.item<double>(), ratio.count};
  if (!terms.margins_B.defined()) return host;
  const at::Tensor margins = terms.margins_B.to(at::kCPU);
  host.margins.assign(margins.data_ptr<double>(), margins.data_ptr<double>() + margins.numel());
  return host;
}

// Words: index, loss sum and count, the number of margins and each, then name, sum and count of each metric;
// a line for each micro-batch.
std::string to_text(std::size_t index, const BatchTerms& terms) {
  std::string text = std::to_string(index) + " " + exact_text(terms.loss.sum) + " " +
                     exact_text(terms.loss.count) + " " + std::to_string(terms.margins.size());
  for (const double margin : terms.margins) text += " " + exact_text(margin);
  for (const auto& [name, ratio] : terms.metrics)
    text += " " + name + " " + exact_text(ratio.sum) + " " + exact_text(ratio.count);
  return text + "\n";
}

double read_number(std::istream& words) {
  std::string word;
  words >> word;
  return std::strtod(word.c_str(), nullptr);
}

void read_line(const std::string& line, std::vector<BatchTerms>& all) {
  std::istringstream words(line);
  std::size_t index = 0;
  words >> index;
  BatchTerms& terms = all.at(index);
  terms.loss.sum = read_number(words);
  terms.loss.count = read_number(words);
  std::size_t margins = 0;
  words >> margins;
  terms.margins.clear();
  for (std::size_t i = 0; i < margins; ++i) terms.margins.push_back(read_number(words));
  for (std::string name; words >> name;) {
    BatchTerms::Ratio& ratio = terms.metrics[name];
    ratio.sum = read_number(words);
    ratio.count = read_number(words);
  }
}

}  // namespace

std::int64_t num_rounds(std::size_t micro_batches, const ProcessGroup& group) {
  const auto ranks = static_cast<std::size_t>(group.size());
  return static_cast<std::int64_t>((micro_batches + ranks - 1) / ranks);
}

std::vector<BatchTerms> gather_terms(ProcessGroup& group, const std::map<std::size_t, losses::LossTerms>& own,
                                     std::size_t micro_batches, const std::string& name) {
  std::vector<BatchTerms> all(micro_batches);
  std::string text;
  for (const auto& [index, terms] : own) {
    all.at(index) = on_host(terms);
    if (group.size() > 1) text += to_text(index, all[index]);
  }
  if (group.size() == 1) return all;
  for (const std::string& lines : group.all_gather_text(text, name)) {
    std::istringstream stream(lines);
    for (std::string line; std::getline(stream, line);) read_line(line, all);
  }
  return all;
}

std::vector<std::vector<double>> gather_numbers(ProcessGroup& group,
                                                const std::map<std::size_t, std::vector<double>>& own,
                                                std::size_t micro_batches, const std::string& name) {
  std::vector<std::vector<double>> all(micro_batches);
  std::string text;
  for (const auto& [index, numbers] : own) {
    all.at(index) = numbers;
    text += std::to_string(index) + " " + std::to_string(numbers.size());
    for (const double number : numbers) text += " " + exact_text(number);
    text += "\n";
  }
  if (group.size() == 1) return all;
  for (const std::string& lines : group.all_gather_text(text, name)) {
    std::istringstream words(lines);
    for (std::size_t index = 0, count = 0; words >> index >> count;) {
      all.at(index).resize(count);
      for (double& number : all[index]) number = read_number(words);
    }
  }
  return all;
}

}  // namespace caravan::trainer
