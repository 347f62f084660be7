#include "data/mixing/mix_plan.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <set>

#include "data/choice_name.h"
#include "data/error.h"
#include "data/mixing/divide_total.h"
#include "data/mixing/open_instruct_mixer.h"
#include "data/text_table.h"

namespace caravan::data {
namespace {

std::string number_text(double number) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.10g", number);
  return text;
}

std::string quantity_text(const Quantity& quantity) {
  return number_text(quantity.amount) + " " + choice_name(quantity.unit);
}

std::string asked_text(const MixAmount& amount) {
  if (!amount.amount.empty()) return amount.amount;
  std::string text = amount.take ? quantity_text(*amount.take) : "all";
  if (amount.share) text = (amount.take ? text + " as " : "") + "share " + number_text(*amount.share);
  if (amount.weight != 1.0) text += ", " + number_text(amount.weight) + " times";
  if (amount.max_repeat) text += ", each at most " + std::to_string(*amount.max_repeat) + " times";
  if (amount.cap) text += ", at most " + std::to_string(*amount.cap);
  return text;
}

[[noreturn]] void refuse(Error::Kind kind, const std::string& name, const std::string& text) {
  throw Error(kind, "mix: source " + name + ": " + text);
}

void check_reference_part(const MixPart& part, const std::string& semantics) {
  const MixAmount& amount = part.amount;
  if (amount.take || amount.share || amount.cap || amount.max_repeat || amount.weight != 1.0)
    refuse(Error::Kind::kUsage, part.name,
           "take, weight, share, cap and max_repeat have no effect under semantics " + semantics +
               "; write its amount, as in \"1.0\" or \"500\"");
  if (amount.amount.empty())
    refuse(Error::Kind::kUsage, part.name,
           "semantics " + semantics + " needs an amount: \"1.0\" is all of it, \"500\" is 500 rows");
  if (!parse_mixer_amount(amount.amount))
    refuse(Error::Kind::kUsage, part.name,
           "amount: found \"" + amount.amount + "\"; allowed: a proportion with a point, or a whole number");
}

void check_exact_part(const MixPart& part, bool has_total) {
  const MixAmount& amount = part.amount;
  if (!amount.amount.empty())
    refuse(Error::Kind::kUsage, part.name,
           "amount has an effect only under semantics open_instruct; write take: \"50 %\" or \"500 rows\"");
  if (has_total && !amount.share)
    refuse(Error::Kind::kUsage, part.name,
           "has no share of the total; write one, as in share 1, or leave the total out");
  if (has_total && amount.weight != 1.0)
    refuse(Error::Kind::kUsage, part.name, "weight has no effect where a total is divided; write max_repeat");
  if (!has_total && (amount.share || amount.max_repeat))
    refuse(Error::Kind::kUsage, part.name,
           "share and max_repeat have an effect only with a total; write it, or take and weight instead");
  if (amount.share && !share_billionths(*amount.share))
    refuse(Error::Kind::kUsage, part.name,
           "share: found " + number_text(*amount.share) +
               "; allowed: at most a million, with at most 9 digits behind the point");
}

std::uint64_t taken_of(const MixPart& part, std::uint64_t size) {
  const auto& take = part.amount.take;
  if (!take) return size;
  const auto wanted = static_cast<std::uint64_t>(take->count_of(static_cast<std::int64_t>(size)));
  const std::string found = "take: " + quantity_text(*take) + ", found " + grouped(size) + " rows";
  if (wanted > size)
    refuse(Error::Kind::kData, part.name, found + "; lower take, or use weight to write rows more than once");
  if (wanted == 0)
    refuse(Error::Kind::kData, part.name,
           found + ", of which this is none; raise take or leave the source out");
  return wanted;
}

void plan_by_weight(std::span<const MixPart> parts, MixPlan& plan) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    PlannedPart& part = plan.parts[i];
    part.taken = taken_of(parts[i], part.rows);
    // The small addend keeps 0.3 of 10 from becoming 2 in binary arithmetic.
    part.written = static_cast<std::uint64_t>(
        std::floor(parts[i].amount.weight * static_cast<double>(part.taken) + 1e-6));
    if (parts[i].amount.cap)
      part.written = std::min(part.written, static_cast<std::uint64_t>(*parts[i].amount.cap));
    if (part.written == 0)
      refuse(Error::Kind::kData, part.name,
             part.asked + " of " + grouped(part.rows) + " rows is none; raise it or leave the source out");
  }
}

void plan_by_share(std::span<const MixPart> parts, std::uint64_t total, MixPlan& plan) {
  std::vector<SharedPart> shared;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const MixAmount& amount = parts[i].amount;
    shared.push_back({.size = taken_of(parts[i], plan.parts[i].rows),
                      .share = *share_billionths(*amount.share),
                      .max_repeat = static_cast<std::uint64_t>(amount.max_repeat.value_or(1))});
    if (amount.cap) shared.back().cap = static_cast<std::uint64_t>(*amount.cap);
  }
  const Division division = divide_total(total, shared);
  if (division.unfilled > 0)
    throw Error(Error::Kind::kData, "mix: total is " + grouped(total) + " rows, and the sources give " +
                                        grouped(total - division.unfilled) +
                                        "; lower it, or raise cap or max_repeat");
  for (std::size_t i = 0; i < parts.size(); ++i) {
    plan.parts[i].written = division.rows[i];
    plan.parts[i].taken = shared[i].size;
  }
}

void plan_mixer_list(std::span<const MixPart> parts, MixPlan& plan) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    PlannedPart& part = plan.parts[i];
    const MixerAmount amount = *parse_mixer_amount(parts[i].amount.amount);
    const auto target = mixer_target(amount, part.rows);
    if (!target)
      refuse(Error::Kind::kData, part.name, "amount: " + part.asked + " of rows cannot be; write 0 or more");
    if (*target > 0 && part.rows == 0) refuse(Error::Kind::kData, part.name, "has no row to take");
    if (looks_like_a_proportion(amount, part.rows))
      plan.warnings.push_back("source " + part.name + ": amount " + part.asked + " is a count of rows of " +
                              grouped(part.rows) + "; a proportion is written with a point, as in 1.0");
    part.written = *target;
  }
}

void plan_helper(std::span<const MixPart> parts, std::span<const std::uint64_t> sizes, MixPlan& plan) {
  std::vector<HelperAmount> amounts;
  for (const MixPart& part : parts) {
    const MixerAmount amount = *parse_mixer_amount(part.amount.amount);
    amounts.push_back({amount.is_proportion ? amount.proportion : static_cast<double>(amount.count),
                       !amount.is_proportion});
  }
  const HelperTargets targets = helper_targets(amounts, sizes);
  if (targets.problem == "negative")
    throw Error(Error::Kind::kUsage, "mix: an amount is negative; write 0 or more");
  if (!targets.problem.empty())
    throw Error(Error::Kind::kUsage,
                "mix: an amount above 1 makes all of them counts, and one has a point; write all as counts "
                "or all as proportions of at most 1.0");
  for (std::size_t i = 0; i < parts.size(); ++i) plan.parts[i].written = targets.rows[i];
}

}  // namespace

std::uint64_t MixPlan::written() const {
  std::uint64_t lines = 0;
  for (const PlannedPart& part : parts) lines += part.written;
  return lines;
}

void check_mix(std::span<const MixPart> parts, const MixOptions& options) {
  if (parts.empty()) throw Error(Error::Kind::kUsage, "mix: no source is named");
  const std::string semantics = choice_name(options.semantics);
  const bool exact = options.semantics == MixSemantics::kExact;
  std::set<std::string_view> names;
  for (const MixPart& part : parts) {
    if (!names.insert(part.name).second)
      refuse(Error::Kind::kUsage, part.name, "is named twice; picks depend on the name: name each once");
    if (exact)
      check_exact_part(part, options.total.has_value());
    else
      check_reference_part(part, semantics);
  }
  if (!exact && options.total)
    throw Error(Error::Kind::kUsage, "mix: a total has no effect under semantics " + semantics);
}

MixPlan plan_mix(std::span<const MixPart> parts, std::span<const std::uint64_t> sizes,
                 const MixOptions& options) {
  MixPlan plan;
  for (std::size_t i = 0; i < parts.size(); ++i)
    plan.parts.push_back({.name = parts[i].name, .asked = asked_text(parts[i].amount), .rows = sizes[i]});
  switch (options.semantics) {
    case MixSemantics::kExact:
      if (options.total) {
        plan_by_share(parts, static_cast<std::uint64_t>(*options.total), plan);
      } else {
        plan_by_weight(parts, plan);
      }
      break;
    case MixSemantics::kOpenInstruct:
      plan_mixer_list(parts, plan);
      break;
    case MixSemantics::kOpenInstructGetDatasets:
      plan_helper(parts, sizes, plan);
      break;
  }
  for (PlannedPart& part : plan.parts)
    part.taken = std::min(part.written, part.taken > 0 ? part.taken : part.rows);
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint32_t>::max();
  if (plan.written() == 0)
    throw Error(Error::Kind::kData, "mix: the sources give no row at all; raise what is asked of them");
  if (plan.written() >= kMax)
    throw Error(Error::Kind::kData,
                "mix: " + grouped(plan.written()) + " rows; at most 4294967294 in one mix: make it in parts");
  return plan;
}

std::string mix_table(const MixPlan& plan) {
  std::vector<TableLine> lines{
      {"source", "asked", "rows", "different rows", "rows of the mix", "of the mix"}};
  const auto share = [&plan](std::uint64_t rows) {
    char text[16];
    std::snprintf(text, sizeof(text), "%.2f %%",
                  100.0 * static_cast<double>(rows) / static_cast<double>(plan.written()));
    return std::string(text);
  };
  PlannedPart all;
  for (const PlannedPart& part : plan.parts) {
    lines.push_back({part.name, part.asked, grouped(part.rows), grouped(part.taken), grouped(part.written),
                     share(part.written)});
    all.rows += part.rows;
    all.taken += part.taken;
  }
  lines.push_back(
      {"all", "", grouped(all.rows), grouped(all.taken), grouped(plan.written()), share(plan.written())});
  std::string text = print_table(lines);
  for (const std::string& warning : plan.warnings) text += "warning: " + warning + '\n';
  return text;
}

Json mix_json(const MixPlan& plan) {
  Json parts = Json::array();
  for (const PlannedPart& part : plan.parts)
    parts.push_back({{"name", part.name},
                     {"asked", part.asked},
                     {"rows", part.rows},
                     {"different_rows", part.taken},
                     {"written", part.written}});
  return parts;
}

}  // namespace caravan::data
