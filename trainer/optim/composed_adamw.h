// AdamW's arithmetic composed of LibTorch's operations, for tensors of any device: what runs where cpu/ has
// no kernel, and in the tests the other side of the comparison. Temporaries are as large as the range:
// callers go piece by piece.
#pragma once

#include <ATen/core/Tensor.h>

#include "trainer/optim/cpu/adamw_kernel.h"

namespace caravan::trainer {

// As cpu::adamw_range on [P] of one device: values and gradients fp32 or bf16, moments fp32, `remainder`
// int16, undefined for fp32 values. Gradients are left at zero.
void adamw_composed(const at::Tensor& values, const at::Tensor& remainder, const at::Tensor& first_moment,
                    const at::Tensor& second_moment, const at::Tensor& gradients,
                    const cpu::AdamWConstants& constants);

// The fp32 bits of bf16 values plus remainder, and back. Exact.
at::Tensor join_master(const at::Tensor& values, const at::Tensor& remainder);
void split_master(const at::Tensor& master, const at::Tensor& values, const at::Tensor& remainder);

}  // namespace caravan::trainer
