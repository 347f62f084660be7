// How a LaTeX answer is put together: lists, relations, brackets, cells, units.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace caravan::data {

// At `marker` (a comma or a command) outside of all brackets; trimmed parts, one where there is none.
std::vector<std::string> split_top(std::string_view text, std::string_view marker);
// "and", "or" and semicolons between items become commas.
std::string join_lists(std::string_view text);
// Whether the bracket at the start closes at the end.
bool is_wrapped(std::string_view text);

bool has_relation(std::string_view text);
// At = < > \le \ge \ne outside of all brackets; one sign fewer than sides.
void split_relations(std::string_view text, std::vector<std::string>& sides, std::vector<std::string>& signs);

// x, x_1, \theta.
bool is_name(std::string_view text);
// f(x), P(A).
bool is_call(std::string_view text);

// The cells of \begin{...matrix}...\end{...} row by row; returns the number of columns, 0 where it is no
// matrix.
std::size_t split_matrix(std::string_view text, std::vector<std::string>& cells);

// `text` without a unit (\text{cm}, cm, dollars) and a per cent sign at its end.
std::string_view without_unit(std::string_view text, std::string& unit, bool& percent);

}  // namespace caravan::data
