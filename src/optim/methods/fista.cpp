// SPDX-License-Identifier: Apache-2.0
#include "optim/accelerated.hpp"
#include "talweg/method.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kFistaRule = R"(
x_t = prox_{s Omega}(y_{t-1} - s grad f(y_{t-1}))
y_t = x_t + ((k_{t-1} - 1) / k_t) (x_t - x_{t-1}),  k_t = (1 + sqrt(1 + 4 k_{t-1}^2)) / 2
form, restart: as in agd; the gradient test has y_{t-1} - x_t for g
search = "backtracking": as in proximal_gradient
)";

std::unique_ptr<Method> make_fista(const base::Section& s) { return std::make_unique<Accelerated>(s, "fista", false); }

}  // namespace

extern const Entry entry_fista;
const Entry entry_fista{
    .name = "fista",
    .title = "FISTA: fast iterative shrinkage-thresholding, with restarts",
    .rule = text_of(kFistaRule),
    .source = "Beck & Teboulle, SIAM J. Imaging Sci. 2 (2009); restarts: O'Donoghue & Candes, Found. Comput. Math. 15 (2015)",
    .cost = "n gradients; n values for each length of a search, and for a restart by function",
    .guarantee =
        "f convex with L-Lipschitz gradient, s = 1/L: F(x_N) - F* <= 2 a L |x_0 - x*|^2 / (N + 1)^2, a = 1, with backtracking "
        "1/shrink (theorem 4.4). The iterates are not known to converge; restarts have no rate for general F",
    .make_method = make_fista,
};

}  // namespace talweg::optim
