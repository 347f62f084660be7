// The interpreter's expressions.
#include <string>

#include "data/chat/jinja_globals.h"
#include "data/chat/jinja_interpreter.h"
#include "data/chat/jinja_methods.h"
#include "data/chat/jinja_operators.h"
#include "data/chat/jinja_print.h"

namespace caravan::data::jinja {

Value Interpreter::evaluate(const Expression& expression) {
  charge(0);
  switch (expression.kind) {  // leaves first: no recursion, nothing to guard
    case ExpressionKind::kConstant:
      return static_cast<const Constant&>(expression).value;
    case ExpressionKind::kName:
      return evaluate_name(static_cast<const Name&>(expression));
    default:
      break;
  }
  enter();
  Value value = evaluate_node(expression);
  leave();
  return value;
}

Value Interpreter::evaluate_node(const Expression& e) {
  switch (e.kind) {
    case ExpressionKind::kConstant:
    case ExpressionKind::kName:
      break;
    case ExpressionKind::kList:
      return evaluate_items(static_cast<const Items&>(e), Kind::kList);
    case ExpressionKind::kTuple:
      return evaluate_items(static_cast<const Items&>(e), Kind::kTuple);
    case ExpressionKind::kDict:
      return evaluate_dict(static_cast<const DictLiteral&>(e));
    case ExpressionKind::kSum:
      return evaluate_sum(static_cast<const Items&>(e));
    case ExpressionKind::kConcat:
      return evaluate_concat(static_cast<const Items&>(e));
    case ExpressionKind::kBinary:
      return evaluate_binary(static_cast<const Binary&>(e));
    case ExpressionKind::kNegative:
    case ExpressionKind::kPositive:
    case ExpressionKind::kNot:
      return evaluate_unary(static_cast<const Unary&>(e));
    case ExpressionKind::kAnd:
      return evaluate_logic(static_cast<const Items&>(e), false);
    case ExpressionKind::kOr:
      return evaluate_logic(static_cast<const Items&>(e), true);
    case ExpressionKind::kCompare:
      return evaluate_compare(static_cast<const Compare&>(e));
    case ExpressionKind::kConditional:
      return evaluate_conditional(static_cast<const Conditional&>(e));
    case ExpressionKind::kAttribute:
      return evaluate_attribute(static_cast<const Attribute&>(e));
    case ExpressionKind::kSubscript:
      return evaluate_subscript(static_cast<const Subscript&>(e));
    case ExpressionKind::kSlice:
      return evaluate_slice(static_cast<const Slice&>(e));
    case ExpressionKind::kCall:
      return evaluate_call(static_cast<const Call&>(e));
    case ExpressionKind::kFilter: {
      const auto& filter = static_cast<const Filter&>(e);
      return evaluate_filter(filter, evaluate(*filter.input));
    }
    case ExpressionKind::kTest:
      return evaluate_test(static_cast<const Test&>(e));
  }
  return make_undefined();
}

Value Interpreter::evaluate_name(const Name& node) {
  if (trial_ && node.mentions_prompt) return make_bool(true);
  const Value* place = &variables_[node.index];
  if (node.is_local) {
    const Frame* frame = frame_;
    for (std::uint16_t i = 0; i < node.hops; ++i) frame = frame->parent;
    place = &frame->slots[node.index];
  }
  if (!place->is(Kind::kMissing)) return *place;
  return make_undefined(arena_, node.text);
}

Value Interpreter::evaluate_items(const Items& node, Kind kind) {
  List* list = new_list(arena_, node.items.size());
  for (const Expression* item : node.items) append(arena_, *list, evaluate(*item));
  return make_list(list, kind);
}

Value Interpreter::evaluate_dict(const DictLiteral& node) {
  Dict* dict = new_dict(arena_, node.entries.size());
  for (const auto& [key_node, value_node] : node.entries) {
    Value key = evaluate(*key_node);
    Value value = evaluate(*value_node);
    position_ = key_node->position;
    if (Value* existing = find(*this, *dict, key)) {
      *existing = value;
    } else {
      append(arena_, *dict, key, value);
    }
  }
  return make_dict(dict);
}

// Whether all operands are plain texts, so that adding them is nothing but joining.
bool Interpreter::evaluate_operands(const Items& node, std::span<Value> values) {
  bool all_text = true;
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = evaluate(*node.items[i]);
    all_text = all_text && values[i].is_string() && !values[i].safe;
    charge(values[i].size);
  }
  return all_text;
}

Value Interpreter::add_all(const Items& node, std::span<const Value> values) {
  Value sum = values[0];
  for (std::size_t i = 1; i < values.size(); ++i) {
    position_ = node.items[i]->position;
    sum = add(*this, sum, values[i]);
  }
  return sum;
}

// All operands first: where all are texts, they are joined in one go. Otherwise Python's order, pair by pair.
Value Interpreter::evaluate_sum(const Items& node) {
  constexpr std::size_t kUsual = 8;
  Value usual[kUsual];
  std::size_t count = node.items.size();
  std::span<Value> values(count <= kUsual ? usual : arena_.allocate_array<Value>(count), count);
  return evaluate_operands(node, values) ? concatenate(arena_, values) : add_all(node, values);
}

Value Interpreter::evaluate_concat(const Items& node) {
  TextBuilder builder;
  for (const Expression* item : node.items) {
    Value value = evaluate(*item);
    position_ = item->position;
    print(*this, builder, value);
    charge(value.size);
  }
  return builder.finish(arena_);
}

Value Interpreter::evaluate_logic(const Items& node, bool stop_at) {
  Value value;
  for (const Expression* item : node.items) {
    value = evaluate(*item);
    if (is_true(value) == stop_at) break;
  }
  return value;
}

Value Interpreter::evaluate_compare(const Compare& node) {
  Value left = evaluate(*node.first);
  for (const auto& [comparison, right_node] : node.rest) {
    Value right = evaluate(*right_node);
    position_ = node.position;
    if (!compare(*this, comparison, left, right)) return make_bool(false);
    left = right;
  }
  return make_bool(true);
}

Value Interpreter::evaluate_unary(const Unary& node) {
  Value operand = evaluate(*node.operand);
  position_ = node.position;
  if (node.kind == ExpressionKind::kNot) return make_bool(!is_true(operand));
  return negate(operand, node.kind == ExpressionKind::kNegative);
}

Value Interpreter::evaluate_binary(const Binary& node) {
  Value left = evaluate(*node.left);
  Value right = evaluate(*node.right);
  position_ = node.position;
  return arithmetic(*this, node.op, left, right);
}

Value Interpreter::evaluate_conditional(const Conditional& node) {
  if (test(*node.condition)) return evaluate(*node.then);
  return node.otherwise != nullptr ? evaluate(*node.otherwise) : make_undefined();
}

Value Interpreter::attribute_of(const Value& object, const Attribute& node) {
  position_ = node.position;
  if (object.is(Kind::kUndefined)) fail_undefined(object);
  if (object.is(Kind::kDict) || object.is(Kind::kNamespace)) {
    if (object.is(Kind::kDict) && has_method(object, node.method)) {
      throw Fault("the method '" + node.name + "' of a dict is not called",
                  "write " + node.name + "(), or ['" + node.name + "']");
    }
    charge(0);
    if (const Value* found = find(arena_, *object.dict, node.name)) return *found;
  } else if (object.is(Kind::kLoop)) {
    return loop_attribute(*this, *object.loop, node.name);
  }
  return make_undefined(arena_, node.name, arena_.copy(std::string(type_name(object)) + " object"));
}

Value Interpreter::evaluate_attribute(const Attribute& node) {
  return attribute_of(evaluate(*node.object), node);
}

Value Interpreter::evaluate_subscript(const Subscript& node) {
  Value object = evaluate(*node.object);
  Value key = evaluate(*node.key);
  position_ = node.position;
  return subscript(*this, object, key);
}

Value Interpreter::evaluate_slice(const Slice& node) {
  Value object = evaluate(*node.object);
  Value start = node.start != nullptr ? evaluate(*node.start) : make_none();
  Value stop = node.stop != nullptr ? evaluate(*node.stop) : make_none();
  Value step = node.step != nullptr ? evaluate(*node.step) : make_none();
  position_ = node.position;
  return slice(*this, object, start, stop, step);
}

Value Interpreter::evaluate_filter(const Filter& node, const Value& input) {
  Arguments arguments = evaluate_arguments(node.arguments);
  position_ = node.position;
  arguments.callee = node.name;
  return node.function(*this, input, arguments);
}

Value Interpreter::evaluate_test(const Test& node) {
  Value input = evaluate(*node.input);
  Arguments arguments = evaluate_arguments(node.arguments);
  position_ = node.position;
  arguments.callee = node.name;
  return make_bool(node.function(*this, input, arguments) != node.negated);
}

bool Interpreter::test(const Expression& condition) {
  return is_true(evaluate(condition));
}

Arguments Interpreter::evaluate_arguments(const ArgumentList& list, const Value* caller) {
  Arguments arguments;
  if (list.positional.empty() && list.named.empty() && !list.star && !list.double_star && !caller)
    return arguments;
  List* positional = new_list(arena_, list.positional.size());
  for (const Expression* e : list.positional) append(arena_, *positional, evaluate(*e));
  if (list.star != nullptr) {
    Value more = evaluate(*list.star);
    position_ = list.star->position;
    for (const Value& value : items_of(*this, more)->span()) append(arena_, *positional, value);
  }
  std::size_t num_named = list.named.size() + (caller != nullptr ? 1 : 0);
  Value more = list.double_star != nullptr ? evaluate(*list.double_star) : make_undefined();
  if (list.double_star != nullptr) {
    position_ = list.double_star->position;
    if (!more.is(Kind::kDict)) throw Fault(std::string("** needs a dict, got ") + type_name(more));
    num_named += more.dict->size;
  }
  NamedValue* named = arena_.allocate_array<NamedValue>(num_named);
  std::size_t at = 0;
  for (const auto& [name, e] : list.named) named[at++] = {name, evaluate(*e)};
  if (caller != nullptr) named[at++] = {"caller", *caller};
  if (more.is(Kind::kDict)) {
    for (const DictEntry& entry : more.dict->span()) {
      if (!entry.key.is_string()) throw Fault("** needs texts as keys");
      named[at++] = {entry.key.view(), entry.value};
    }
  }
  arguments.positional = positional->span();
  arguments.named = {named, num_named};
  return arguments;
}

}  // namespace caravan::data::jinja
