#!/usr/bin/env python3
"""`make bench`: whole training steps and evaluations of eer, of PyTorch and of JAX, side by side.

Every subject is a process of its own that stays alive and is told "run K steps of length L"; it
times itself, so that neither start-up nor compilation counts. One short burst of each in turn, again
and again: whatever else the machine does meets all alike. Before that every subject must give the
same loss and gradient norm for the same batch. Subjects of N threads may use the same N CPUs; all
other settings are the libraries' defaults.
"""
import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TRAIN, EVAL = (16, 40, 64), 1000
SAME = 40  # length of the batch that all must agree on; one of TRAIN, so that it is compiled once
PACKAGES = ["torch", "jax", "numpy", "safetensors"]
AGREEMENT = 1e-4  # relative; FP32 through 25 iterations gives 1e-6


def give_up(message):
    print(f"bench: {message}", file=sys.stderr)
    sys.exit(3)


class Progress:
    def __init__(self):
        self.start, self.terminal = time.time(), sys.stderr.isatty()

    def say(self, text):
        text = f"[{time.time() - self.start:4.0f} s] {text}"
        print("\r" + text.ljust(78) if self.terminal else text, file=sys.stderr, flush=True,
              end="" if self.terminal else "\n")

    def done(self):
        if self.terminal:
            print(file=sys.stderr)


def environment(folder, progress):
    """The Python of a virtual environment that has the peers; made on the first call."""
    python = os.path.join(folder, "bin", "python")
    ready = os.path.join(folder, "ready")
    if os.path.exists(ready):
        return python
    try:
        import ensurepip  # noqa: F401  (Debian ships venv without it)
        import venv
    except ImportError:
        give_up("Python's venv module is missing; on Debian or Ubuntu: apt-get install python3-venv")
    progress.say("installing PyTorch and JAX (6 GB with PyTorch's default wheels; set "
                 "PIP_EXTRA_INDEX_URL to PyTorch's CPU index for less)")
    venv.create(folder, clear=True, with_pip=True)
    pip = subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES])
    if pip.returncode != 0:
        give_up("pip could not install " + ", ".join(PACKAGES))
    open(ready, "w").close()
    return python


def versions(python):
    code = "import importlib.metadata as m, sys; print(*map(m.version, sys.argv[1:]))"
    found = subprocess.run([python, "-c", code, *PACKAGES], capture_output=True, text=True)
    return dict(zip(PACKAGES, found.stdout.split()), python=platform.python_version())


class Subject:
    """A process that answers lines; `skipped` says why it no longer does."""

    def __init__(self, name, command, threads, folder, lengths):
        self.name, self.threads, self.lengths, self.skipped = name, threads, lengths, None
        self.log = os.path.join(folder, f"bench-{name}-{threads}.log")
        cpus = sorted(os.sched_getaffinity(0))[:threads]
        settings = dict(os.environ, OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads),
                        JAX_PLATFORMS="cpu", CUDA_VISIBLE_DEVICES="",
                        TORCHINDUCTOR_CACHE_DIR=os.path.abspath(os.path.join(folder, "inductor")))
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
                env=settings, preexec_fn=lambda: os.sched_setaffinity(0, cpus))

    def ask(self, line):
        if not self.skipped:
            try:
                self.process.stdin.write(line + "\n")
                self.process.stdin.flush()
            except BrokenPipeError:
                pass  # the empty answer tells

    def answer(self):
        if self.skipped:
            return None
        line = self.process.stdout.readline()
        try:
            return [float(x) for x in line.split()] if line else self.fail()
        except ValueError:
            return self.fail()

    def fail(self):
        with open(self.log) as log:
            lines = [x.strip() for x in log if x.strip()]
        self.skipped = (lines[-1] if lines else "no message")[:200]
        self.process.kill()

    def close(self):
        self.process.stdin.close()
        if not self.skipped:
            self.process.wait()


def same_model(subjects):
    """Every subject must compute the same loss and gradient norm as the first."""
    for s in subjects:
        s.ask("loss 1")
    answers = [(s, s.answer()) for s in subjects]
    first = answers[0][1]
    if first is None:
        give_up(f"{subjects[0].name}: {subjects[0].skipped}")
    for s, got in answers:
        if got and any(abs(x - y) > AGREEMENT * abs(y) for x, y in zip(got, first)):
            print(f"bench: {s.name} computes something else: loss and gradient norm {got}, "
                  f"{subjects[0].name} {first}; see spec/model.md", file=sys.stderr)
            sys.exit(1)


def warm_up(subjects, burst, progress):
    """Compiles and runs every length once in all processes at a time; how many steps make a burst."""
    counts = {}
    for what in [f"train {L}" for L in TRAIN] + [f"eval {EVAL}"]:
        progress.say(f"compiling and warming up: {what}")
        able = [s for s in subjects if what in s.lengths]
        for repetition in (1, 1, 2):
            for s in able:
                s.ask(f"{what} {repetition if what.startswith('train') else 1}")
            for s in able:
                seconds = s.answer()
                if seconds:
                    each = seconds[0] / repetition
                    counts[s, what] = max(1, min(1000, round(burst / each)))
                    if what.startswith("eval"):
                        counts[s, what] = 1
    return counts


def measure(counts, rounds, progress):
    samples = {key: [] for key in counts}
    order = sorted(counts, key=lambda key: (key[0].threads, key[1]))
    begin, done = time.time(), 0
    for number in range(rounds):
        for s, what in order:
            left = (time.time() - begin) / max(done, 1) * (rounds * len(order) - done)
            if progress.terminal or done % len(order) == 0:
                progress.say(f"round {number + 1} of {rounds}: {s.name}, {what}"
                             + (f"; {left:.0f} s left" if done else ""))
            count = counts[s, what]
            s.ask(f"{what} {count}")
            seconds = s.answer()
            if seconds:
                samples[s, what].append(1e3 * seconds[0] / count)
            time.sleep(0.02)  # threads of the last subject may still spin
            done += 1
    progress.done()
    return {key: value for key, value in samples.items() if value and not key[0].skipped}


def floors(eer, config, threads, folder):
    """`eer bench`'s own account of the operation-count floor, by 'train 16' and so on."""
    with open(os.path.join(folder, "bench-floor.log"), "w") as log:
        out = subprocess.run([eer, "bench", "--json", "--seconds", "3", "--threads", str(threads),
                              "--config", config], stdout=subprocess.PIPE, stderr=log, text=True)
    if out.returncode != 0:
        return {}
    return {f"{row['what']} {row['length']}": row for row in json.loads(out.stdout)["results"]}


def report(subjects, medians, floor, threads):
    """Prints one table; returns its rows for the JSON file."""
    columns = [f"train {L}" for L in TRAIN] + [f"eval {EVAL}"]
    here = [s for s in subjects if s.threads == threads]
    ours = here[0]
    rows = []

    def line(label, values, unit):
        cells = "".join(f"{'-' if x is None else format(x, unit):>12}" for x in values)
        print(f"  {label:34}{cells}")

    print(f"\n{threads} thread{'s' if threads > 1 else ''}, ms "
          f"{'a step or evaluation':23}" + "".join(f"{x:>12}" for x in columns))
    for s in here:
        if s.skipped:
            print(f"  {s.name:34}skipped: {s.skipped}")
            continue
        values = [medians.get((s, x)) for x in columns]
        line(s.name, values, ".3f")
        rows += [{"subject": s.name, "threads": threads, "what": x, "ms": y}
                 for x, y in zip(columns, values) if y is not None]
    own = [medians.get((ours, x)) for x in columns]
    peers = [s for s in here if not s.name.startswith("eer") and not s.skipped]
    best = [min((medians[s, x] for s in peers if (s, x) in medians), default=None) for x in columns]

    def ratio(label, values):
        values = [y / x if x and y else None for x, y in zip(own, values)]
        line(label, values, ".1f")
        return [{"ratio": label, "threads": threads, "what": x, "times": y}
                for x, y in zip(columns, values) if y is not None]

    print("  times as long as eer:")
    for s in here[1:]:
        if not s.skipped:
            rows += ratio(s.name, [medians.get((s, x)) for x in columns])
    rows += ratio("the best peer", best)
    line("eer: floor of its operations, ms", [floor.get(x, {}).get("floor_ms") for x in columns],
         ".3f")
    line("eer: share of the floor, %", [100 * floor[x]["share"] if x in floor else None
                                        for x in columns], ".0f")
    rows += [{"floor": x, "threads": threads, **row} for x, row in floor.items()]
    return rows


def processor():
    with open("/proc/cpuinfo") as file:
        found = re.search(r"model name\s*: (.*)", file.read())
    return found[1] if found else platform.machine()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", nargs="?", default="build", help="where eer is, and the rest goes")
    parser.add_argument("--preset", default="eer")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--peers", default="torch,torch-compile,jax",
                        help="of PEERS in peers.py; torch-compile-whole takes minutes to compile")
    parser.add_argument("--quick", action="store_true", default="QUICK" in os.environ,
                        help="fewer and shorter bursts; also QUICK=1 in the environment")
    options = parser.parse_args()
    progress = Progress()
    folder = options.build
    eer = os.path.join(folder, "eer")
    python = environment(os.path.join(folder, "bench-venv"), progress)
    config = os.path.join(folder, "bench.conf")
    with open(config, "w") as file:
        subprocess.run([eer, "train", "--preset", options.preset, "--print-config",
                        "--set", f"length_min={SAME}", "--set", f"length_max={SAME}"],
                       stdout=file, check=True)
    cpus = len(os.sched_getaffinity(0))
    numbers = [n for n in map(int, options.threads.split(",")) if n <= cpus]
    training = [f"train {L}" for L in TRAIN]
    subjects = []
    for n in numbers:
        serve = [eer, "bench", "--serve", "--config", config, "--threads", str(n)]
        subjects.append(Subject("eer", serve, n, folder, training + [f"eval {EVAL}"]))
        for name in options.peers.split(","):
            command = [python, os.path.join(HERE, "peers.py"), "serve", name, "--config", config,
                       "--threads", str(n)]
            subjects.append(Subject(name, command, n, folder, training + [f"eval {EVAL}"]))
        if n == 1:
            serve += ["--backend", "ref", "--eval-length", "0"]
            subjects.append(Subject("eer --backend ref", serve, n, folder, training))
    progress.say("starting; every subject computes the same loss")
    same_model(subjects)
    counts = warm_up(subjects, 0.1 if options.quick else 0.3, progress)
    samples = measure(counts, 3 if options.quick else 7, progress)
    for s in subjects:
        s.close()
    medians = {key: statistics.median(value) for key, value in samples.items()}
    found = versions(python)
    print(f"{processor()}; preset {options.preset}, FP32 (ref: FP64); medians of interleaved bursts\n"
          + ", ".join(f"{name} {number}" for name, number in found.items()))
    rows = []
    for n in numbers:
        rows += report(subjects, medians, floors(eer, config, n, folder), n)
    path = os.path.join(folder, "bench.json")
    with open(path, "w") as file:
        json.dump({
            "processor": processor(), "preset": options.preset, "versions": found,
            "rows": rows,
            "samples": [{"subject": s.name, "threads": s.threads, "what": what, "ms": value}
                        for (s, what), value in samples.items()],
            "skipped": {f"{s.name}, {s.threads}": s.skipped for s in subjects if s.skipped},
        }, file, indent=1)
    print(f"\n{path}")


if __name__ == "__main__":
    main()
