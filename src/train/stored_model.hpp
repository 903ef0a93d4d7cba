// SPDX-License-Identifier: Apache-2.0
// What can be done with a finished (or stopped) run besides training on: certify where it ended, evaluate, predict.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/problem.hpp"
#include "talweg/communicator.hpp"
#include "talweg/log.hpp"
#include "talweg/summary.hpp"

namespace talweg::train {

/// A run directory's newest intact checkpoint (or best.h5 when `best`), or the checkpoint file itself.
/// Error(input_missing) when there is none.
std::filesystem::path find_checkpoint(const std::filesystem::path& run_or_file, bool best, const base::Log& log);

struct CertifyOptions {
  double gradient_tolerance = 1e-3;  // epsilon: critical when |grad F| <= epsilon
  double curvature_tolerance = 0;    // delta; 0: sqrt(epsilon) (rho = 1)
  int iterations = 100;              // Lanczos steps at most; fewer only once curvature below -delta is found
  int threads = 0;
};

/// The largest chance of having missed curvature with which a verdict is still given.
inline constexpr double kAllowedDoubt = 0.01;

enum class Verdict { not_critical, local_minimum, saddle, undecided };

/// Where a run ended. Gradient and Hessian of F over all training examples; with a non-smooth Omega the gradient is the
/// prox-gradient x - prox(x - grad) and the Hessian that of the smooth part.
struct Certificate {
  std::string file;
  std::int64_t step = 0;
  double gradient_norm = 0;
  double smallest_eigenvalue = 0;  // Rayleigh quotient: the true smallest eigenvalue is not larger
  double residual = 0;             // |H v - lambda v|: some eigenvalue lies within it
  double largest_eigenvalue = 0;
  int hvps = 0;             // Hessian-vector products over all examples
  double doubt = 1;         // bound of the chance that curvature below -delta was missed (optim::chance_of_missing)
  double convex_doubt = 1;  // the same for curvature below 0
  bool exhausted = false;   // the Krylov space was spanned
  bool smooth = true;       // false: relu and the like, curvature of the active pieces
  double gradient_tolerance = 0;
  double curvature_tolerance = 0;
  Verdict verdict = Verdict::undecided;
};

Certificate certify(const std::filesystem::path& checkpoint, const CertifyOptions& options, comm::Communicator& comm,
                    const base::Log& log);
/// The verdict that these figures allow.
Verdict judge(const Certificate& figures);

/// Data given on a command line; `labels` is empty when they are in the file or in the one named as that of the training data.
struct OtherData {
  std::filesystem::path path;
  std::filesystem::path labels;
};

/// Figures of a stored model on other data ("data_loss", ...). Collective.
Figures evaluate_stored(const std::filesystem::path& checkpoint, const OtherData& data, int threads, comm::Communicator& comm);

/// Outputs of a stored model on other data. One rank.
engine::Predictions predict_stored(const std::filesystem::path& checkpoint, const std::filesystem::path& data);

}  // namespace talweg::train
