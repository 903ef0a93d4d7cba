// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "base/random.hpp"
#include "optim/estimator.hpp"
#include "talweg/method.hpp"

namespace talweg::optim {
namespace {

constexpr std::string_view kPageRule = R"(
g_1 = grad F(x_0)
g_t = grad F(x_{t-1})                                           with probability p
      grad F_B(x_{t-1}) - grad F_B(x_{t-2}) + g_{t-1}           else
then the rule named by `rule`. p = b / (n + b) unless refresh_probability is given. refresh_every = q takes the full
gradient every q steps instead: SpiderBoost (Wang, Ji, Zhou, Liang & Tarokh 2019). The original SPIDER (Fang, Li, Lin &
Zhang 2018), which has to be told the accuracy eps it is to reach, is that under clip_global_norm = 2 eps with
lr = 1 / (2 L n_0).
)";

class Page final : public Estimator {
 public:
  explicit Page(const base::Section& s)
      : probability_(s.number("refresh_probability", 0.0, base::Range::unit(), "of a full gradient; 0: b / (n + b)")),
        every_(s.integer("refresh_every", 0, base::Range::non_negative(),
                         "steps from one full gradient to the next, as in SpiderBoost; 0: by chance")) {
    if (probability_ > 0 && every_ > 0)
      s.fail("refresh_every", std::to_string(every_) + " beside refresh_probability", "one of the two");
  }

  void declare(math::StateLayout& layout, const math::ParameterLayout&) const override {
    layout.vector("page.gradient");  // g_{t-1}
    layout.vector("page.point");     // x_{t-2}
  }

  Cost cost(const CostPoint& p) const override {
    return {.gradients = refreshes(p.step, p.seed, p.n, p.batch) ? p.n : 2 * p.batch};
  }

  Estimate estimate(StepContext& context) const override {
    const Vector gradient = context.state.vector("page.gradient");
    const Vector point = context.state.vector("page.point");
    Oracle& oracle = context.oracle;
    const Batch batch = oracle.draw(static_cast<std::uint64_t>(context.progress.step));
    Estimate estimate{.request = {}, .keep_gradient = gradient, .keep_point = point};
    if (refreshes(context.progress.step, context.progress.seed, static_cast<std::int64_t>(oracle.all().size),
                  static_cast<std::int64_t>(batch.size))) {
      estimate.request = {.terms = {{1.0, context.x()}}, .shifts = {}, .batch = oracle.all()};
    } else {
      estimate.request = {.terms = {{1.0, context.x()}, {-1.0, point}}, .shifts = {{1.0, gradient}}, .batch = batch};
    }
    return estimate;
  }

 private:
  static constexpr std::uint64_t kCoin = ~0ULL - 1;  // no element of a vector has this offset

  bool refreshes(std::int64_t step, std::uint64_t seed, std::int64_t n, std::int64_t batch) const {
    if (step == 0) return true;
    if (every_ > 0) return step % every_ == 0;
    const double p = probability_ > 0 ? probability_ : static_cast<double>(batch) / static_cast<double>(n + batch);
    return base::Random(seed, base::Purpose::noise).uniform(static_cast<std::uint64_t>(step), kCoin) < p;
  }

  double probability_;
  std::int64_t every_;
};

}  // namespace

extern const Entry entry_page;
const Entry entry_page{
    .name = "page",
    .title = "PAGE: probabilistic gradient estimator",
    .rule = text_of(kPageRule),
    .source =
        "Li, Bao, Zhang & Richtarik, ICML 2021, arXiv:2008.10898; refresh_every: Wang, Ji, Zhou, Liang & Tarokh, NeurIPS 2019, "
        "arXiv:1810.10690; SPIDER: Fang, Li, Lin & Zhang, NeurIPS 2018, arXiv:1807.01695",
    .cost = "2 b gradients; n instead at each full gradient",
    .guarantee =
        "f_i with L-Lipschitz gradients in the mean square, rule sgd, b <= sqrt n, lr <= 1 / (L (1 + sqrt(1 - p) / sqrt(p "
        "b))): n + O(sqrt n L D / eps^2) gradients for a random iterate with E |grad F| <= eps, which is optimal for n = "
        "O(eps^-4)",
    .make_estimator = make<Page, Estimator>,
};

}  // namespace talweg::optim
