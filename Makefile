# slimfit: set-up, build and checks. `make help` lists the targets.

TF            ?=# cpu or gpu; empty keeps the libtensorflow that is set up, else cpu
LIBTENSORFLOW ?=# prefix of an installed libtensorflow, instead of a download
export LIBTENSORFLOW

# The worker finds its library beside the repository's bin/ even after the
# folder was moved; tests, which run elsewhere, by the absolute path.
TENSORFLOW := $(CURDIR)/.tensorflow
export CGO_CFLAGS  := -g -O2 "-I$(TENSORFLOW)/include"
export CGO_LDFLAGS := "-L$(TENSORFLOW)/lib" -Wl,-rpath,$$ORIGIN/../.tensorflow/lib "-Wl,-rpath,$(TENSORFLOW)/lib"

GO_BUILD := go build -trimpath

.PHONY: help setup env build clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1	\2/p' $(MAKEFILE_LIST) | expand -t 16

setup: ## fetch libtensorflow into .tensorflow/ (TF=gpu: the CUDA build; LIBTENSORFLOW=/prefix: an installed one)
	@python3 scripts/setup_libtensorflow.py $(TF)

env: ## print the cgo variables for `go build ./...` and editors, for eval
	@printf "export %s='%s'\n" CGO_CFLAGS '$(CGO_CFLAGS)' CGO_LDFLAGS '$(CGO_LDFLAGS)'

build: setup ## build bin/slimfit (pure Go) and bin/slimfit-worker (TensorFlow)
	CGO_ENABLED=0 $(GO_BUILD) -o bin/slimfit ./cmd/slimfit
	$(GO_BUILD) -o bin/slimfit-worker ./cmd/slimfit-worker

clean: ## remove what was built; .tensorflow/, .venv/ and runs/ stay
	rm -rf bin
