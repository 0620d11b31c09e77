// Which targets this processor and its operating system can run. Our own CPUID and XGETBV: a processor may report AVX-512
// while the system does not save its registers (XCR0), and then the first instruction would kill the process.
#include "kernels/select.h"

#if defined(__x86_64__)
#include <cpuid.h>
#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif
#elif defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace rustml::kernels {

// Of those named here, the ones that are compiled are defined (table-inl.h).
namespace scalar {
extern const KernelTable kTable;
}
namespace sse41 {
extern const KernelTable kTable;
}
namespace avx2 {
extern const KernelTable kTable;
}
namespace avxvnni {
extern const KernelTable kTable;
}
namespace avx512 {
extern const KernelTable kTable, kAmxTable;
}
namespace neon {
extern const KernelTable kTable;
}
namespace neondot {
extern const KernelTable kTable;
}

namespace {

#if defined(__x86_64__)
constexpr long kTileData = 18;  // Linux's number of the state
constexpr bool bit(uint32_t word, int index) { return (word >> index & 1) != 0; }

struct Processor {
  bool sse41 = false, avx2 = false, avxvnni = false, avx512 = false, amx = false;
  Processor() noexcept {
    uint32_t a = 0, b = 0, c = 0, d = 0;
    if (__get_cpuid(1, &a, &b, &c, &d) == 0) return;
    const uint32_t c1 = c;
    sse41 = bit(c1, 0) && bit(c1, 9) && bit(c1, 19);  // SSE3, SSSE3, SSE4.1
    if (!bit(c1, 27) || !bit(c1, 28)) return;         // OSXSAVE, AVX
    uint32_t xcr0 = 0, high = 0;
    __asm__ volatile("xgetbv" : "=a"(xcr0), "=d"(high) : "c"(0));
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return;
    avx2 = sse41 && (xcr0 & 0x06) == 0x06 && bit(b, 5) && bit(c1, 12) && bit(c1, 29);                              // AVX2, FMA, F16C
    avx512 = avx2 && (xcr0 & 0xe6) == 0xe6 && bit(b, 16) && bit(b, 17) && bit(b, 30) && bit(b, 31) && bit(c, 11);  // F DQ BW VL VNNI
    const uint32_t subleaves = a;
    amx = avx512 && (xcr0 & 0x60000) == 0x60000 && bit(d, 24) && bit(d, 25) && tiles_supported();  // TILE INT8
    if (subleaves == 0 || __get_cpuid_count(7, 1, &a, &b, &c, &d) == 0) return;
    avxvnni = avx2 && bit(a, 4);
  }
  // Linux since 5.16 can save the tiles (8 kB of a thread's state); sandboxes may refuse even the question.
  static bool tiles_supported() noexcept {
#ifdef __linux__
    constexpr long kSupported = 0x1021;
    uint64_t features = 0;
    return syscall(SYS_arch_prctl, kSupported, &features) == 0 && (features >> kTileData & 1) != 0;
#else
    return false;
#endif
  }
};
#elif defined(__aarch64__)
bool has_dot_product() noexcept {
#if defined(__linux__)
  return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
#else
  return false;
#endif
}
#endif

struct Selection {
  const KernelTable* tables[6] = {};
  size_t count = 0;
  void add(bool usable, const KernelTable& table) noexcept {
    if (usable && !table.target.empty()) tables[count++] = &table;  // empty: left out of this build (CMakeLists.txt)
  }
  Selection() noexcept {
#if defined(__x86_64__)
    const Processor cpu;
#ifdef __linux__
    add(cpu.amx, avx512::kAmxTable);
#endif
    add(cpu.avx512, avx512::kTable);
    add(cpu.avxvnni, avxvnni::kTable);
    add(cpu.avx2, avx2::kTable);
    add(cpu.sse41, sse41::kTable);
#elif defined(__aarch64__)
    add(has_dot_product(), neondot::kTable);
    add(true, neon::kTable);
#endif
    add(true, scalar::kTable);
  }
};

}  // namespace

std::span<const KernelTable* const> available() noexcept {
  static const Selection selection;
  return {selection.tables, selection.count};
}

bool ready([[maybe_unused]] const KernelTable& table) noexcept {
#if defined(__x86_64__) && defined(__linux__)
  // It saves the tiles only of processes that asked, and refuses where a thread has an alternate signal stack too small for them.
  constexpr long kRequestPermission = 0x1023;
  if (&table == &avx512::kAmxTable) {
    static const bool permitted = syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
    return permitted;
  }
#endif
  return true;
}

const KernelTable& best() noexcept {
  for (const KernelTable* table : available()) {
    if (ready(*table)) return *table;
  }
  return scalar::kTable;
}

std::span<const std::string_view> compiled() noexcept {
#if defined(__x86_64__) && defined(__linux__)
  static constexpr std::string_view kNames[] = {"amx", "avx512", "avxvnni", "avx2", "sse41", "scalar"};
#elif defined(__x86_64__)
  static constexpr std::string_view kNames[] = {"avx512", "avxvnni", "avx2", "sse41", "scalar"};
#elif defined(__aarch64__)
  static constexpr std::string_view kNames[] = {"neondot", "neon", "scalar"};
#else
  static constexpr std::string_view kNames[] = {"scalar"};
#endif
  return kNames;
}

const KernelTable* find(std::string_view target) noexcept {
  for (const KernelTable* table : available()) {
    if (table->target == target) return table;
  }
  return nullptr;
}

}  // namespace rustml::kernels
