// Which target a file is compiled for, as the compiler's flags tell (CMakeLists.txt). RUSTML_TARGET is the namespace of everything that
// is compiled with its instructions: a symbol of one target must never be picked by the linker for another one.
// scalar.cpp and the tests of emulated instructions define theirs before.
#pragma once
#ifndef RUSTML_TARGET
#if defined(__AVX512VNNI__)
#define RUSTML_TARGET avx512
#define RUSTML_XSIMD_ARCH xsimd::avx512bw
#define RUSTML_RAW_HEADER "kernels/raw_avx512-inl.h"
#elif defined(__AVXVNNI__)
#define RUSTML_TARGET avxvnni
#define RUSTML_XSIMD_ARCH xsimd::fma3<xsimd::avx2>
#define RUSTML_RAW_HEADER "kernels/raw_avxvnni-inl.h"
#elif defined(__AVX2__)
#define RUSTML_TARGET avx2
#define RUSTML_XSIMD_ARCH xsimd::fma3<xsimd::avx2>
#define RUSTML_RAW_HEADER "kernels/raw_avx2-inl.h"
#elif defined(__SSE4_1__)
#define RUSTML_TARGET sse41
#define RUSTML_XSIMD_ARCH xsimd::sse4_1
#define RUSTML_RAW_HEADER "kernels/raw_sse41-inl.h"
#elif defined(__ARM_FEATURE_DOTPROD)
#define RUSTML_TARGET neondot
#define RUSTML_XSIMD_ARCH xsimd::neon64
#define RUSTML_RAW_HEADER "kernels/raw_neondot-inl.h"
#elif defined(__aarch64__)
#define RUSTML_TARGET neon
#define RUSTML_XSIMD_ARCH xsimd::neon64
#define RUSTML_RAW_HEADER "kernels/raw_neon-inl.h"
#endif
#endif
