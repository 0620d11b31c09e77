"""What the scripts share: the library's programs, the peers (installed and built on the fly), the machine, and results that several calls add to.

The peer is llama_peer.c, linked with the libllama.so of an installed llama-cpp-python, so Python is in nobody's timing. Where none is installed,
`--install` makes a virtual environment and builds it there with explicit instruction flags: GGML_NATIVE=OFF, because a native build chooses AMX on
processors that have it and dies there by SIGILL at its first tile instruction. OpenVINO GenAI and matplotlib come as wheels into a second one."""
import datetime, json, os, pathlib, shlex, shutil, subprocess, sys, time

HERE = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path(os.environ.get('XDG_CACHE_HOME') or pathlib.Path.home() / '.cache') / 'rustml'
LLAMA_CPP_PYTHON = '0.3.36'
OPENVINO_GENAI = '2026.4.1.0'
SMOLLM2 = os.environ.get('RUSTML_SMOLLM2') or str(CACHE / 'SmolLM2-135M-Instruct.Q4_1.gguf')


class Missing(Exception):
    """Something that the benchmark needs is not there; the message says how to get it."""


def add_options(parser):
    parser.add_argument('--gguf', default=SMOLLM2, help='the model (default: the demo\'s SmolLM2)')
    parser.add_argument('--infer', help='rustml-infer (default: build/release or build/*/src/cli of this checkout, else from PATH)')
    parser.add_argument('--venv', type=pathlib.Path, default=CACHE / 'bench-venv', help='environment that has llama-cpp-python')
    parser.add_argument('--install', action='store_true', help='make --venv and build llama-cpp-python in it (minutes, network)')
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--json', type=pathlib.Path, help='also write everything measured to this file')


def instruction_flags():
    """CMake flags of ggml for this processor, everything but AMX."""
    try:
        flags = set(pathlib.Path('/proc/cpuinfo').read_text().split('flags', 1)[1].split('\n', 1)[0].split())
    except (OSError, IndexError):
        return ['-DGGML_NATIVE=OFF']
    known = {'SSE42': 'sse4_2', 'AVX': 'avx', 'AVX2': 'avx2', 'FMA': 'fma', 'F16C': 'f16c', 'BMI2': 'bmi2', 'AVX_VNNI': 'avx_vnni', 'AVX512': 'avx512f', 'AVX512_VBMI': 'avx512vbmi',
             'AVX512_VNNI': 'avx512_vnni', 'AVX512_BF16': 'avx512_bf16'}
    return ['-DGGML_NATIVE=OFF', '-DGGML_AMX_TILE=OFF', '-DGGML_AMX_INT8=OFF', '-DGGML_AMX_BF16=OFF'] + [f'-DGGML_{k}={"ON" if v in flags else "OFF"}' for k, v in known.items()]


def install(venv):
    subprocess.run([sys.executable, '-m', 'venv', venv], check=True)
    environment = {**os.environ, 'CMAKE_ARGS': ' '.join(instruction_flags())}
    subprocess.run([venv / 'bin' / 'pip', 'install', '--no-binary', 'llama-cpp-python', f'llama-cpp-python=={LLAMA_CPP_PYTHON}'], check=True, env=environment)


def install_openvino(venv):
    subprocess.run([sys.executable, '-m', 'venv', venv], check=True)
    subprocess.run([venv / 'bin' / 'pip', 'install', f'openvino-genai=={OPENVINO_GENAI}', 'matplotlib'], check=True)


def find_program(name, given=None):
    root = HERE.parent
    places = [given] if given else [*root.glob(f'build/release/**/{name}'), *root.glob(f'build/**/{name}'), shutil.which(name)]
    for place in places:
        if place and os.access(place, os.X_OK) and pathlib.Path(place).is_file():
            return str(place)
    raise Missing(f'no {name}{" at " + given if given else ""}: build it (cmake --preset release -DRUSTML_BENCH=ON, or scripts/setup for rustml-infer alone)')


def find_infer(given):
    return find_program('rustml-infer', given)


def build_peer(venv):
    """Compiles llama_peer.c against the environment's llama-cpp-python; returns the program."""
    for packages in venv.glob('lib/python3*/site-packages'):
        library, header = packages / 'llama_cpp' / 'lib', packages / 'include' / 'llama.h'
        if (library / 'libllama.so').exists() and header.exists():
            program = CACHE / 'llama_peer'
            program.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run([os.environ.get('CC', 'cc'), '-O2', '-std=gnu11', HERE / 'llama_peer.c', '-I', header.parent, '-L', library, '-lllama', '-lggml', '-lggml-base',
                            f'-Wl,-rpath,{library}', '-o', program], check=True)
            return str(program)
    raise Missing(f'no llama-cpp-python with headers in {venv}: run with --install, or name an environment that has it with --venv')


def prepare(arguments):
    """-> (rustml-infer, llama_peer)"""
    if arguments.install:
        install(arguments.venv)
    if not os.path.isfile(arguments.gguf):
        raise Missing(f'no model at {arguments.gguf}: run scripts/demo once, or name one with --gguf')
    return find_infer(arguments.infer), build_peer(arguments.venv)


def run_json(command):
    """Last line of the output as JSON."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0:
        raise Missing(f'{" ".join(command[:2])} ended with {done.returncode}: {done.stderr.decode(errors="replace").strip()[-300:]}')
    return json.loads(done.stdout.strip().splitlines()[-1])


def peak_memory(command):
    """Peak resident set of a process in bytes, as the kernel counts it (ru_maxrss), and its output lines."""
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    lines = child.stdout.read().splitlines()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise Missing(f'{" ".join(command[:2])} ended with {child.returncode}')
    return usage.ru_maxrss * 1024, lines


def first_token_seconds(command):
    """From just before the process is started until its first token line arrives; then the process is left to end."""
    begin = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0)
    with os.fdopen(os.dup(child.stdout.fileno()), 'rb') as out:
        for line in out:
            if b'"token"' in line and json.loads(line).get('type') == 'token':
                seconds, token = time.perf_counter() - begin, json.loads(line)
                break
        else:
            raise Missing(f'{" ".join(command[:2])} gave no token')
        out.read()
    child.stdout.close()
    child.wait()
    return seconds, token['id']


def median(values):
    values = sorted(values)
    n = len(values)
    return values[n // 2] if n % 2 else (values[n // 2 - 1] + values[n // 2]) / 2


def spread(values, digits=1):
    return f'{median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})'


def warn_if_busy(machine):
    """Both sides wait for their own threads at barriers; with others on the processors such waits explode, unequally."""
    if machine['load_before'] > 0.3 * machine['cpus']:
        print(f"WARNING: load {machine['load_before']:.1f} on {machine['cpus']} cpus before the run: other work shares them, the ratios mean little", file=sys.stderr)


def machine():
    info = pathlib.Path('/proc/cpuinfo').read_text().splitlines()
    model = next((l.split(':', 1)[1].strip() for l in info if l.startswith('model name')), 'unknown processor')
    flags = next((set(l.split()) for l in info if l.startswith('flags')), set())
    return {'processor': model, 'cpus': len(os.sched_getaffinity(0)), 'flags': [f for f in ('avx2', 'avx_vnni', 'avx512_vnni', 'amx_int8', 'amx_bf16') if f in flags],
            'load_before': os.getloadavg()[0]}


class OtherLoad:
    """Processors that others (and other virtual machines) kept busy since construction, without this process and its children that still run or ended."""

    def __init__(self):
        self.begin, self.busy = time.monotonic(), self._busy()

    def _busy(self):
        ticks = [int(n) for n in pathlib.Path('/proc/stat').read_text().split('\n', 1)[0].split()[1:9]]
        return (sum(ticks) - ticks[3] - ticks[4] - self._own()) / os.sysconf('SC_CLK_TCK')

    def _own(self):
        """Clock ticks of this process and its children, those that ended too."""
        total = 0
        for stat in [pathlib.Path('/proc/self/stat'), *(pathlib.Path(f'/proc/{c}/stat') for c in pathlib.Path('/proc/self/task').joinpath(str(os.getpid()), 'children').read_text().split())]:
            fields = stat.read_text().rsplit(')', 1)[1].split()
            total += sum(int(n) for n in fields[11:15])
        return total

    def processors(self):
        return max(0.0, (self._busy() - self.busy) / (time.monotonic() - self.begin))


def run_record():
    """Where, when and how: every call adds one to its results."""
    commit = subprocess.run(['git', '-C', HERE, 'describe', '--always', '--dirty'], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.strip()
    return {'date': datetime.datetime.now().astimezone().isoformat(timespec='seconds'), 'machine': machine(), 'commit': commit, 'command': shlex.join(sys.argv)}


def load_results(path, empty):
    """What earlier calls measured: a call adds to it, so that a long measurement can be made in slices."""
    return json.loads(path.read_text()) if path.exists() else empty


def save_results(path, results):
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix('.new')
    new.write_text(json.dumps(results) + '\n')
    new.replace(path)


def describe(runs):
    """The runs of a result in one line."""
    m = runs[-1]['machine']
    loads = [r['machine']['load_before'] for r in runs]
    return (f"{m['processor']} ({', '.join(m['flags'])}), {m['cpus']} cpus, load before the calls {min(loads):.1f}–{max(loads):.1f}; {runs[0]['date']}"
            + (f" to {runs[-1]['date']}" if len(runs) > 1 else '') + f", commit {runs[-1]['commit']}")
