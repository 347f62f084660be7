// The interpreter's statements, and how a render starts.
#include <algorithm>
#include <string>
#include <utility>

#include "data/chat/jinja_interpreter.h"
#include "data/chat/jinja_operators.h"
#include "data/chat/jinja_print.h"

namespace caravan::data::jinja {

namespace {

// Which message of the conversation a value is: one of the input, or a dict that the template made of one's
// fields.
std::uint32_t message_of_value(Arena& arena, const Value& value) {
  if (!value.is(Kind::kDict)) return kNoMessage;
  if (value.dict->message != kNoMessage) return value.dict->message;
  for (const char* key : {"role", "content"}) {
    const Value* field = find(arena, *value.dict, key);
    if (field != nullptr && field->is_string() && is_message(field->origin)) return message_of(field->origin);
  }
  return kNoMessage;
}

}  // namespace

Interpreter::Interpreter(const Tree& tree, Arena& arena, TextBuilder& output, const RenderLimits& limits,
                         const Date* now)
    : tree_(tree),
      arena_(arena),
      output_(&output),
      limits_(limits),
      now_(now),
      steps_left_(limits.steps),
      levels_left_(limits.depth * 10 + 2) {
  variables_ = arena_.allocate_array<Value>(tree.variables.size());
  std::copy(tree.globals.begin(), tree.globals.end(), variables_);
  frame_ = make_frame(0, nullptr);
}

void Interpreter::out_of_steps() const {
  throw Fault("the render takes more than " + std::to_string(limits_.steps) + " steps",
              "look for a loop or a repetition without bound, or raise the limit of steps");
}

void Interpreter::run() {
  try {
    enter_scope(*tree_.root, *frame_);
    execute(tree_.body);
  } catch (const PlacedFault&) {
    throw;
  } catch (const Fault& fault) {
    throw PlacedFault(position_, fault.what(), fault.advice());
  }
}

void Interpreter::enter_scope(const Scope& scope, Frame& into) {
  for (const Scope::Inherited& inherited : scope.inherited)
    into.slots[inherited.slot] = evaluate_name(*inherited.outer);
}

Interpreter::Flow Interpreter::execute(const Body& body) {
  for (const Statement* statement : body) {
    Flow flow = execute(*statement);
    if (flow != Flow::kNormal) return flow;
  }
  return Flow::kNormal;
}

Interpreter::Flow Interpreter::execute(const Statement& s) {
  charge(0);
  position_ = s.position;
  enter();
  Flow flow = Flow::kNormal;
  switch (s.kind) {
    case StatementKind::kText:
      charge(static_cast<const Text&>(s).text.size());
      output_->append(static_cast<const Text&>(s).text, kTemplateOrigin);
      check_output_size();
      break;
    case StatementKind::kOutput:
      execute_output(static_cast<const Output&>(s));
      break;
    case StatementKind::kIf:
      flow = execute_if(static_cast<const If&>(s));
      break;
    case StatementKind::kFor:
      flow = execute_for(static_cast<const For&>(s));
      break;
    case StatementKind::kSet:
      execute_set(static_cast<const Set&>(s));
      break;
    case StatementKind::kSetBlock:
      execute_set_block(static_cast<const SetBlock&>(s));
      break;
    case StatementKind::kMacro:
      execute_macro(static_cast<const Macro&>(s));
      break;
    case StatementKind::kCallBlock:
      execute_call_block(static_cast<const CallBlock&>(s));
      break;
    case StatementKind::kFilterBlock:
      execute_filter_block(static_cast<const FilterBlock&>(s));
      break;
    case StatementKind::kWith:
      flow = execute_with(static_cast<const With&>(s));
      break;
    case StatementKind::kGeneration:
      flow = execute_generation(static_cast<const Generation&>(s));
      break;
    case StatementKind::kBreak:
      flow = Flow::kBreak;
      break;
    case StatementKind::kContinue:
      flow = Flow::kContinue;
      break;
  }
  leave();
  return flow;
}

void Interpreter::check_output_size() {
  if (output_->size() > limits_.output_bytes) {
    throw Fault("the render writes more than " + std::to_string(limits_.output_bytes >> 20) + " MiB of text",
                "look for a loop without bound, or raise the limit of output");
  }
}

void Interpreter::write(const Value& value) {
  charge(value.size);
  print(*this, *output_, value);
  check_output_size();
}

// The operands of a sum go to the output one by one, without being joined first.
void Interpreter::write_sum(const Items& node) {
  constexpr std::size_t kUsual = 8;
  Value usual[kUsual];
  if (node.items.size() > kUsual) return write(evaluate_sum(node));
  std::span<Value> values(usual, node.items.size());
  if (!evaluate_operands(node, values)) return write(add_all(node, values));
  for (const Value& value : values) output_->append(value);
  check_output_size();
}

void Interpreter::execute_output(const Output& node) {
  std::size_t begin = output_->size();
  if (node.value->kind == ExpressionKind::kSum) {
    write_sum(static_cast<const Items&>(*node.value));
  } else {
    write(evaluate(*node.value));
  }
  if (node.value->mentions_prompt && at_top()) try_prompt(node, begin);
}

const Body* Interpreter::choose(const If& node) {
  for (const If::Branch& branch : node.branches) {
    if (test(*branch.condition)) return &branch.body;
  }
  return &node.otherwise;
}

Interpreter::Flow Interpreter::execute_if(const If& node) {
  std::size_t begin = output_->size();
  const Body* chosen = choose(node);
  Flow flow = execute(*chosen);
  if (node.mentions_prompt && at_top()) try_prompt(node, chosen, begin);
  return flow;
}

// The items a loop walks: those for which the condition of "for ... if ..." holds.
List* Interpreter::select_items(const For& node, const Value& value) {
  List* items = items_of(*this, value);
  if (node.condition == nullptr) return items;
  List* selected = new_list(arena_, items->size);
  for (const Value& item : items->span()) {
    assign(node.target, item);
    if (test(*node.condition)) append(arena_, *selected, item);
  }
  return selected;
}

Interpreter::Flow Interpreter::execute_for(const For& node) {
  Value value = evaluate(*node.items);
  position_ = node.items->position;
  if (node.condition != nullptr) enter_scope(*node.scope, *frame_);
  List* items = select_items(node, value);
  if (items->size > 0) return execute_loop(node, *items);
  if (node.else_scope == nullptr) return Flow::kNormal;
  enter_scope(*node.else_scope, *frame_);
  return execute(node.otherwise);
}

Interpreter::Flow Interpreter::execute_loop(const For& node, List& items) {
  Loop* loop = arena_.make<Loop>(items.items, static_cast<std::int64_t>(items.size), std::int64_t{0},
                                 make_undefined());
  Value loop_value;
  loop_value.kind = Kind::kLoop;
  loop_value.loop = loop;
  std::uint32_t outer_open = open_message_;
  std::uint32_t outer_set = set_message_;
  ++loop_depth_;
  Flow flow = Flow::kNormal;
  for (; loop->index0 < loop->size && flow != Flow::kBreak; ++loop->index0) {
    charge(0);
    const Value& item = items.items[loop->index0];
    enter_scope(*node.scope, *frame_);
    frame_->slots[node.loop_slot] = loop_value;
    assign(node.target, item);
    std::uint32_t message = message_of_value(arena_, item);
    open_message_ = message != kNoMessage ? message : outer_open;
    set_message_ = kNoMessage;
    if (message != kNoMessage) output_->mark(Mark::kMessageBegin, message);
    flow = execute(node.body);
    if (set_message_ != kNoMessage) output_->mark(Mark::kMessageEnd, set_message_);
    if (message != kNoMessage) output_->mark(Mark::kMessageEnd, message);
  }
  --loop_depth_;
  open_message_ = outer_open;
  set_message_ = outer_set;
  return Flow::kNormal;
}

// "{% set message = messages[i] %}" at the top of a loop over numbers binds a message as a for loop would.
// Only the first in an iteration counts, and none where the loop itself walks messages: those are looks at
// neighbours.
void Interpreter::mark_set_message(const Value& value) {
  if (loop_depth_ == 0 || open_message_ != kNoMessage || set_message_ != kNoMessage) return;
  set_message_ = message_of_value(arena_, value);
  if (set_message_ != kNoMessage) output_->mark(Mark::kMessageBegin, set_message_);
}

Value Interpreter::capture(const Body& body) {
  TextBuilder text;
  TextBuilder* output = std::exchange(output_, &text);
  ++captures_;
  execute(body);
  --captures_;
  output_ = output;
  charge(text.size());
  return text.finish(arena_);
}

Value Interpreter::apply_filters(const std::vector<const Filter*>& filters, Value value) {
  for (const Filter* filter : filters) value = evaluate_filter(*filter, value);
  return value;
}

void Interpreter::execute_set(const Set& node) {
  Value value = evaluate(*node.value);
  position_ = node.position;
  assign(node.target, value);
  if (node.target.attribute.empty() && value.is(Kind::kDict)) mark_set_message(value);
}

void Interpreter::execute_set_block(const SetBlock& node) {
  enter_scope(*node.scope, *frame_);
  assign(node.target, apply_filters(node.filters, capture(node.body)));
}

void Interpreter::execute_macro(const Macro& node) {
  Value value;
  value.kind = Kind::kMacro;
  value.closure = arena_.make<Closure>(&node, frame_);
  frame_->slots[node.name_slot] = value;
}

void Interpreter::execute_call_block(const CallBlock& node) {
  Value caller;
  caller.kind = Kind::kMacro;
  caller.closure = arena_.make<Closure>(node.caller, frame_);
  write(evaluate_call(*node.call, &caller));
}

void Interpreter::execute_filter_block(const FilterBlock& node) {
  enter_scope(*node.scope, *frame_);
  write(apply_filters(node.filters, capture(node.body)));
}

Interpreter::Flow Interpreter::execute_with(const With& node) {
  std::vector<Value> values;
  for (const auto& [target, expression] : node.values) values.push_back(evaluate(*expression));
  enter_scope(*node.scope, *frame_);
  for (std::size_t i = 0; i < values.size(); ++i) assign(node.values[i].first, values[i]);
  return execute(node.body);
}

Interpreter::Flow Interpreter::execute_generation(const Generation& node) {
  enter_scope(*node.scope, *frame_);
  std::uint32_t message = open_message_ != kNoMessage ? open_message_ : set_message_;
  std::uint32_t payload = message == kNoMessage ? kMaxMessages : message;
  output_->mark(Mark::kGenerationBegin, payload);
  Flow flow = execute(node.body);
  output_->mark(Mark::kGenerationEnd, payload);
  return flow;
}

void Interpreter::assign(const Target& target, const Value& value) {
  if (!target.parts.empty()) {
    unpack(target, value);
  } else if (!target.attribute.empty()) {
    assign_attribute(target, value);
  } else {
    frame_->slots[target.slot] = value;
  }
}

void Interpreter::assign_attribute(const Target& target, const Value& value) {
  Value holder = evaluate_name(*target.holder);
  position_ = target.position;
  if (!holder.is(Kind::kNamespace)) {
    throw Fault("cannot assign to '" + target.attribute + "' of a " + type_name(holder),
                "only a namespace() can be changed");
  }
  if (Value* existing = find(arena_, *holder.dict, target.attribute)) {
    will_change(existing);
    *existing = value;
    return;
  }
  refuse_in_trial();
  append(arena_, *holder.dict, make_string(target.attribute), value);
}

void Interpreter::unpack(const Target& target, const Value& value) {
  position_ = target.position;
  List* items = items_of(*this, value);
  if (items->size != target.parts.size()) {
    throw Fault("cannot unpack " + std::to_string(items->size) + " values into " +
                std::to_string(target.parts.size()) + " names");
  }
  for (std::size_t i = 0; i < target.parts.size(); ++i) assign(target.parts[i], items->items[i]);
}

}  // namespace caravan::data::jinja
