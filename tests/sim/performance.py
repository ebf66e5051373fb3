#!/usr/bin/python3
"""Prints every table of docs/performance.md, in its order; names of sections as arguments print only those.

RECFLOW_BUILDDIR is the build tree, RECFLOW_SRCDIR the source tree, as in the tests. All of it takes some minutes.
"""

import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

BUILD = os.path.abspath(os.environ.get("RECFLOW_BUILDDIR", "build"))
SOURCE = os.path.abspath(os.environ.get("RECFLOW_SRCDIR", "."))
KNOWN = ["--whatif", "provider.spotify.limit=180", "--whatif", "provider.reccobeat.limit=10", "--whatif", "provider.reccobeat.window=1s"]
MODELS = ["plan", "bad-day", "dev-mode", "storm", "quota", "reccobeats-down", "hostile", "fine"]
FIGURES = {"ndcg": "nDCG@20", "cohesion": "cohesion", "coherence": "coherence", "diversity": "diversity", "arc_fit": "arc fit"}
LOGGED = [("look-ups of features", "audio_features", "140"), ("look-ups of details", "tracks", "33"), ("recommendations", "recommendations", "4"),
          ("searches for artists", "search_artists", "23"), ("searches for tracks", "search_tracks", "15"),
          ("top tracks", "artist_top_tracks", "16"), ("lists of albums", "artist_albums", "24"), ("albums' tracks", "album_tracks", "about 147")]
WAITS = [("its limiter", "limiter_ms", "159.8 s in four waits"), ("pauses between batches", "batch_pauses_ms", "21.6 s in 18"),
         ("pauses between artists", "artist_pauses_ms", "not told"), ("the language model", "analysis_ms", "46 to 60 s")]


def simulate(*arguments, data=SOURCE + "/data"):
    return subprocess.run([BUILD + "/recflow-sim", "--plugins", BUILD + "/.libs", "--data", data, *arguments], capture_output=True, text=True,
                          check=True).stdout


def model_of(*arguments, **where):
    return json.loads(simulate("--json", *arguments, **where))["models"][0]


def ms(v):
    return f"{v:.0f} ms" if v < 1e3 else f"{v / 1e3:.2f} s" if v < 1e4 else f"{v / 1e3:.1f} s"


def spread(r):
    return "/".join(ms(r["time_ms"][p]) for p in ("p50", "p95", "p99"))


def interval(d):
    return f"{d['mean']:+.3f} ({d['low']:+.3f} to {d['high']:+.3f}){' *' if d['high'] < 0 else ''}"


def ratio(r, name):
    return f"{r[name]:.2f}" if name in r else "-"  # where some runs made no call of their own there is none


def row(*cells):
    print("| " + " | ".join(str(c) for c in cells) + " |")


def heading(*cells):
    row(*cells)
    print("|" + "---|" * len(cells))


def one(r):
    """The result of a profile, and with overrides that of what if."""
    return list(r["results"].values())[-1]


def logged_run():
    print(simulate())
    heading("seed", "baseline P50/P95/P99", "calls", "nDCG@20", "full P50/P95/P99", "calls", "nDCG@20", "over bound", "over the services' bound")
    for seed in range(1, 6):
        r = model_of("--seed", str(seed))["results"]
        b, f = r["baseline"], r["full"]
        row(seed, spread(b), f"{b['calls']:.2f}", f"{b['ndcg']:.3f}", spread(f), f"{f['calls']:.2f}", f"{f['ndcg']:.3f}",
            ratio(f, "bound_ratio"), ratio(f, "services_bound_ratio"))


def reasons():
    r = one(model_of("--profile", "baseline"))
    heading("the baseline", "the log", "here")
    for label, name, logged in LOGGED:
        row(label, logged, f"{r['requests'].get(name, 0):.0f}")
    row("calls in the shared bucket", "about 220", f"{sum(r['requests'][n] for n in ('artist_top_tracks', 'artist_albums', 'album_tracks', 'tracks')):.0f}")
    for label, name, logged in WAITS:
        row("waits: " + label, logged, ms(r[name]))


def variations():
    heading("what", "P50/P95/P99", "calls", "hits", "429s", "nDCG@20", "over bound", "over the services' bound")
    for label, arguments in [
            ("as above", []), ("the services' limits known (`limit`, `window`)", KNOWN),
            ("intent and mood read by a model (`analysis = model`)", ["--whatif", "runs.analysis=model"]),
            ("the same prompt 45 minutes later", ["--cache", "repeat"]), ("after related prompts", ["--cache", "warm"]),
            ("10 at once", ["--concurrency", "10"]), ("10 at once, limits known", ["--concurrency", "10", *KNOWN]),
            ("100 at once", ["--concurrency", "100"]), ("100 at once, limits known", ["--concurrency", "100", *KNOWN]),
            ("1,000 at once", ["--concurrency", "1000"]), ("10,000 at once", ["--concurrency", "10000"])]:
        r = one(model_of("--profile", "full", *arguments))
        row(label, spread(r), f"{r['calls']:.2f}", f"{r['hit_percent']:.1f} %", f"{r['refused']:.2f}", f"{r['ndcg']:.3f}",
            ratio(r, "bound_ratio"), ratio(r, "services_bound_ratio"))


def crowds():
    heading("what", "P50/P95/P99", "calls", "limits used", "heap, active run", "heap, waiting run")
    for label, arguments in [("100 at once, 21 prompts", ["100"]), ("100 at once, 21 prompts, limits known", ["100", *KNOWN]),
                             ("100 at once, 100 prompts", ["100", "--distinct"]),
                             ("100 at once, 100 prompts, limits known", ["100", "--distinct", *KNOWN]),
                             ("1,000 at once, 1,000 prompts", ["1000", "--distinct"])]:
        r = one(model_of("--profile", "full", "--runs", arguments[0], "--concurrency", *arguments))
        row(label, spread(r), f"{r['calls']:.2f}", f"{r['limits_percent']:.1f} %", f"{r['active_kib']:.1f} KiB", f"{r['waiting_kib']:.1f} KiB")


def processor():
    heading("runs at once", "calls of a run", "CPU of a run")
    for n in (1, 100, 1000, 10000):
        runs = ["--runs", "100"] if n == 1 else ["--runs", str(n), "--concurrency", str(n)]
        r = one(model_of("--profile", "full", "--distinct", "--whatif", "cache.enabled=no", "--off", "coalesce", *runs))
        row(f"{n:,}", f"{r['calls']:.2f}", f"{r['cpu_ms']:.1f} ms")


def weather():
    heading("model", "profile", "P50/P95/P99", "calls", "timeouts", "failed runs", "failed calls", "tracks", "nDCG@20")
    rows = [(m, p, []) for m in MODELS for p in ("baseline", "full")] + [("bad-day", "full", ["--deadline", "20s"])]
    for model, profile, arguments in rows:
        r = one(model_of("--model", model, "--profile", profile, *arguments))
        row(f"`{model}`" + (", `--deadline 20s`" if arguments else ""), profile, spread(r), f"{r['calls']:.2f}", f"{r['timeouts']:.2f}",
            f"{r['failed_percent']:.1f} %", f"{r['error_percent']:.1f} %", f"{r['tracks']:.2f}", f"{r['ndcg']:.3f}")


def quality():
    heading("full less baseline", *FIGURES.values())
    for model in ["logged-run", *MODELS]:
        d = model_of("--model", model, "--runs", "42")["differences"]["full less baseline"]
        row(f"`{model}`", *(interval(d[f]) for f in FIGURES))


def shifted(seed):
    """A lexicon whose ranges of 0..1 each lie somewhere else: shifted by a normal deviation of 0.05."""
    draw = random.Random(seed)

    def shift(m):
        low, high = float(m[2]), float(m[3])
        by = max(-low, min(1 - high, draw.gauss(0, .05)))
        return f"{m[1]}={low + by:.3f}:{high + by:.3f}"
    directory = tempfile.mkdtemp(prefix="recflow-lexicon-")
    for name in os.listdir(SOURCE + "/data"):
        if name.endswith(".tsv"):
            shutil.copy(f"{SOURCE}/data/{name}", directory)
    with open(directory + "/lexicon.tsv", encoding="utf-8") as f:
        text = f.read()
    names = "acousticness|danceability|energy|instrumentalness|liveness|speechiness|valence"
    with open(directory + "/lexicon.tsv", "w", encoding="utf-8") as f:
        f.write(re.sub(rf"\b({names})=([0-9.]+):([0-9.]+)", shift, text))
    return directory


def fairness():
    heading("full less baseline, `logged-run`", "nDCG@20, baseline", "full", "difference")

    def compare(label, *arguments, **where):
        m = model_of("--runs", "42", *arguments, **where)
        row(label, f"{m['results']['baseline']['ndcg']:.3f}", f"{m['results']['full']['ndcg']:.3f}", interval(m["differences"]["full less baseline"]["ndcg"]))
    compare("as above: the baseline's language model, full's lexicon")
    compare("both read the lexicon (`--on local-analysis`)", "--on", "local-analysis")
    for seed in range(1, 4):
        directory = shifted(seed)
        compare(f"the lexicon's ranges shifted by 0.05 (deviation), draw {seed}", data=directory)
        compare(f"the same, both read the lexicon, draw {seed}", "--on", "local-analysis", data=directory)
        shutil.rmtree(directory)


def ablation():
    print(simulate("--ablate", "--runs", "21"))


def week():
    print(simulate("--week", "--runs", "400"))


SECTIONS = {f.__name__: f for f in (logged_run, reasons, variations, crowds, processor, weather, quality, fairness, ablation, week)}

if __name__ == "__main__":
    for section in sys.argv[1:] or SECTIONS:
        print(f"\n## {section}\n", flush=True)
        SECTIONS[section]()
        sys.stdout.flush()
