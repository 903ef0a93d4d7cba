// SPDX-License-Identifier: Apache-2.0
#include "optim/accelerated.hpp"
#include "talweg/method.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kAgdRule = R"(
x_t = y_{t-1} - s grad F(y_{t-1})
y_t = x_t + b_t (x_t - x_{t-1})
form = "convex":           b_t = (k_{t-1} - 1) / k_t,  k_t = (1 + sqrt(1 + 4 k_{t-1}^2)) / 2
form = "strongly_convex":  b = (1 - sqrt(mu s)) / (1 + sqrt(mu s))
restart = "gradient":  k = 1, y = x where g'(x_t - x_{t-1}) > 0
restart = "function":  the same where F rose
)";

std::unique_ptr<Method> make_agd(const base::Section& s) { return std::make_unique<Accelerated>(s, "agd", true); }

}  // namespace

extern const Entry entry_agd;
const Entry entry_agd{
    .name = "agd",
    .title = "Accelerated gradient descent (Nesterov), with restarts",
    .rule = text_of(kAgdRule),
    .source =
        "Nesterov, Soviet Math. Dokl. 27 (1983), and Introductory Lectures (2004), 2.2; restarts: O'Donoghue & Candes, Found. "
        "Comput. Math. 15 (2015)",
    .cost = "n gradients; n values for each length of a search, and for a restart by function",
    .guarantee =
        "convex F, s = 1/L: F(x_N) - F* <= 2 L |x_0 - x*|^2 / (N + 1)^2; no method whose steps are combinations of gradients "
        "does better than 3 L |x_0 - x*|^2 / (32 (N + 1)^2) for N <= (d - 1) / 2. mu-strongly convex: F(x_N) - F* <= (1 - "
        "sqrt(mu/L))^N (F(x_0) - F* + mu |x_0 - x*|^2 / 2). Restarts: no rate for general F; near a strongly convex minimum as "
        "fast as with mu known, observed and argued on quadratics",
    .make_method = make_agd,
};

}  // namespace talweg::optim
