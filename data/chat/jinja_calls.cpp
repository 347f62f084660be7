// The interpreter's calls: methods, macros, functions of the environment.
#include <algorithm>
#include <string>
#include <utility>

#include "data/chat/jinja_globals.h"
#include "data/chat/jinja_interpreter.h"
#include "data/chat/jinja_methods.h"
#include "data/chat/jinja_operators.h"

namespace caravan::data::jinja {

// Recursion goes through here only: it stops before the stack does.
void Interpreter::out_of_levels() {
  levels_left_ = 1;
  throw Fault(
      "calls and values are nested too deep (more than " + std::to_string(limits_.depth * 10) + " levels)",
      "look for a macro that calls itself without end");
}

Value Interpreter::evaluate_call(const Call& node, const Value* caller) {
  if (node.callee->kind != ExpressionKind::kAttribute) {
    Value callee = evaluate(*node.callee);
    Arguments arguments = evaluate_arguments(node.arguments, caller);
    position_ = node.position;
    return call(callee, arguments);
  }
  const auto& attribute = static_cast<const Attribute&>(*node.callee);
  Value object = evaluate(*attribute.object);
  bool is_method = has_method(object, attribute.method);
  Value callee = is_method || is_iteration_object(object) ? object : attribute_of(object, attribute);
  Arguments arguments = evaluate_arguments(node.arguments, caller);
  arguments.callee = attribute.name;
  position_ = attribute.position;
  if (is_method) return call_method(*this, object, attribute.method, arguments);
  if (is_iteration_object(object)) return call_iteration_method(*this, object, attribute.name, arguments);
  if (callee.is(Kind::kUndefined)) fail_undefined(callee);
  return call(callee, arguments);
}

Value Interpreter::call(const Value& callee, const Arguments& arguments) {
  switch (callee.kind) {
    case Kind::kUndefined:
      fail_undefined(callee);
    case Kind::kMacro:
      return call_macro(*callee.closure, arguments);
    case Kind::kGlobal:
      return call_global(*this, callee.global, arguments);
    case Kind::kJoiner:
      return call_joiner(*this, *callee.cycle);
    default:
      throw Fault(std::string("'") + type_name(callee) + "' object cannot be called");
  }
}

// In the arena: a macro defined inside may outlive the call.
Frame* Interpreter::make_frame(std::uint32_t number, Frame* parent) {
  std::uint32_t size = tree_.frame_sizes[number];
  Value* slots = arena_.allocate_array<Value>(size);
  for (std::uint32_t i = 0; i < size; ++i) slots[i] = make_missing();
  return arena_.make<Frame>(slots, parent);
}

Value Interpreter::call_macro(const Closure& closure, const Arguments& arguments) {
  if (macro_calls_ >= limits_.depth) {
    throw Fault("macros call each other more than " + std::to_string(limits_.depth) + " deep",
                "look for a macro that calls itself without end");
  }
  const Macro& macro = *closure.macro;
  Frame* inner = make_frame(macro.scope->frame, closure.frame);
  Frame* outer = std::exchange(frame_, closure.frame);
  enter_scope(*macro.scope, *inner);
  frame_ = inner;
  bind_parameters(macro, arguments, *inner);
  ++macro_calls_;
  TextBuilder text;
  TextBuilder* output = std::exchange(output_, &text);
  ++captures_;
  execute(macro.body);
  --captures_;
  --macro_calls_;
  output_ = output;
  frame_ = outer;
  charge(text.size());
  return text.finish(arena_);
}

void Interpreter::bind_parameters(const Macro& macro, const Arguments& arguments, Frame& frame) {
  std::size_t given = std::min(arguments.positional.size(), macro.slots.size());
  for (std::size_t i = 0; i < given; ++i) frame.slots[macro.slots[i]] = arguments.positional[i];
  if (arguments.positional.size() > given && !macro.scope->reads_varargs) {
    throw Fault("macro '" + macro.name + "' takes at most " + std::to_string(given) + " arguments, got " +
                std::to_string(arguments.positional.size()));
  }
  List* rest = new_list(arena_, arguments.positional.size() - given);
  for (std::size_t i = given; i < arguments.positional.size(); ++i)
    append(arena_, *rest, arguments.positional[i]);
  frame.slots[macro.varargs_slot] = make_list(rest, Kind::kTuple);
  bind_named(macro, arguments, frame);
  for (std::size_t i = 0; i < macro.slots.size(); ++i) {
    Value& slot = frame.slots[macro.slots[i]];
    if (slot.is(Kind::kMissing) && macro.defaults[i] != nullptr) slot = evaluate(*macro.defaults[i]);
    if (slot.is(Kind::kMissing)) slot = make_undefined(arena_, macro.parameters[i]);
  }
}

void Interpreter::bind_named(const Macro& macro, const Arguments& arguments, Frame& frame) {
  Dict* rest = new_dict(arena_, 0);
  for (const NamedValue& named : arguments.named) {
    auto found = std::find(macro.parameters.begin(), macro.parameters.end(), named.name);
    if (found != macro.parameters.end()) {
      Value& slot = frame.slots[macro.slots[static_cast<std::size_t>(found - macro.parameters.begin())]];
      if (!slot.is(Kind::kMissing)) {
        throw Fault("macro '" + macro.name + "' got '" + std::string(named.name) + "' twice");
      }
      slot = named.value;
    } else if (named.name == "caller") {
      frame.slots[macro.caller_slot] = named.value;
    } else if (!macro.scope->reads_kwargs) {
      throw Fault("macro '" + macro.name + "' has no parameter '" + std::string(named.name) + "'");
    } else {
      append(arena_, *rest, make_string(named.name), named.value);
    }
  }
  frame.slots[macro.kwargs_slot] = make_dict(rest);
}

}  // namespace caravan::data::jinja
