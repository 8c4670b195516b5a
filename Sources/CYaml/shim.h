// libyaml of Debian 12 (0.2.5): a pull parser that knows line and column of every scalar.
#pragma once
#include <yaml.h>
