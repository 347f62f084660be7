// The tree of a parsed template. Nodes are owned by a Tree; they point at each other freely and never change
// after parsing.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "data/chat/jinja_value.h"

namespace caravan::data::jinja {

class Interpreter;
struct Arguments;
using FilterFunction = Value (*)(Interpreter&, const Value& input, const Arguments& arguments);
using TestFunction = bool (*)(Interpreter&, const Value& input, const Arguments& arguments);
enum class Method : std::uint8_t;

// ---------------------------------------------------------------- expressions
enum class ExpressionKind : std::uint8_t {
  kConstant,
  kName,
  kList,
  kTuple,
  kDict,
  kSum,     // a + b + c: one node for a chain, so that texts are joined once
  kConcat,  // a ~ b ~ c
  kBinary,
  kNegative,
  kPositive,
  kNot,
  kAnd,
  kOr,
  kCompare,
  kConditional,
  kAttribute,
  kSubscript,
  kSlice,
  kCall,
  kFilter,
  kTest,
};

enum class BinaryOperator : std::uint8_t { kSubtract, kMultiply, kDivide, kFloorDivide, kModulo, kPower };
enum class Comparison : std::uint8_t {
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIn,
  kNotIn
};

struct Node {
  explicit Node(std::uint32_t p) : position(p) {}
  virtual ~Node() = default;
  std::uint32_t position;  // byte offset in the source
};

struct Expression : Node {
  Expression(ExpressionKind k, std::uint32_t p) : Node(p), kind(k) {}
  ExpressionKind kind;
  bool mentions_prompt = false;  // reads add_generation_prompt somewhere below
  std::uint16_t height = 1;      // of the tree below: bounds recursion
};

struct Constant : Expression {
  Constant(std::uint32_t p, Value v) : Expression(ExpressionKind::kConstant, p), value(v) {}
  Value value;
};

struct Scope;

// Where a name lives is settled after parsing: in a slot of a frame, or in the variables of the render.
struct Name : Expression {
  Name(std::uint32_t p, std::string t, Scope* s)
      : Expression(ExpressionKind::kName, p), text(std::move(t)), scope(s) {}
  std::string text;
  Scope* scope;
  bool is_local = false;
  bool is_inherited = false;  // no word of the template: what a name that a scope writes was outside of it
  std::uint16_t hops = 0;     // frames outwards
  std::uint32_t index = 0;    // slot, or number of the variable
};

struct Items : Expression {  // list, tuple, sum, concat, and, or
  using Expression::Expression;
  std::vector<const Expression*> items;
};

struct DictLiteral : Expression {
  explicit DictLiteral(std::uint32_t p) : Expression(ExpressionKind::kDict, p) {}
  std::vector<std::pair<const Expression*, const Expression*>> entries;
};

struct Binary : Expression {
  explicit Binary(std::uint32_t p) : Expression(ExpressionKind::kBinary, p) {}
  BinaryOperator op{};
  const Expression* left = nullptr;
  const Expression* right = nullptr;
};

struct Unary : Expression {
  using Expression::Expression;
  const Expression* operand = nullptr;
};

struct Compare : Expression {
  explicit Compare(std::uint32_t p) : Expression(ExpressionKind::kCompare, p) {}
  const Expression* first = nullptr;
  std::vector<std::pair<Comparison, const Expression*>> rest;
};

struct Conditional : Expression {
  explicit Conditional(std::uint32_t p) : Expression(ExpressionKind::kConditional, p) {}
  const Expression* condition = nullptr;
  const Expression* then = nullptr;
  const Expression* otherwise = nullptr;  // null: undefined
};

struct Attribute : Expression {
  explicit Attribute(std::uint32_t p) : Expression(ExpressionKind::kAttribute, p) {}
  const Expression* object = nullptr;
  std::string name;
  Method method{};  // the string or dict method of that name, or none
};

struct Subscript : Expression {
  explicit Subscript(std::uint32_t p) : Expression(ExpressionKind::kSubscript, p) {}
  const Expression* object = nullptr;
  const Expression* key = nullptr;
};

struct Slice : Expression {
  explicit Slice(std::uint32_t p) : Expression(ExpressionKind::kSlice, p) {}
  const Expression* object = nullptr;
  const Expression* start = nullptr;
  const Expression* stop = nullptr;
  const Expression* step = nullptr;
};

struct ArgumentList {
  std::vector<const Expression*> positional;
  std::vector<std::pair<std::string, const Expression*>> named;
  const Expression* star = nullptr;
  const Expression* double_star = nullptr;
};

struct Call : Expression {
  explicit Call(std::uint32_t p) : Expression(ExpressionKind::kCall, p) {}
  const Expression* callee = nullptr;
  ArgumentList arguments;
};

struct Filter : Expression {
  explicit Filter(std::uint32_t p) : Expression(ExpressionKind::kFilter, p) {}
  const Expression* input = nullptr;  // null in a filter block: its text
  std::string name;
  FilterFunction function = nullptr;
  ArgumentList arguments;
};

struct Test : Expression {
  explicit Test(std::uint32_t p) : Expression(ExpressionKind::kTest, p) {}
  const Expression* input = nullptr;
  std::string name;
  TestFunction function = nullptr;
  ArgumentList arguments;
  bool negated = false;
};

// ---------------------------------------------------------------- statements
enum class StatementKind : std::uint8_t {
  kText,
  kOutput,
  kIf,
  kFor,
  kSet,
  kSetBlock,
  kMacro,
  kCallBlock,
  kFilterBlock,
  kWith,
  kGeneration,
  kBreak,
  kContinue,
};

struct Statement : Node {
  Statement(StatementKind k, std::uint32_t p) : Node(p), kind(k) {}
  StatementKind kind;
};

using Body = std::vector<const Statement*>;

// Names written in one stretch of the template. A scope that closes forgets them; a load before the first
// write sees the outer value, so slots are filled from outside on entry.
struct Scope {
  Scope* parent = nullptr;
  std::uint32_t frame = 0;     // number of the frame that holds the slots
  bool opens_frame = false;    // a macro's body: slots of its own, one set per call
  bool reads_varargs = false;  // a macro that does not takes no surplus arguments
  bool reads_kwargs = false;
  std::unordered_map<std::string, std::uint32_t> stores;  // name -> slot
  std::unordered_set<std::uint32_t> parameters;           // slots that are written on entry anyway
  struct Inherited {
    std::uint32_t slot;
    const Name* outer;
  };
  std::vector<Inherited> inherited;
};

// What an assignment writes to: a slot, an attribute of a namespace, or several of them.
struct Target {
  std::uint32_t position = 0;
  std::uint32_t slot = 0;
  std::string attribute;  // not empty: of the namespace in `holder`
  const Name* holder = nullptr;
  std::vector<Target> parts;  // not empty: unpacking
};

struct Text : Statement {
  explicit Text(std::uint32_t p) : Statement(StatementKind::kText, p) {}
  std::string text;
};

struct Output : Statement {
  explicit Output(std::uint32_t p) : Statement(StatementKind::kOutput, p) {}
  const Expression* value = nullptr;
};

struct If : Statement {
  explicit If(std::uint32_t p) : Statement(StatementKind::kIf, p) {}
  struct Branch {
    const Expression* condition;
    Body body;
  };
  std::vector<Branch> branches;
  Body otherwise;
  bool mentions_prompt = false;
};

struct For : Statement {
  explicit For(std::uint32_t p) : Statement(StatementKind::kFor, p) {}
  Target target;
  const Expression* items = nullptr;
  const Expression* condition = nullptr;
  Scope* scope = nullptr;
  Scope* else_scope = nullptr;
  std::uint32_t loop_slot = 0;
  Body body;
  Body otherwise;
};

struct Set : Statement {
  explicit Set(std::uint32_t p) : Statement(StatementKind::kSet, p) {}
  Target target;
  const Expression* value = nullptr;
};

struct SetBlock : Statement {
  explicit SetBlock(std::uint32_t p) : Statement(StatementKind::kSetBlock, p) {}
  Target target;
  Scope* scope = nullptr;
  std::vector<const Filter*> filters;
  Body body;
};

struct Macro : Statement {
  explicit Macro(std::uint32_t p) : Statement(StatementKind::kMacro, p) {}
  std::string name;  // "caller" for the body of a call block
  std::uint32_t name_slot = 0;
  std::vector<std::string> parameters;
  std::vector<std::uint32_t> slots;         // of the parameters
  std::vector<const Expression*> defaults;  // null where a parameter has none
  std::uint32_t caller_slot = 0, varargs_slot = 0, kwargs_slot = 0;
  Scope* scope = nullptr;
  Body body;
};

struct CallBlock : Statement {
  explicit CallBlock(std::uint32_t p) : Statement(StatementKind::kCallBlock, p) {}
  const Call* call = nullptr;
  const Macro* caller = nullptr;
};

struct FilterBlock : Statement {
  explicit FilterBlock(std::uint32_t p) : Statement(StatementKind::kFilterBlock, p) {}
  std::vector<const Filter*> filters;
  Scope* scope = nullptr;
  Body body;
};

struct With : Statement {
  explicit With(std::uint32_t p) : Statement(StatementKind::kWith, p) {}
  std::vector<std::pair<Target, const Expression*>> values;
  Scope* scope = nullptr;
  Body body;
};

struct Generation : Statement {
  explicit Generation(std::uint32_t p) : Statement(StatementKind::kGeneration, p) {}
  Scope* scope = nullptr;
  Body body;
};

struct Jump : Statement {  // break, continue
  using Statement::Statement;
};

// Owns a parsed template.
struct Tree {
  std::deque<std::unique_ptr<Node>> nodes;
  std::deque<Scope> scopes;
  std::deque<std::string> texts;  // what constants point at
  std::vector<Name*> names;
  std::vector<std::string> variables;      // names read from the render's variables, each once
  std::vector<char> is_mentioned;          // of each: the template itself reads it, not only a scope on entry
  std::vector<Value> globals;              // what each of those is where the render does not give it
  std::vector<std::uint32_t> frame_sizes;  // slots of each frame; 0 is the template itself
  Scope* root = nullptr;
  Body body;
  bool mentions_prompt = false;  // reads add_generation_prompt
  bool has_generation = false;   // marks what an assistant writes: {% generation %}
};

inline constexpr const char* kPromptVariable = "add_generation_prompt";

}  // namespace caravan::data::jinja
