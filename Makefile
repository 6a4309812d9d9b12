# Every check and command a person runs; CI runs the same ones. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c

# Where there is no Docker: a script that starts a cluster, builds images and loads them.
CLUSTER ?= ../shared/cluster/cluster
BUILDER ?= $(wildcard $(CLUSTER))
# Such a machine has no image to build Helm in, so its own goes into the operator's.
HELM ?= $(if $(filter $(wildcard $(CLUSTER)),$(BUILDER)),$(shell $(CLUSTER) program helm.sh/helm/v4/cmd/helm@v4.3.1 helm))

VENV := .venv
PYTHON := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
ARGS ?=

##@ Use it
# Every call between services encrypted, both sides with a certificate of a throw-away authority.
ifdef MTLS
export MESH_MTLS := strict
endif

run: $(INSTALLED) ## start the whole platform here: stores, ten services, a mailbox; Ctrl-C stops it (MTLS=1, OBSERVE=1)
	@$(PYTHON) -m services run $(ARGS)

demo: $(INSTALLED) ## the same platform plus a sale with a verdict (BUYERS=2000 SEED=1)
	@mkdir -p build && $(PYTHON) -m services demo --log build/demo.log --buyers $(or $(BUYERS),2000) --seed $(or $(SEED),1) $(ARGS)

bench: $(INSTALLED) ## bookings per second, end to end, with the same verdict (BUYERS=800 FOR=20 seconds)
	@mkdir -p build && $(PYTHON) -m services bench --log build/bench.log --buyers $(or $(BUYERS),800) --seconds $(or $(FOR),15) $(ARGS)

bench-overload: $(INSTALLED) ## five times the orders it can decide: the curve as a table and docs/images/overload.png (FOR=15 seconds a pace)
	@mkdir -p build && $(PYTHON) -m tests.load.overload --seconds $(or $(FOR),15) $(ARGS)

bench-mesh: $(INSTALLED) ## what certificates, authorization and auth's word add to the CPU of a call, off and strict in turns (ROUNDS=30)
	@$(PYTHON) -m tests.load.bench_mesh --rounds $(or $(ROUNDS),30) $(ARGS)

bench-observe: $(INSTALLED) ## what Prometheus and traces at 10 % take of the bookings a second, off and on in turns (ROUNDS=6)
	@$(PYTHON) -m tests.load.bench_observe --rounds $(or $(ROUNDS),6) $(ARGS)

dashboards: $(INSTALLED) ## a sale watched by Prometheus, and each dashboard drawn after it: docs/images/dashboard-….png
	@mkdir -p build && $(PYTHON) -m tests.load.dashboards $(ARGS)

dashboard-operator: $(INSTALLED) ## the operator's dashboard, drawn from the one that runs in KUBECONFIG's cluster (FOR=600 seconds of watching)
	@$(PYTHON) -m tests.cluster.operator_picture --seconds $(or $(FOR),600)

rehearsal: $(INSTALLED) ## the sale while everything breaks, with a verdict (BUYERS=3000 SEED=1 FAULTS=40)
	@$(PYTHON) -m tests.load.rehearsal --buyers $(or $(BUYERS),3000) --seed $(or $(SEED),1) --faults $(or $(FAULTS),40) $(ARGS)

frontend: ## build the web app (Node 20 or newer)
	@node services/frontend/run.mjs --build

bench-map: $(INSTALLED) frontend ## frames a second of the seat map in Chromium while others buy
	@RATE_LIMIT_BOOKINGS_PER_MIN=0 tests/browser/run --bench

##@ Check it
test: lint test-unit test-charts test-integration test-observe test-rehearsal ## what CI runs first: all that needs neither Node nor a cluster

test-unit: $(INSTALLED) ## no network: domain, handlers, layout
	@$(PYTHON) -m pytest -q tests/unit tests/layout $(ARGS)

test-charts: $(INSTALLED) ## manifests as Helm renders them, the Tiltfile, the kind configuration; no cluster
	@$(PYTHON) -m pytest -q tests/charts $(ARGS)

test-integration: $(INSTALLED) ## real stores, real gRPC, both sides of every contract
	@$(PYTHON) -m pytest -q tests/contract tests/integration --ignore tests/integration/observe $(ARGS)

# Two platforms, one after the other.
test-observe: $(INSTALLED) ## a sale watched by the real Prometheus and an OTLP receiver; then a rehearsal's faults, each seen where it should be
	@$(PYTHON) -m pytest -q tests/integration/observe --ignore tests/integration/observe/faults $(ARGS)
	@$(PYTHON) -m pytest -q tests/integration/observe/faults $(ARGS)

test-rehearsal: $(INSTALLED) ## a short rehearsal: 300 buyers, eight faults, always the same ones
	@$(PYTHON) -m tests.load.rehearsal --buyers 300 --seed 1 --faults 8 --out build/rehearsal-short.json $(ARGS)

test-frontend: ## types and unit tests of the web app (Node 20 or newer)
	@cd services/frontend && npm ci --no-progress && npm run --silent types && npm run --silent check && npm run --silent test

test-browser: $(INSTALLED) frontend ## the whole purchase in Chromium against the running platform (ONLY=pattern)
	@tests/browser/run $(if $(ONLY),'$(ONLY)')

lint: $(INSTALLED) ## style, types, import contracts, fresh stubs, fresh locks
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@PYTHONPATH=operator $(VENV)/bin/lint-imports
	@$(PYTHON) -m protos.generate --check 2>/dev/null

##@ On Kubernetes
images: ## build all images, with docker, buildah or CLUSTER (k8s/images NAME… builds some)
	@BUILDER="$(BUILDER)" HELM="$(HELM)" k8s/images

charts: $(INSTALLED) ## pack all charts into build/charts
	@mkdir -p build/charts && $(PYTHON) -c 'import sys, helm_python; [print(helm_python.package(path, destination="build/charts")) for path in sys.argv[1:]]' \
	  $(filter-out charts/workload/,$(wildcard charts/*/))

kind: ## the platform on a kind cluster, at the table's ports
	@k8s/kind

test-operator: $(INSTALLED) ## the operator's loop against an API server alone: kube-apiserver and etcd on the PATH, or built by CLUSTER
	@$(PYTHON) -m pytest -q tests/cluster/operator --ignore tests/cluster/operator/test_weight.py $(ARGS)

bench-operator: $(INSTALLED) ## what twenty platforms cost the operator: memory, and requests at rest
	@$(PYTHON) -m pytest -q -s tests/cluster/operator/test_weight.py 2>&1 | grep -v 'symbolic link'

# To another version and back: the same images under a second name.
test-cluster: export ALSO = next
test-cluster: $(INSTALLED) cluster images ## on a real cluster: KUBECONFIG's, or one that CLUSTER starts (ONLY=tests/cluster/test_….py, KEEP=1)
	@CLUSTER="$(CLUSTER)" $(PYTHON) -m pytest -q $(or $(ONLY),tests/cluster --ignore tests/cluster/operator --ignore tests/cluster/test_mesh.py --ignore tests/cluster/test_peers.py --ignore tests/cluster/test_keda.py) $(ARGS)

test-cluster-mesh: $(INSTALLED) cluster images ## the mesh's modes and keys change and its pods fall ill while sales run; half an hour by itself
	@CLUSTER="$(CLUSTER)" $(PYTHON) -m pytest -q tests/cluster/test_mesh.py tests/cluster/test_peers.py $(ARGS)

test-cluster-keda: $(INSTALLED) cluster images ## realtime scaled by its sockets, by the real KEDA, while a sale runs; a quarter of an hour, and as long to build it once
	@CLUSTER="$(CLUSTER)" $(PYTHON) -m pytest -q tests/cluster/test_keda.py $(ARGS)

# Images are loaded into it, so it comes first. A kubelet that is quicker than its containerd ends, and with it the first start.
cluster:
	@[ -n "$${KUBECONFIG:-}" ] || [ ! -x "$(CLUSTER)" ] || $(CLUSTER) up || $(CLUSTER) up

##@ Change it
format: $(INSTALLED) ## write the code as the formatter wants it
	@$(VENV)/bin/ruff check --fix-only -q . ; $(VENV)/bin/ruff format .

protos: $(INSTALLED) ## make protos/gen from protos/*.proto
	@$(PYTHON) -m protos.generate

openapi: $(INSTALLED) ## write the API's document where the web app makes its types from
	@$(PYTHON) -m services.gateway.api_document services/frontend/openapi.json
docs: $(INSTALLED) ## make docs/metrics.md and k8s/dashboards from the code
	@PYTHONPATH=operator $(PYTHON) -m observe.metrics_page
	@PYTHONPATH=operator $(PYTHON) -m observe.dashboards

lock: $(INSTALLED) ## compile requirements/*.txt from pyproject.toml
	@requirements/lock

clean: ## remove what was installed and built here
	@rm -rf $(VENV) build services/frontend/.next services/frontend/node_modules tests/browser/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

install: $(INSTALLED) ## the environment, from hashed lock files

$(INSTALLED): requirements/dev.txt requirements/install
	@requirements/install $(VENV)
	@touch $@

help: ## this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run demo bench bench-overload bench-mesh bench-observe dashboards dashboard-operator rehearsal test test-unit test-charts test-integration test-observe test-rehearsal images charts kind test-operator bench-operator test-cluster test-cluster-mesh test-cluster-keda cluster lint format protos docs lock clean install help
.PHONY: frontend bench-map test-frontend test-browser openapi
