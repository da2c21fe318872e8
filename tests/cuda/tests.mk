# tests.mk - programs and libraries of cuda/ as the tests run it, without a GPU: under the emulation (plain, asan, msan,
# tsan: tests/cuda/emulation) and from nvcc's PTX (ptx80 ..: tests/cuda/ptx), each in a folder of its own.
CUDA_SOURCES = $(wildcard cuda/*.cu)
CUDA_TESTED  = $(wildcard cuda/*.* tests/cuda/*.cu tests/cuda/*.h tests/cuda/emulation/*.* tests/cuda/ptx/*.* spec/*.h \
    ref/*.h fast/program/gradcheck/*.h)
CUDA_C       = cuda/task.c fast/program/gradcheck/cases.c $(wildcard ref/*.c)
EMULATED     = plain asan msan tsan
PTX          = ptx80 ptx90 ptx100 ptx120
CUBLAS       = tests/cuda/emulation/cublas.cpp

# What `make test` runs too.
CUDA_QUICK   = $(B)/tests/cuda/plain/test_engine $(B)/tests/cuda/plain/eer-cuda.so
CUDA_PROGRAMS = $(CUDA_QUICK) $(EMULATED:%=$(B)/tests/cuda/%/test_engine) $(EMULATED:%=$(B)/tests/cuda/%/test_wide) \
    $(patsubst %,$(B)/tests/cuda/plain/%,test_wide_chunks test_products test_tf32) $(B)/tests/cuda/follow \
    $(if $(HAVE_NVCC),$(PTX:%=$(B)/tests/cuda/%/test_engine) \
        $(patsubst %,$(B)/tests/cuda/ptx90/%,test_products test_tf32 eer-cuda.so))

$(EMULATED:%=$(B)/tests/cuda/%/test_engine): $(B)/tests/cuda/%/test_engine: $(CUDA_TESTED) $(CUDA_C) $(B)/libfast.a
	@mkdir -p $(@D)
	sh tests/cuda/emulation/build.sh $* $@ tests/cuda/test_engine.cu $(CUDA_SOURCES) $(CUBLAS) $(CUDA_C) \
	    $(B)/libfast.a -lm
# What makes the cases is compiled with the checker: MSan has to see it write.
$(EMULATED:%=$(B)/tests/cuda/%/test_wide): $(B)/tests/cuda/%/test_wide: $(CUDA_TESTED) $(JUDGE) $(B)/libref.a
	@mkdir -p $(@D)
	sh tests/cuda/emulation/build.sh $* $@ tests/cuda/test_wide.cu cuda/wide.cu $(CUBLAS) \
	    fast/program/gradcheck/cases.c $(filter-out %/cases.o,$(JUDGE)) $(B)/libref.a -lm
# Batches in several chunks.
$(B)/tests/cuda/plain/test_wide_chunks: $(CUDA_TESTED) $(JUDGE) $(B)/libref.a
	@mkdir -p $(@D)
	sh tests/cuda/emulation/build.sh plain $@ -DCUDA_WIDE_FLOATS=5000 tests/cuda/test_wide.cu cuda/wide.cu $(CUBLAS) \
	    $(JUDGE) $(B)/libref.a -lm
$(B)/tests/cuda/plain/test_tf32: $(CUDA_TESTED) $(B)/cuda/task.o
	@mkdir -p $(@D)
	sh tests/cuda/emulation/build.sh plain $@ tests/cuda/test_tf32.cu $(CUDA_SOURCES) $(CUBLAS) $(B)/cuda/task.o -lm
$(B)/tests/cuda/plain/test_products: $(CUDA_TESTED)
	@mkdir -p $(@D)
	sh tests/cuda/emulation/build.sh plain $@ tests/cuda/test_products.cu $(CUBLAS) -lm
$(B)/tests/cuda/plain/eer-cuda.so: $(CUDA_TESTED) $(B)/cuda/source.o $(B)/cuda/task.o
	@mkdir -p $(@D)
	CXX="$(CXX) -fPIC" sh tests/cuda/emulation/build.sh plain $@ $(CUDA_SOURCES) $(CUBLAS) $(B)/cuda/source.o \
	    $(B)/cuda/task.o -shared -lm

# One after the other: the first translates the kernels for all, and those of compute_80 and 90 are the same, as are those
# of 100 and 120.
$(B)/tests/cuda/ptx90/test_engine: private LIKE = $(B)/tests/cuda/ptx80/kernels
$(B)/tests/cuda/ptx90/test_engine: | $(B)/tests/cuda/ptx80/test_engine
$(B)/tests/cuda/ptx120/test_engine: private LIKE = $(B)/tests/cuda/ptx100/kernels
$(B)/tests/cuda/ptx120/test_engine: | $(B)/tests/cuda/ptx100/test_engine
$(B)/tests/cuda/ptx90/test_tf32 $(B)/tests/cuda/ptx90/eer-cuda.so: | $(B)/tests/cuda/ptx90/test_engine
$(PTX:%=$(B)/tests/cuda/%/test_engine): $(B)/tests/cuda/ptx%/test_engine: $(CUDA_TESTED) $(CUDA_C:%.c=$(B)/%.o) $(B)/libfast.a
	@mkdir -p $(@D)
	NVCC=$(HAVE_NVCC) KERNELS=$(@D)/kernels LIKE=$(LIKE) sh tests/cuda/ptx/build.sh $* $@ tests/cuda/test_engine.cu $(CUDA_SOURCES) $(CUBLAS) \
	    $(CUDA_C:%.c=$(B)/%.o) $(B)/libfast.a -lm
$(B)/tests/cuda/ptx90/test_products: $(CUDA_TESTED)
	@mkdir -p $(@D)
	NVCC=$(HAVE_NVCC) KERNELS=$(@D)/kernels sh tests/cuda/ptx/build.sh 90 $@ tests/cuda/test_products.cu $(CUBLAS) -lm
$(B)/tests/cuda/ptx90/test_tf32: $(CUDA_TESTED) $(B)/cuda/task.o
	@mkdir -p $(@D)
	NVCC=$(HAVE_NVCC) KERNELS=$(@D)/kernels sh tests/cuda/ptx/build.sh 90 $@ tests/cuda/test_tf32.cu $(CUDA_SOURCES) $(CUBLAS) $(B)/cuda/task.o -lm
$(B)/tests/cuda/ptx90/eer-cuda.so: $(CUDA_TESTED) $(B)/cuda/source.o $(B)/cuda/task.o
	@mkdir -p $(@D)
	CXX="$(CXX) -fPIC" NVCC=$(HAVE_NVCC) KERNELS=$(@D)/kernels sh tests/cuda/ptx/build.sh 90 $@ $(CUDA_SOURCES) $(CUBLAS) $(B)/cuda/source.o \
	    $(B)/cuda/task.o -shared -lm

$(B)/tests/cuda/follow: tests/cuda/follow.c $(UNDER_TEST)
	@mkdir -p $(@D)
	$(CC) $(BASE) $(CFLAGS) $(LDFLAGS) -o $@ $< $(filter %.o %.a,$^) $(EXTERNAL) -lpthread -ldl -lm

cuda-programs: $(CUDA_PROGRAMS)

# Every kernel truly executed without a GPU, by each executor, and each of their checks tried on planted bugs.
# test-emulation: what needs no nvcc.
test-cuda test-emulation:
	@$(if $(filter test-cuda,$@),$(NEED_NVCC))
	@sh tests/deps.sh test-cuda $(B)
	@$(MAKE) --no-print-directory -s -j $(JOBS) $(EMULATION_ONLY) $(B)/eer cuda-programs
	@NVCC=$(HAVE_NVCC) sh tests/cuda/run.sh $(B) $(if $(HAVE_NVCC),,|| [ $$? = 77 ])
test-emulation: private EMULATION_ONLY = NVCC=
test-emulation: private HAVE_NVCC =
