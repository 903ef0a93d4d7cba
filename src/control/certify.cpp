// SPDX-License-Identifier: Apache-2.0
#include "control/certificate_view.hpp"
#include "control/command.hpp"

namespace talweg::control {
namespace {

struct Options {
  std::string run;
  bool best = false;
  bool json = false;
  train::CertifyOptions certify;
};

base::ExitCode run_certify(Context& context, const Options& options) {
  comm::Communicator& comm = context.world();
  const auto file = context.shared_checkpoint(options.run, options.best);
  const train::Certificate certificate = train::certify(file, options.certify, comm, context.log());
  if (comm.coordinator()) print(options.json ? certificate_json(certificate) : certificate_text(certificate));
  return base::ExitCode::finished;
}

Action declare(Arguments& arguments) {
  arguments.footer(
      "Examples:\n"
      "  talweg certify configs/runs/digits_mlp\n"
      "  mpirun -n 2 talweg certify run/checkpoints/step-000001200.h5 --gradient-tolerance 1e-4\n"
      "Critical: |grad F| <= epsilon. Saddle: an eigenvalue of the Hessian below -delta. Local minimum: the chance\n"
      "that curvature below -delta was missed is at most 1 %. Anything else is reported as undecided.");
  auto options = std::make_shared<Options>();
  arguments.add("run", options->run, "run directory or checkpoint").required();
  arguments.flag("--best", options->best, "the best parameters instead of the last");
  arguments.add("--gradient-tolerance", options->certify.gradient_tolerance, "epsilon (default 1e-3)").check(more_than_zero);
  arguments.add("--curvature-tolerance", options->certify.curvature_tolerance, "delta (default sqrt(epsilon))")
      .check(more_than_zero);
  arguments.add("--iterations", options->certify.iterations, "Lanczos steps at most (default 100)").within(1, 100000);
  arguments.add("--threads", options->certify.threads, "threads per rank").within(1, 4096);
  arguments.flag("--json", options->json, "print JSON");
  return [options](Context& context) { return run_certify(context, *options); };
}

}  // namespace

extern const CommandEntry command_certify;
const CommandEntry command_certify{"certify", "say where a run ended: critical point, local minimum or saddle", true, declare};

}  // namespace talweg::control
