# slimfit: set-up, build and checks. `make help` lists the targets.

TF            ?=# cpu or gpu; empty keeps the libtensorflow that is set up, else cpu
LIBTENSORFLOW ?=# prefix of an installed libtensorflow, instead of a download
export LIBTENSORFLOW

# The worker finds its library beside the repository's bin/ even after the
# folder was moved; tests, which run elsewhere, by the absolute path. NVML's
# functions are bound when they are called (-z lazy): most machines lack them.
TENSORFLOW := $(CURDIR)/.tensorflow
export CGO_CFLAGS  := -g -O2 -Wno-deprecated-declarations "-I$(TENSORFLOW)/include"
export CGO_LDFLAGS := "-L$(TENSORFLOW)/lib" -Wl,-z,lazy -Wl,-rpath,$$ORIGIN/../.tensorflow/lib "-Wl,-rpath,$(TENSORFLOW)/lib"
export GOFLAGS     += -trimpath
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
KERAS       := .venv/bin/python
LITE        := .venv-tflite/bin/python

.PHONY: help setup env build data run test lint fuzz check-imports check-keras check-survive check-hostile bench-gpu check-gpu check-bundle bundle check-export check-tflite setup-devices check-device check-records bench bench-search bench-paper bench-tflite venv venv-tflite venv-peers clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1	\2/p' $(MAKEFILE_LIST) | expand -t 16

setup: ## fetch libtensorflow into .tensorflow/ (TF=gpu: the CUDA build; LIBTENSORFLOW=/prefix: an installed one)
	@python3 scripts/setup_libtensorflow.py $(TF)

env: ## print the cgo variables for `go build ./...` and editors, for eval
	@printf "export %s='%s'\n" CGO_CFLAGS '$(CGO_CFLAGS)' CGO_LDFLAGS '$(CGO_LDFLAGS)'

build: setup ## build bin/slimfit (pure Go) and bin/slimfit-worker (TensorFlow)
	@CGO_ENABLED=0 go build -o bin/ ./cmd/slimfit
	@go build -ldflags '-X main.version=$(VERSION)' -o bin/ ./cmd/slimfit-worker

data: build ## fetch MNIST into the cache
	@bin/slimfit data fetch mnist

run: data ## train experiments/quickstart.yaml on MNIST and print its report
	@bin/slimfit run experiments/quickstart.yaml
	@bin/slimfit report runs/quickstart

test: data ## run all tests (STRICT=1: a skip that scripts/skips.txt does not expect is a failure)
	cd scripts && python3 -m unittest -q setup_libtensorflow_test
	@go test -json ./... | scripts/check_tests.py $(if $(STRICT),--strict)

lint: setup ## gofmt, go.mod, long lines, go vet, staticcheck
	@unformatted=$$(gofmt -l cmd models pkg scripts) && test -z "$$unformatted" || { echo "gofmt -w $$unformatted"; exit 1; }
	go mod tidy -diff
	@scripts/check_lines.py
	go vet ./...
	go run $(STATICCHECK) ./...

fuzz: setup ## run every fuzz target for FUZZTIME (10s) each
	@scripts/fuzz.sh $(or $(FUZZTIME),10s)

check-imports: ## check that the rooms import only what scripts/imports.txt allows
	@scripts/check_imports.py

venv: ## set up .venv/ for check-keras and bench
	@scripts/setup_venv.sh

check-keras: build venv ## compare counts, logits and training steps with Keras
	@$(KERAS) scripts/keras/check_keras.py

check-export: build venv ## load every exported format in Python's TensorFlow and compare
	@$(KERAS) scripts/export/check_export.py whole bin/slimfit
	SLIMFIT_VENV=required go test -run InPython ./pkg/graph

venv-tflite: ## set up .venv-tflite/ for check-tflite
	@scripts/setup_venv.sh tflite

check-tflite: data venv-tflite ## run exported files in TensorFlow Lite and TensorFlow Lite Micro and compare
	SLIMFIT_TFLITE_PYTHON=$(CURDIR)/$(LITE) SLIMFIT_TFLM_PYTHON=$(CURDIR)/$(LITE) go test -count=1 -v -run 'Interpreter|Reference|Micro' ./pkg/tflite ./cmd/slimfit
	@$(LITE) scripts/tflite/check_trained.py bin/slimfit

setup-devices: ## install the compilers and simulators of the chips (Debian, as root)
	apt-get install -y --no-install-recommends gcc-avr avr-libc simavr libsimavr-dev libelf-dev gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm \
		clang gcc-riscv64-unknown-elf

check-device: data ## run networks of every layer kind, and DEVICE_FILES, on the simulated chips and compare every score
	go test -count=1 -v -run 'Device|Room' ./pkg/device
	$(if $(DEVICE_FILES),go test -v -timeout 0 -run '^$$' -bench Files -benchtime 1x ./pkg/device -device.files "$(abspath $(DEVICE_FILES))" $(DEVICE_FLAGS))

check-hostile: ## change files of every kind in every way for HOSTILE_TIME (20s), from fixed seeds: no panic, no hang, no forgery that holds
	SLIMFIT_HOSTILE=$(or $(HOSTILE_TIME),20s) CGO_ENABLED=0 go test -count=1 -timeout 0 -run 'Mutations|Hostile|Doubled|Forgeries' \
		./cmd/slimfit ./pkg/store ./pkg/search

check-survive: data ## kill real runs at random, resume them, and compare with an undisturbed one
	@scripts/survive.sh

bundle: data ## pack programs, libtensorflow and MNIST for machines without network into bundle/ (DATA="mnist cifar10")
	@scripts/bundle.sh bundle $(DATA)

check-bundle: data ## pack a bundle, unpack it without network, Go, Python and compiler, and train
	@scripts/bundle_test.sh

check-gpu: data ## train on a real GPU and compare with the CPU (half an hour; skips without one, GPU=required: fails)
	@scripts/gpu/check.sh

bench-gpu: data ## time a real GPU against Keras, a jit-compiled loop and the CPU cores (skips without one; GPU=required: fails)
	@scripts/gpu/bench.sh $(BENCH)

venv-peers: ## set up .venv-peers/: PyTorch and JAX, which bench takes in where they are
	@scripts/setup_venv.sh peers

check-records: build data ## verify every committed certificate and train one trial of each again (RETRAIN=0: verify alone, seconds)
	@set -e; for c in experiments/*/results/*/*.json; do echo "$$c"; e=; [ ! -e "$${c%.json}.yaml" ] || e="--experiment $${c%.json}.yaml"; \
		bin/slimfit verify "$$c" $$e --retrain $(or $(RETRAIN),1) || \
		{ [ $$? = 4 ] && echo "its data are not here: nothing trained again" && bin/slimfit verify "$$c" $$e; }; done

bench: data venv ## time slimfit against Keras fit, a hand-written TensorFlow loop, PyTorch and JAX (hours; BENCH=--quick: minutes)
	@$(KERAS) scripts/bench/run.py $(BENCH)

bench-search: build data ## time searches against Optuna and KerasTuner (hours; BENCH="--repeats 1 --tools slimfit optuna": minutes)
	@scripts/setup_venv.sh search
	@.venv-search/bin/python scripts/bench/search.py $(BENCH)

bench-paper: data venv ## print our seconds beside the paper's, cell by cell
	@$(KERAS) scripts/bench/paper.py $(BENCH)

bench-tflite: data venv venv-tflite ## convert five networks by TensorFlow's converter too: sizes and accuracies (PEER=--help)
	@$(LITE) scripts/tflite/peer_table.py bin/slimfit --converter $(KERAS) $(PEER)

clean: ## remove what was built; .tensorflow/, .venv/, .venv-tflite/ and runs/ stay
	rm -rf bin
