// What all vectors of an embedder have in common, and how to take it away.
//
// Hidden states of a language model lie in a narrow cone: any two texts have a cosine near 1, because a few
// directions carry most of every vector and tell of its kind, not of what it says. The mean of the evaluation
// items and their leading principal directions are such (Mu and Viswanath, arXiv 1702.01417); without them
// the cosine of two texts that have nothing in common is near 0. A function of the items' vectors alone.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace caravan::data {

class CommonDirections {
 public:
  // With fewer vectors than this nothing can be learned from them, and nothing is taken away.
  static constexpr std::size_t kFewestVectors = 64;

  // Unit vectors of `width` numbers, one after the other. Learns one direction for twenty dimensions, and at
  // most one for eight vectors.
  CommonDirections(std::span<const float> vectors, std::size_t width);

  // Takes them away and makes the vector unit length again; zero where nothing else is in it.
  void remove(std::span<float> vector) const;
  std::size_t num_directions() const { return width_ == 0 ? 0 : directions_.size() / width_; }

 private:
  void find(const std::vector<double>& centred);
  void make_orthonormal();

  std::size_t width_;
  std::vector<double> mean_;        // empty: nothing is taken away
  std::vector<double> directions_;  // orthonormal
};

}  // namespace caravan::data
