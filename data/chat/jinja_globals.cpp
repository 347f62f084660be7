#include "data/chat/jinja_globals.h"

#include <array>
#include <string>
#include <utility>

#include "data/chat/jinja_clock.h"
#include "data/chat/jinja_fault.h"
#include "data/chat/jinja_interpreter.h"
#include "data/chat/jinja_operators.h"
#include "data/chat/jinja_print.h"

namespace caravan::data::jinja {

namespace {

// jinja2's sandbox, in which chat templates run elsewhere, has the same bound.
constexpr std::int64_t kLongestRange = 100'000;
constexpr std::int64_t kRangeBound = std::int64_t{1} << 60;

Value call_range(Interpreter& run, const Arguments& arguments) {
  BoundArguments bound(arguments, {"start", "stop", "step"});
  bound.value(0, "stop");
  Range range{0, bound.integer_or(0, 0), 1};
  if (bound.has(1)) range = {bound.integer_or(0, 0), bound.integer_or(1, 0), bound.integer_or(2, 1)};
  if (range.step == 0) throw Fault("range() cannot step by 0");
  auto in_bounds = [](std::int64_t x) { return x > -kRangeBound && x < kRangeBound; };
  if (!in_bounds(range.start) || !in_bounds(range.stop) || !in_bounds(range.step) ||
      range_length(range) > kLongestRange) {
    throw Fault("range() of more than " + std::to_string(kLongestRange) + " numbers");
  }
  Value value;
  value.kind = Kind::kRange;
  value.range = run.arena().make<Range>(range);
  return value;
}

// dict(a=1) and namespace(a=1); the first argument may be a dict to copy.
Value call_dict(Interpreter& run, const Arguments& arguments, Kind kind) {
  Dict* dict = new_dict(run.arena(), arguments.named.size());
  if (arguments.positional.size() > 1)
    throw Fault(std::string(arguments.callee) + " takes one positional argument at most");
  auto put = [&](const Value& key, const Value& value) {
    if (Value* existing = find(run, *dict, key)) {
      *existing = value;
    } else {
      append(run.arena(), *dict, key, value);
    }
  };
  for (const Value& base : arguments.positional) {
    if (base.is(Kind::kDict)) {
      for (const DictEntry& entry : base.dict->span()) put(entry.key, entry.value);
      continue;
    }
    for (const Value& pair : items_of(run, base)->span()) {
      if (!pair.is_sequence() || pair.list->size != 2) throw Fault("a dict is made of pairs");
      put(pair.list->items[0], pair.list->items[1]);
    }
  }
  for (const NamedValue& named : arguments.named)
    put(make_copied_string(run.arena(), named.name), named.value);
  return make_dict(dict, kind);
}

[[noreturn]] void raise_exception(Interpreter& run, const Arguments& arguments) {
  BoundArguments bound(arguments, {"message"});
  TextBuilder text;
  print(run, text, bound.value(0, "message"));
  throw Fault("the template refuses this conversation: " + text.text());
}

Value strftime_now(Interpreter& run, const Arguments& arguments) {
  BoundArguments bound(arguments, {"format"});
  if (run.now() == nullptr) {
    throw Fault("the template asks for today's date and none was given",
                "give the date that it shall see, as YYYY-MM-DD");
  }
  return make_copied_string(run.arena(), format_date(*run.now(), bound.text(0, "format")));
}

Value make_cycle(Interpreter& run, Kind kind, std::span<const Value> items) {
  List* copy = new_list(run.arena(), items.size());
  for (const Value& item : items) append(run.arena(), *copy, item);
  Value value;
  value.kind = kind;
  value.cycle = run.arena().make<Cycle>(copy->items, copy->size, 0u);
  return value;
}

Value make_cycler(Interpreter& run, const Arguments& arguments) {
  if (arguments.positional.empty()) throw Fault("cycler() needs at least one item");
  return make_cycle(run, Kind::kCycler, arguments.positional);
}

Value make_joiner(Interpreter& run, const Arguments& arguments) {
  BoundArguments bound(arguments, {"sep"});
  const Value separator = bound.value_or(0, make_string(", "));
  return make_cycle(run, Kind::kJoiner, {&separator, 1});
}

}  // namespace

bool find_global(std::string_view name, Global& global) {
  constexpr std::array<std::pair<std::string_view, Global>, 7> kGlobals = {{
      {"range", Global::kRange},
      {"dict", Global::kDict},
      {"namespace", Global::kNamespace},
      {"raise_exception", Global::kRaiseException},
      {"strftime_now", Global::kStrftimeNow},
      {"cycler", Global::kCycler},
      {"joiner", Global::kJoiner},
  }};
  for (const auto& [known, value] : kGlobals) {
    if (known == name) {
      global = value;
      return true;
    }
  }
  return false;
}

Value make_global(Global global) {
  Value value;
  value.kind = Kind::kGlobal;
  value.global = global;
  return value;
}

Value call_global(Interpreter& run, Global global, const Arguments& given) {
  constexpr const char* kNames[] = {"range()",        "dict()",   "namespace()", "raise_exception()",
                                    "strftime_now()", "cycler()", "joiner()"};
  Arguments arguments = given;
  arguments.callee = kNames[static_cast<std::size_t>(global)];
  switch (global) {
    case Global::kRange:
      return call_range(run, arguments);
    case Global::kDict:
      return call_dict(run, arguments, Kind::kDict);
    case Global::kNamespace:
      return call_dict(run, arguments, Kind::kNamespace);
    case Global::kRaiseException:
      raise_exception(run, arguments);
    case Global::kStrftimeNow:
      return strftime_now(run, arguments);
    case Global::kCycler:
      return make_cycler(run, arguments);
    case Global::kJoiner:
      return make_joiner(run, arguments);
  }
  return make_undefined();
}

Value loop_attribute(Interpreter& run, Loop& loop, std::string_view name) {
  if (name == "index0") return make_int(loop.index0);
  if (name == "index") return make_int(loop.index0 + 1);
  if (name == "first") return make_bool(loop.index0 == 0);
  if (name == "last") return make_bool(loop.index0 + 1 == loop.size);
  if (name == "length") return make_int(loop.size);
  if (name == "revindex") return make_int(loop.size - loop.index0);
  if (name == "revindex0") return make_int(loop.size - loop.index0 - 1);
  if (name == "depth") return make_int(1);
  if (name == "depth0") return make_int(0);
  if (name == "previtem" && loop.index0 > 0) return loop.items[loop.index0 - 1];
  if (name == "nextitem" && loop.index0 + 1 < loop.size) return loop.items[loop.index0 + 1];
  return make_undefined(run.arena(), run.arena().copy(name), "loop object");
}

bool is_iteration_object(const Value& value) {
  return value.is(Kind::kLoop) || value.is(Kind::kCycler);
}

Value call_iteration_method(Interpreter& run, const Value& object, std::string_view name,
                            const Arguments& arguments) {
  if (object.is(Kind::kLoop) && name == "cycle") {
    if (arguments.positional.empty()) throw Fault("loop.cycle() needs at least one item");
    return arguments.positional[static_cast<std::size_t>(object.loop->index0) % arguments.positional.size()];
  }
  if (object.is(Kind::kLoop) && name == "changed") {
    List* now = new_list(run.arena(), arguments.positional.size());
    for (const Value& value : arguments.positional) append(run.arena(), *now, value);
    Value current = make_list(now, Kind::kTuple);
    bool changed = !equal(run, object.loop->last_changed, current);
    run.will_change(&object.loop->last_changed);
    object.loop->last_changed = current;
    return make_bool(changed);
  }
  if (object.is(Kind::kCycler) && (name == "next" || name == "reset")) {
    run.refuse_in_trial();
    Cycle& cycle = *object.cycle;
    Value item = cycle.items[cycle.next];
    cycle.next = name == "reset" ? 0 : (cycle.next + 1) % cycle.size;
    return name == "reset" ? make_none() : item;
  }
  throw Fault(std::string("a ") + type_name(object) + " has no method '" + std::string(name) + "'");
}

Value call_joiner(Interpreter& run, Cycle& joiner) {
  run.refuse_in_trial();
  if (joiner.next == 0) {
    joiner.next = 1;
    return make_string("");
  }
  return joiner.items[0];
}

}  // namespace caravan::data::jinja
