// Published sets of conversations: each differs from the generic layouts in its keys or in what is left out.
#pragma once

#include "data/converters/converter.h"

namespace caravan::data {

// Sets whose rows are read as a generic layout, known by further keys.
bool fits_no_robots(const JsonValue& row);
bool fits_numinamath(const JsonValue& row);
bool fits_persona(const JsonValue& row);
bool fits_tablegpt(const JsonValue& row);
bool fits_flan(const JsonValue& row);
bool fits_aya(const JsonValue& row);
bool fits_coconot(const JsonValue& row);
bool fits_wildguardmix(const JsonValue& row);

bool fits_wildchat(const JsonValue& row);
void convert_wildchat(const JsonValue& row, Conversion& out);
// conversations: [text, text, ...], user first
bool fits_lima(const JsonValue& row);
void convert_lima(const JsonValue& row, Conversion& out);
bool fits_daring_anteater(const JsonValue& row);
void convert_daring_anteater(const JsonValue& row, Conversion& out);
bool fits_sciriff(const JsonValue& row);
void convert_sciriff(const JsonValue& row, Conversion& out);
bool fits_openmathinstruct(const JsonValue& row);
void convert_openmathinstruct(const JsonValue& row, Conversion& out);
bool fits_openorca(const JsonValue& row);
void convert_openorca(const JsonValue& row, Conversion& out);
bool fits_dolly(const JsonValue& row);
void convert_dolly(const JsonValue& row, Conversion& out);
bool fits_self_instruct(const JsonValue& row);
void convert_self_instruct(const JsonValue& row, Conversion& out);
bool fits_wildjailbreak(const JsonValue& row);
void convert_wildjailbreak(const JsonValue& row, Conversion& out);

}  // namespace caravan::data
