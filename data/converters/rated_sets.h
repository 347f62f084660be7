// Answers with ratings or ranks, from which a pair is picked: best against worst.
//
// A tie gives no pair. ConvertOptions::margin and min_score drop pairs that are too close or not good enough.
#pragma once

#include "data/converters/converter.h"

namespace caravan::data {

// prompt, answers: [{answer, rank}]; one turn only.
bool fits_nectar(const JsonValue& row);
void convert_nectar(const JsonValue& row, Conversion& out);
// instruction, completions: [{response, annotations: {ASPECT: {Rating}}}]; the mean of four aspects.
bool fits_ultrafeedback(const JsonValue& row);
void convert_ultrafeedback(const JsonValue& row, Conversion& out);
// prompt, response and five ratings a row; rows of one prompt belong together.
bool fits_helpsteer2(const JsonValue& row);
GroupedRow read_helpsteer2(const JsonValue& row, RowNotes& notes);
std::vector<GroupVerdict> group_helpsteer2(const std::vector<GroupedRow>& rows,
                                           const ConvertOptions& options);

}  // namespace caravan::data
