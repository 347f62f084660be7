// Which commit this program was built from.
#pragma once

namespace caravan::recipes {

// Twelve digits, "+changes" behind them where tracked files differed at the build; empty where there was no
// git checkout. The definition is written by build_commit.cmake at each build.
const char* build_commit();

}  // namespace caravan::recipes
