// Makes the nodes of a tree and keeps track of scopes while a template is parsed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "data/chat/jinja_fault.h"
#include "data/chat/jinja_syntax.h"

namespace caravan::data::jinja {

class TreeBuilder {
 public:
  explicit TreeBuilder(Tree& tree) : tree_(tree) {
    tree_.root = &tree_.scopes.emplace_back();
    tree_.root->opens_frame = true;
    tree_.frame_sizes.push_back(0);
    scope_ = tree_.root;
  }

  Tree& tree() { return tree_; }
  Scope* scope() { return scope_; }

  template <typename T, typename... Args>
  T* make(Args&&... args) {
    auto node = std::make_unique<T>(std::forward<Args>(args)...);
    T* raw = node.get();
    tree_.nodes.push_back(std::move(node));
    return raw;
  }

  // Takes `child` in below `parent`: heights and what the subtree reads. Throws where the tree gets too high
  // to walk.
  const Expression* adopt(Expression* parent, const Expression* child) {
    if (child == nullptr) return nullptr;
    parent->height = std::max(parent->height, static_cast<std::uint16_t>(child->height + 1));
    parent->mentions_prompt = parent->mentions_prompt || child->mentions_prompt;
    if (parent->height > kMaxHeight) {
      throw PlacedFault(parent->position,
                        "this expression has more than " + std::to_string(kMaxHeight) + " levels",
                        "split it with {% set %}");
    }
    return child;
  }
  void adopt(Expression* parent, const ArgumentList& arguments) {
    for (const Expression* e : arguments.positional) adopt(parent, e);
    for (const auto& [name, e] : arguments.named) adopt(parent, e);
    adopt(parent, arguments.star);
    adopt(parent, arguments.double_star);
  }

  Constant* text_constant(std::uint32_t position, std::string text) {
    tree_.texts.push_back(std::move(text));
    return make<Constant>(position, make_string(tree_.texts.back()));
  }

  Name* name(std::uint32_t position, const std::string& text) {
    Name* node = make<Name>(position, text, scope_);
    node->mentions_prompt = text == kPromptVariable;
    tree_.mentions_prompt = tree_.mentions_prompt || node->mentions_prompt;
    tree_.names.push_back(node);
    Scope* function = scope_;
    while (!function->opens_frame) function = function->parent;
    function->reads_varargs = function->reads_varargs || text == "varargs";
    function->reads_kwargs = function->reads_kwargs || text == "kwargs";
    return node;
  }

  // The slot of `text` in the current scope, made on first use.
  std::uint32_t store(const std::string& text) { return store_in(scope_, text); }
  std::uint32_t store_parameter(const std::string& text) {
    std::uint32_t slot = store(text);
    scope_->parameters.insert(slot);
    return slot;
  }

  Scope* open_scope(bool opens_frame = false) {
    Scope* inner = &tree_.scopes.emplace_back();
    inner->parent = scope_;
    inner->opens_frame = opens_frame;
    inner->frame = scope_->frame;
    if (opens_frame) {
      inner->frame = static_cast<std::uint32_t>(tree_.frame_sizes.size());
      tree_.frame_sizes.push_back(0);
    }
    scope_ = inner;
    return inner;
  }
  void close_scope() { scope_ = scope_->parent; }
  void reopen(Scope* scope) { scope_ = scope; }

 private:
  static constexpr std::uint16_t kMaxHeight = 400;

  std::uint32_t store_in(Scope* scope, const std::string& text) {
    auto [entry, is_new] = scope->stores.try_emplace(text, tree_.frame_sizes[scope->frame]);
    if (is_new) ++tree_.frame_sizes[scope->frame];
    return entry->second;
  }

  Tree& tree_;
  Scope* scope_;
};

}  // namespace caravan::data::jinja
