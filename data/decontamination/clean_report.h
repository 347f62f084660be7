// Proof that a file was searched: the report of the run that wrote it.
#pragma once

#include <string>
#include <vector>

namespace caravan::data {

// Throws data::Error(kUnsafe) unless `report` (a report.json of `caravan data decontaminate`, or its folder)
// says that every one of `files` is the clean file it wrote, byte for byte (SHA-256). The report of a mix
// counts where each of its inputs is a clean file of a search whose report lies in a folder beside its own.
// Throws kInputOutput where something cannot be read.
void require_clean(const std::string& report, const std::vector<std::string>& files);

}  // namespace caravan::data
