# cuda.mk - `make cuda`: eer-cuda.so beside the program, which loads it when it is asked for the backend.
NVCC    ?= $(shell command -v nvcc || echo /usr/local/cuda/bin/nvcc)
# Its path; empty if it is not there.
HAVE_NVCC := $(shell [ -d "$(NVCC)" ] || command -v "$(NVCC)")
# Machine code for these, and PTX for what comes later. Code for sm_x0 also runs on sm_xy.
CUDA_SM  = 80 90 100 120
CUDA_PTX = 80
GENCODE  = $(foreach sm,$(CUDA_SM),-gencode arch=compute_$(sm),code=sm_$(sm)) \
    -gencode arch=compute_$(CUDA_PTX),code=compute_$(CUDA_PTX)
# A spill or local memory is an error: -warn-.. with -Werror.
NVCCFLAGS ?= -O3
CUDA_BASE = -std=c++17 --threads $(JOBS) $(GENCODE) -Werror all-warnings -Xptxas -v,-warn-spills,-warn-lmem-usage \
    -Xcompiler -fPIC,-Wall,-Wextra,-Werror -MMD -MP
CUDA_OBJECTS = $(patsubst %.cu,$(B)/%.o,$(filter-out cuda/wide.cu,$(wildcard cuda/*.cu))) $(B)/cuda/source.o $(B)/cuda/task.o

$(B)/cuda/source.o: $(B)/source
$(B)/cuda/source.o: private ISA = -fPIC -DEER_SOURCE_HASH='"$(shell cat $(B)/source 2>/dev/null)"'
$(B)/cuda/task.o: private ISA = -fPIC

$(B)/cuda/%.o: cuda/%.cu
	@mkdir -p $(@D)
	$(HAVE_NVCC) $(CUDA_BASE) $(NVCCFLAGS) -c -o $@ $< 2>$(@:.o=.ptxas) || { cat $(@:.o=.ptxas) >&2; exit 1; }
$(B)/eer-cuda.so: $(CUDA_OBJECTS)
	$(HAVE_NVCC) $(GENCODE) -shared -cudart static -o $@ $^ -ldl
# Loaded only for shapes that need it: cuBLAS is large.
$(B)/eer-cublas.so: $(B)/cuda/wide.o $(B)/cuda/source.o
	$(HAVE_NVCC) $(GENCODE) -shared -cudart static -o $@ $^ -lcublas -Xlinker -rpath,$(abspath $(dir $(realpath $(HAVE_NVCC)))../lib64)

NEED_NVCC = [ -n "$(HAVE_NVCC)" ] && "$(HAVE_NVCC)" --list-gpu-arch | grep -q compute_120 || { \
    echo "make $@: missing: nvcc of NVIDIA's CUDA toolkit, 12.8 or later: install that (developer.nvidia.com/cuda-downloads;" \
    "Debian 12 packages an older one), put nvcc on PATH or say NVCC=/path/to/nvcc, and call make $@ again" >&2; exit 3; }
cuda:
	@$(NEED_NVCC)
	@sh tests/deps.sh train $(B)
	@$(MAKE) --no-print-directory -s -j $(JOBS) $(B)/eer $(B)/eer-cuda.so $(B)/eer-cublas.so
	@awk -f cuda/registers.awk $(B)/cuda/*.ptxas
