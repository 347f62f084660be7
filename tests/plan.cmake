test_program(plan_tests SOURCES plan/plan_test.cpp plan/rollout_plan_test.cpp)
