#pragma once

/// uwm: local learning rules for networks of stochastic units.

#include "uwm/array.hpp"
#include "uwm/baseline.hpp"
#include "uwm/checkpoint.hpp"
#include "uwm/error.hpp"
#include "uwm/learner.hpp"
#include "uwm/matrix.hpp"
#include "uwm/network.hpp"
#include "uwm/optimizer.hpp"
#include "uwm/output.hpp"
#include "uwm/random.hpp"
#include "uwm/rule.hpp"
#include "uwm/rules.hpp"
#include "uwm/sample.hpp"
#include "uwm/simd.hpp"
#include "uwm/task.hpp"
#include "uwm/threads.hpp"
#include "uwm/train.hpp"
