// Memory that one side of the library's border allocates and the other enlarges or frees, in both directions. It is
// compiled by hand with all kinds of flags, so the precision is that of the templates' default.

#include <cstdio>
#include <utility>
#include <uwm/uwm.hpp>

int main() {
  for (const uwm::Index width : {3, 8, 33}) {
    uwm::Network net({4, width, 2});
    uwm::Matrix<> weight = uwm::Matrix<>::Constant(width, 4, 0.5f);
    net.layers()[0].weight = std::move(weight);         // ours, freed by the library
    net.layers()[0].bias = uwm::Vector<>::Ones(width);  // theirs, written by us
    uwm::Network copy = net;                            // theirs, freed by us
    net = copy;

    uwm::Sample sample;  // ours, enlarged by the library
    uwm::Adam adam({0.01});
    const uwm::UnbiasedWeightMax rule;
    uwm::Gradient gradient;
    for (const uwm::Index batch : {1, 7, 64, 5}) {
      const uwm::Matrix<> x = uwm::Matrix<>::Random(batch, 4);
      net.forward(x, sample);
      const uwm::Vector<double> reward = uwm::Vector<double>::LinSpaced(batch, -1, 1);
      rule.gradient(net, sample, reward, gradient);
      adam.step(net, gradient);
      sample.layers[0].logit.resize(batch + 9, width);  // theirs, enlarged by us
    }

    // Eigen's own types, aligned as this program's flags ask, go in and out.
    const Eigen::MatrixXf columns = Eigen::MatrixXf::Random(6, 4);
    const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> rows = columns;
    const Eigen::MatrixXf output = net.forward(rows).output();
    const Eigen::MatrixXf product = (columns * columns.transpose()).eval();
    if (net.forward(columns).output().rows() != 6 || output.rows() != 6 || !product.allFinite()) return 1;

    uwm::Learner learner(net, rule, adam);
    learner.forward(rows);
    learner.learn(Eigen::VectorXd::Ones(6));

    uwm::Multiplexer task(2);
    uwm::Network trained({6, width, 1});
    uwm::RunningMean mean;
    uwm::train(trained, rule, *std::make_unique<uwm::Adam>(), task, {.steps = 20, .batch_size = 16, .baseline = &mean});
    net = uwm::Network({4, width, 2}, uwm::make_output("gaussian", {{"sigma", 0.5}}));
  }
  std::puts("well");
}
