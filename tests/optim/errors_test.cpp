// SPDX-License-Identifier: Apache-2.0
// What [method] and [schedule] refuse, and what the message says.
#include "tests/optim/serial_oracle.hpp"

namespace talweg::test {
namespace {

using optim::Need;

/// The message with which `build` refuses the table; "" when it does not.
template <class Build>
std::string refusal(const std::string& table, std::string lines, Build build) {
  std::ranges::replace(lines, ';', '\n');
  const auto config = base::Config::parse("[" + table + "]\n" + lines + "\n", "run.toml");
  try {
    build(config.section(table));
  } catch (const base::Error& e) {
    EXPECT_EQ(e.code(), base::ExitCode::bad_config) << e.what();
    return e.what();
  }
  return "";
}

void expect_method(const std::string& lines, const std::vector<std::string>& parts) {
  const std::string message = refusal("method", lines, [](const base::Section& s) { optim::build_method(s); });
  for (const std::string& part : parts) EXPECT_NE(message.find(part), std::string::npos) << lines << "\n said: " << message;
}

void expect_schedule(const std::string& lines, const std::vector<std::string>& parts) {
  const std::string message = refusal("schedule", lines, [](const base::Section& s) { optim::build_schedule(s); });
  for (const std::string& part : parts) EXPECT_NE(message.find(part), std::string::npos) << lines << "\n said: " << message;
}

TEST(MethodErrors, NamePlaceKeyAndWhatIsAllowed) {
  expect_method("name = \"adma\"", {"run.toml:2:", "method.name", "\"adma\"", "\"adam\""});
  expect_method("name = \"svrg\"; rule = \"lbfgs\"", {"run.toml:3:", "method.rule", "\"lbfgs\"", "sgd"});
  expect_method("name = \"sgd\"; lr = -0.1", {"run.toml:3:", "method.lr", "-0.1", "(0, "});
  expect_method("name = \"sgd\"; weight_decay = -1.0", {"method.weight_decay", "-1", "[0, "});
  expect_method("name = \"adam\"; beta2 = 1.0", {"method.beta2", "1", "[0, 1)"});
  expect_method("name = \"adam\"; dialect = \"tf2\"", {"method.dialect", "\"tf2\"", "tf1"});
  expect_method("name = \"sgd\"; clip_global_norm = -1.0", {"method.clip_global_norm", "-1"});
  expect_method("name = \"adam\"; noise = \"langevin\"", {"run.toml:3:", "method.noise", "rule adam", "rule sgd"});
  expect_method("name = \"sgd\"; noise = \"sphere\"; accumulate = 2", {"method.accumulate", "2 beside noise", "1"});
  expect_method("name = \"sgd\"; clip_norm = 1.0; clip_value = 2.0", {"method.clip_value", "beside clip_norm", "one way"});
  expect_method("name = \"ftrl\"; decoupled_weight_decay = 0.1", {"method.decoupled_weight_decay", "l2_shrinkage"});
  expect_method("name = \"adagrad_da\"; lookahead = 5", {"method.lookahead", "makes x anew"});
  expect_method("name = \"nesterov\"; form = \"look_ahead\"; lookahead = 5", {"method.lookahead", "stored"});
  expect_method("name = \"adagrad\"; dialect = \"tf1\"; initial_accumulator = 0.0", {"method.initial_accumulator", "(0, "});
  expect_method("name = \"momentum\"; dialect = \"keras\"; dampening = 0.3", {"method.dampening", "without it"});
  expect_method("name = \"schedule_free_sgd\"; decoupled_weight_decay = 0.1",
                {"method.decoupled_weight_decay", "weight_decay"});
  expect_method("name = \"prodigy\"; growth_rate = 0.5", {"method.growth_rate", "0.5", "at least 1"});
  expect_method("name = \"prodigy\"; dialect = \"paper\"; growth_rate = 1.5; d0 = 0.0", {"method.d0", "(0, "});
  expect_method("name = \"lbfgs\"; memory = 0", {"method.memory", "0", "[1, 100]"});
  expect_method("name = \"svrg\"; snapshot_every = 0.0", {"method.snapshot_every", "0", "(0, "});
  expect_method("name = \"pgd\"; mode = \"theory\"", {"method.smoothness", "nothing"});
  expect_method("name = \"pgd\"; noise_interval = 0", {"method.noise_interval", "0", "[1, "});
}

TEST(MethodErrors, NesterovWantsNoDampening) {
  expect_method("name = \"momentum\"; nesterov = true; dampening = 0.3",
                {"run.toml:4:", "method.dampening", "0.3 beside nesterov = true", "expected 0"});
  for (const char* dialect : {"torch", "paper", "keras"})
    expect_method(fmt::format("name = \"adam\"; dialect = \"{}\"; nesterov = true", dialect),
                  {"method.nesterov", "tf1 and optax", "nadam"});
  EXPECT_EQ(refusal("method", "name = \"momentum\"; nesterov = true", [](const base::Section& s) { optim::build_method(s); }),
            "");
}

/// The message with which a run that offers this refuses the method; "" when it does not.
std::string needs_refusal(const std::string& lines, const optim::Offer& offer) {
  return refusal("method", lines, [&](const base::Section& s) { optim::check_needs(s, *optim::build_method(s), offer); });
}

TEST(MethodErrors, BlameTheRuleWhereItIsTheRules) {
  const optim::Offer l1 = offer_without({Need::full_batch, Need::smooth_omega});
  const std::string message = needs_refusal("name = \"svrg\"; rule = \"nadam\"", l1);
  EXPECT_NE(message.find("run.toml:3:"), std::string::npos) << message;
  EXPECT_NE(message.find("method.rule: found \"nadam\""), std::string::npos) << message;
  EXPECT_NE(message.find("these fit this run: sgd"), std::string::npos) << message;
  EXPECT_EQ(message.find("fista"), std::string::npos) << "no rule: " << message;
  EXPECT_EQ(needs_refusal("name = \"svrg\"; rule = \"sgd\"", l1), "");
}

TEST(MethodErrors, NameOnlyWhatFitsTheRun) {
  // l1 on a network, in minibatches counted in epochs.
  const optim::Offer network =
      offer_without({Need::full_batch, Need::smooth_omega, Need::convex, Need::strongly_convex, Need::linear}, 0);
  const std::string message = needs_refusal("name = \"nadam\"", network);
  const std::string fit = message.substr(message.find("these fit this run: "));
  for (const char* name : {": sgd,", " adagrad,", " svrg,"}) EXPECT_NE(fit.find(name), std::string::npos) << name << fit;
  for (const char* name : {" fista,", " proximal_gradient,", " owlqn,", " saga,", " katyusha,", " rspg,", " adagrad_da,"})
    EXPECT_EQ(fit.find(name), std::string::npos) << name << " does not fit: " << fit;
}

TEST(MethodErrors, SayOneThingAboutAnLMaxThatIsNotKnown) {
  const optim::Offer network = offer_without({Need::convex, Need::strongly_convex, Need::linear});
  const std::string convex = needs_refusal("name = \"fista\"; lr = \"1/L_max\"", network);
  EXPECT_NE(convex.find("a convex F"), std::string::npos) << convex;
  EXPECT_EQ(convex.find("L_max"), std::string::npos) << "a number for lr would not help: " << convex;
  const std::string linear = needs_refusal("name = \"gd\"; lr = \"1/L_max\"", network);
  EXPECT_NE(linear.find("L_max"), std::string::npos) << linear;
}

TEST(MethodErrors, LangevinNoiseTakesNoNonSmoothOmega) {
  const std::string lines = "name = \"sgd\"; noise = \"langevin\"";
  EXPECT_EQ(needs_refusal(lines, offer_without({Need::full_batch})), "");
  const std::string message = needs_refusal(lines, offer_without({Need::full_batch, Need::smooth_omega}));
  EXPECT_NE(message.find("langevin"), std::string::npos) << message;
  EXPECT_NE(message.find("smooth Omega"), std::string::npos) << message;
}

TEST(ScheduleErrors, NamePlaceKeyAndWhatIsAllowed) {
  expect_schedule("kind = \"cosin\"", {"run.toml:2:", "schedule.kind", "\"cosin\"", "\"cosine\""});
  expect_schedule("kind = \"exponential\"; rate = 0.0", {"schedule.rate", "0", "(0, 1]"});
  expect_schedule("kind = \"exponential\"; every = 0.0", {"schedule.every", "0", "(0, "});
  expect_schedule("kind = \"cosine\"; final = 1.5", {"schedule.final", "1.5", "[0, 1]"});
  expect_schedule("warmup = -1.0", {"schedule.warmup", "-1", "[0, "});
}

}  // namespace
}  // namespace talweg::test
