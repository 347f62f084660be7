#include "models/torch_pch.h"
