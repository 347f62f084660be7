// Runs a parsed template once. One interpreter = one render = one thread.
//
// Work is bounded: every node costs a step, every bulk operation costs steps by its size, recursion has a
// floor, memory and output a ceiling. Faults carry the place of the innermost expression.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/chat/jinja_arguments.h"
#include "data/chat/jinja_clock.h"
#include "data/chat/jinja_fault.h"
#include "data/chat/jinja_syntax.h"
#include "data/chat/jinja_text.h"
#include "data/chat/render_limits.h"

namespace caravan::data::jinja {

// The variables of one running function: the template itself or one call of a macro.
struct Frame {
  Value* slots;
  Frame* parent;
};

// A macro and the frame it was defined in.
struct Closure {
  const Macro* macro;
  Frame* frame;
};

// What the template would write where add_generation_prompt decides, were it true: at `begin` of the output,
// in place of the bytes up to `end`.
struct PromptRecord {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::string text;
};

class Interpreter {
 public:
  Interpreter(const Tree& tree, Arena& arena, TextBuilder& output, const RenderLimits& limits,
              const Date* now);

  // Sets variable `index` of tree.variables; those not set are globals or undefined.
  void set_variable(std::size_t index, const Value& value) { variables_[index] = value; }
  // Throws PlacedFault.
  void run();
  const std::vector<PromptRecord>& prompts() const { return prompts_; }

  // ---- for filters, tests, methods and globals
  Arena& arena() { return arena_; }
  const Date* now() const { return now_; }
  // Counts `bytes_or_items` of bulk work. Throws Fault over the limit.
  void charge(std::size_t bytes_or_items) {
    std::size_t cost = 1 + bytes_or_items / 16;
    if (cost >= steps_left_) out_of_steps();
    steps_left_ -= cost;
  }
  Value call(const Value& callee, const Arguments& arguments);
  // Guards recursion over nested values and calls; leave() undoes it.
  void enter() {
    if (--levels_left_ == 0) out_of_levels();
  }
  void leave() { ++levels_left_; }
  // A change behind a pointer (namespace attribute, cycler position, ...) that a trial must undo.
  void will_change(Value* value) {
    if (trial_) undo_.push_back({value, *value});
  }
  void refuse_in_trial() const;

 private:
  enum class Flow { kNormal, kBreak, kContinue };
  struct Undo {
    Value* place;
    Value value;
  };

  // statements: jinja_statements.cpp
  Flow execute(const Body& body);
  Flow execute(const Statement& statement);
  Flow execute_if(const If& node);
  Flow execute_for(const For& node);
  Flow execute_loop(const For& node, List& items);
  List* select_items(const For& node, const Value& items);
  Flow execute_with(const With& node);
  void execute_set(const Set& node);
  void execute_set_block(const SetBlock& node);
  void execute_call_block(const CallBlock& node);
  void execute_filter_block(const FilterBlock& node);
  Flow execute_generation(const Generation& node);
  void execute_macro(const Macro& node);
  void execute_output(const Output& node);
  void write(const Value& value);
  void write_sum(const Items& node);
  Value capture(const Body& body);
  void check_output_size();
  Value apply_filters(const std::vector<const Filter*>& filters, Value value);
  void assign(const Target& target, const Value& value);
  void assign_attribute(const Target& target, const Value& value);
  void unpack(const Target& target, const Value& value);
  void enter_scope(const Scope& scope, Frame& into);
  void mark_set_message(const Value& value);

  // trials: jinja_trial.cpp
  const Body* choose(const If& node);
  void try_prompt(const If& node, const Body* chosen, std::size_t begin);
  void try_prompt(const Output& node, std::size_t begin);
  template <typename What>
  void run_trial(std::size_t begin, const What& what);
  bool at_top() const { return captures_ == 0 && !trial_; }

  // expressions: jinja_expressions.cpp
  Value evaluate(const Expression& expression);
  Value evaluate_node(const Expression& expression);
  Value evaluate_name(const Name& node);
  Value evaluate_items(const Items& node, Kind kind);
  Value evaluate_dict(const DictLiteral& node);
  Value evaluate_sum(const Items& node);
  bool evaluate_operands(const Items& node, std::span<Value> values);
  Value add_all(const Items& node, std::span<const Value> values);
  Value evaluate_concat(const Items& node);
  Value evaluate_logic(const Items& node, bool stop_at);
  Value evaluate_compare(const Compare& node);
  Value evaluate_unary(const Unary& node);
  Value evaluate_binary(const Binary& node);
  Value evaluate_conditional(const Conditional& node);
  Value evaluate_attribute(const Attribute& node);
  Value evaluate_subscript(const Subscript& node);
  Value evaluate_slice(const Slice& node);
  Value evaluate_call(const Call& node, const Value* caller = nullptr);
  Value attribute_of(const Value& object, const Attribute& node);
  Frame* make_frame(std::uint32_t number, Frame* parent);
  Value evaluate_filter(const Filter& node, const Value& input);
  Value evaluate_test(const Test& node);
  bool test(const Expression& condition);
  Arguments evaluate_arguments(const ArgumentList& list, const Value* caller = nullptr);
  Value call_macro(const Closure& closure, const Arguments& arguments);
  void bind_parameters(const Macro& macro, const Arguments& arguments, Frame& frame);
  void bind_named(const Macro& macro, const Arguments& arguments, Frame& frame);

  [[noreturn]] void out_of_steps() const;
  [[noreturn]] void out_of_levels();

  const Tree& tree_;
  Arena& arena_;
  TextBuilder* output_;
  const RenderLimits& limits_;
  const Date* now_;
  std::size_t steps_left_;
  std::size_t levels_left_;
  std::uint32_t macro_calls_ = 0;
  Value* variables_;
  Frame* frame_;
  std::uint32_t position_ = 0;
  std::uint32_t captures_ = 0;
  std::uint32_t loop_depth_ = 0;
  std::uint32_t open_message_ = kNoMessage;  // bound by a for loop
  std::uint32_t set_message_ = kNoMessage;   // bound by {% set %} in a loop over something else
  bool trial_ = false;
  std::vector<Undo> undo_;
  std::vector<PromptRecord> prompts_;
};

}  // namespace caravan::data::jinja
