// SPDX-License-Identifier: Apache-2.0
// The texts of `talweg template`. Every one parses as it is (a test checks that); the user replaces the paths.
#include <array>

#include "control/template.hpp"

namespace talweg::control {
namespace {

constexpr std::string_view kDigits = R"(# Handwritten digits: a small neural network on the data that comes with Talweg.
# From the top of the source tree:  talweg template digits > run.toml && talweg train run.toml

[data]
train = {path = "configs/data/digits.csv.gz", label_column = "last"}   # 8x8 images, one per line, then the digit
holdout = 0.2                      # a fifth is kept aside to measure the model on
transform = "divide:16"            # pixels 0..16 become 0..1

[model]
kind = "mlp"                       # multilayer perceptron; "linear" has no hidden layer
hidden = [128]                     # units of each hidden layer
activation = "relu"                # or tanh, gelu, ...: see `talweg methods`
loss = "cross_entropy"             # classes

[method]
name = "adam"                      # `talweg methods adam` tells its hyperparameters
lr = 3e-3

[schedule]
kind = "cosine"                    # of the learning rate; leave the table out to keep it constant

[run]
epochs = 20                        # passes over the training examples
batch = 64                         # examples per step
seed = 1                           # same seed, same bits: on any number of ranks and threads

[stop]
metric = "valid_accuracy"          # the best parameters by this figure are kept in checkpoints/best.h5
)";

constexpr std::string_view kSoftmax = R"(# Softmax regression: several classes, a linear model, a convex problem.
# CSV: one example per line, numbers, with the class in one of the columns.

[data]
train = {path = "train.csv", label_column = "last"}   # first | last | a header's name | a 0-based index
# test = {path = "test.csv", label_column = "last"}   # measured too, never trained on
holdout = 0.2                      # fraction kept aside; or give valid = {path = "..."}
transform = "standardize"          # mean 0, variance 1, from the training part; stored with the model

[model]
kind = "linear"
loss = "cross_entropy"

[regularizer]
l2 = 1e-4                          # (l2/2) |w|^2 makes the minimum unique

[method]
name = "adam"
lr = 1e-2

[run]
epochs = 30
batch = 64                         # "full": every step sees all examples
seed = 1

[stop]
patience = 5                       # stop after 5 evaluations without a better valid_loss
)";

constexpr std::string_view kLogistic =
    R"(# Logistic regression: two classes, sparse features, solved to high precision with L-BFGS.
# LIBSVM: "label index:value index:value ...", indices from 1; labels 0/1 or -1/+1.

[data]
train = {path = "train.libsvm", format = "libsvm"}
# test = {path = "test.libsvm", format = "libsvm"}

[model]
kind = "linear"
loss = "logistic"

[regularizer]
l2 = 1e-4                          # (l2/2) |w|^2; the bias is left alone unless include_bias = true

[method]
name = "lbfgs"                     # deterministic: wants the full batch; no learning rate to choose
memory = 10                        # curvature pairs kept

[run]
steps = 500
batch = "full"
precision = "float64"              # float32 would end near |grad F| = 1e-6
seed = 1

[stop]
gradient_norm = 1e-8               # the run ends when |grad F| over all examples is this small
)";

constexpr std::string_view kSparse =
    R"(# Sparse logistic regression (lasso): l1 sets the weights of useless features to exactly zero, through the prox step.

[data]
train = {path = "train.libsvm", format = "libsvm"}
holdout = 0.2

[model]
kind = "linear"
loss = "logistic"

[regularizer]
l1 = 1e-3                          # l1 |w|_1: more of it, fewer features
# group_lasso = 1e-3               # with several classes: a feature's weights vanish for all of them together

[method]
name = "sgd"                       # every first-order rule takes its prox step after its gradient step
lr = 0.1

[schedule]
kind = "cosine"

[run]
epochs = 20
batch = 64
seed = 1
)";

constexpr std::string_view kMlp = R"(# A multilayer perceptron on images in IDX files (the format of MNIST).

[data]
train = {path = "train-images-idx3-ubyte.gz", labels = "train-labels-idx1-ubyte.gz", format = "idx"}
test = {path = "t10k-images-idx3-ubyte.gz", labels = "t10k-labels-idx1-ubyte.gz", format = "idx"}
holdout = 0.1                      # of train, for choosing the best parameters; test is only reported
transform = "divide:255"           # pixels 0..255 become 0..1

[model]
kind = "mlp"
hidden = [512, 512]
activation = "relu"
loss = "cross_entropy"
# dropout = 0.2                    # chance that a hidden unit is left out of a step; or a list, one for each layer

[regularizer]
l2 = 1e-5

[method]
name = "adam"
lr = 1e-3

[schedule]
kind = "cosine"
warmup = 0.5                       # epochs in which the learning rate grows from 0

[run]
epochs = 10
batch = 256
seed = 1

[stop]
metric = "valid_accuracy"
patience = 5                       # evaluations without a new best

[checkpoint]
every_seconds = 60                 # what a kill can cost at most
keep = 2                           # newest checkpoints kept, best.h5 apart

[trace]
evaluate_every = 1                 # epochs between evaluations
)";

constexpr std::string_view kRegression = R"(# Regression: a number to predict, a network with smooth activations.
# CSV: one example per line, the number to predict in one of the columns.

[data]
train = {path = "train.csv", label_column = "last"}   # first | last | a header's name | a 0-based index
holdout = 0.2
transform = "standardize"          # of the features, from the training part; targets stay as they are

[model]
kind = "mlp"                       # "linear" with loss = "squared" is least squares
hidden = [64, 64]
activation = "tanh"
loss = "squared"                   # "huber" does not mind outliers

[method]
name = "adam"
lr = 1e-3

[run]
epochs = 100
batch = 64
seed = 1

[stop]
patience = 10                      # evaluations without a better valid_loss
)";

constexpr std::array kTemplates = {
    ConfigTemplate{"digits", "a small network on the digits that come with Talweg", kDigits},
    ConfigTemplate{"softmax", "several classes, linear model, CSV", kSoftmax},
    ConfigTemplate{"logistic", "two classes, linear model, sparse LIBSVM file, L-BFGS", kLogistic},
    ConfigTemplate{"sparse", "two classes, l1: few features get a weight", kSparse},
    ConfigTemplate{"mlp", "a network on images in IDX files, as MNIST", kMlp},
    ConfigTemplate{"regression", "a number to predict, CSV", kRegression},
};

}  // namespace

std::span<const ConfigTemplate> config_templates() { return kTemplates; }

}  // namespace talweg::control
