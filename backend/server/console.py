"""The commands that ask a running backend something and print the answer, for people or as JSON."""

import argparse
import json
import time
from typing import Any

from backend.server.ledger import OPEN, Job, Ledger
from revision_blender.wire import paths
from revision_blender.wire.ask import ask
from revision_blender.wire.connection import read_connection
from revision_blender.wire.launch import find_live, stop_backend
from revision_blender.wire.protocol import Type


def status(arguments: argparse.Namespace) -> int:
    """Exit status 0 when a backend runs, 1 when not."""
    info = find_live(arguments.home)
    answer = ask(info, Type.STATUS) if info is not None else None
    if answer is None:
        read_connection(paths.connection_file(arguments.home))  # a file that may not be used says so itself
        print(json.dumps({"running": False}) if arguments.json else f"No backend is running in {arguments.home}.")
        return 1
    facts = {"running": True, **answer.fields}
    print(json.dumps(facts) if arguments.json else _status_words(facts))
    return 0


def _status_words(facts: dict[str, Any]) -> str:
    lines = [f"The backend {facts['version']} is running (process {facts['pid']}, worker {facts['worker_pid'] or 'not started'})."]
    lines += [f"  {job['kind']:8} {job['state']:8} {100 * job['fraction']:3.0f} %  {job['words']}" for job in facts["open_jobs"]]
    lines += [] if facts["open_jobs"] else [f"  It has had nothing to do for {facts['idle_seconds']:.0f} seconds."]
    lines += [f"  engine {engine['name']}: {engine['why_not'] or 'ready on ' + engine['device']}" for engine in facts["engines"]]
    return "\n".join(lines)


def stop(arguments: argparse.Namespace) -> int:
    info = find_live(arguments.home)
    if info is not None:
        stop_backend(info)
    words = "The backend has ended." if info is not None else f"No backend is running in {arguments.home}."
    print(json.dumps({"stopped": info is not None}) if arguments.json else words)
    return 0


def jobs(arguments: argparse.Namespace) -> int:
    """Reads the ledger, which is there with and without a running backend."""
    if arguments.watch:
        _watch(arguments)
    found = _ledger_jobs(arguments)
    if arguments.json:
        print(json.dumps([vars(job) for job in found]))
    else:
        print("\n".join(_job_words(job) for job in found) or "There are no jobs.")
    return 0


def _ledger_jobs(arguments: argparse.Namespace) -> list[Job]:
    file = paths.ledger_file(arguments.home)
    if not file.exists():
        return []
    ledger = Ledger(file)
    try:
        return ledger.snapshot()[1]
    finally:
        ledger.close()


def _job_words(job: Job) -> str:
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(job.submitted))
    return f"{job.job_id}  {job.kind:8} {job.state:9} {when}  {job.message}".rstrip()


def _watch(arguments: argparse.Namespace) -> None:
    """Bars on standard error until no job is open, or no backend is there to work on one."""
    from tqdm import tqdm

    bars: dict[str, tqdm[Any]] = {}
    while (info := find_live(arguments.home)) is not None and (answer := ask(info, Type.STATUS)) is not None:
        for job in answer.fields["open_jobs"]:
            bar = bars.setdefault(
                job["job_id"], tqdm(total=100, desc=job["kind"], bar_format="{desc}: {percentage:3.0f}%|{bar}| {postfix}")
            )
            bar.n = round(100 * job["fraction"])
            bar.set_postfix_str(job["words"])
        if not answer.fields["open_jobs"]:
            break
        time.sleep(0.5)
    done = {job.job_id for job in _ledger_jobs(arguments) if job.state == "done"}
    for job_id, bar in bars.items():
        bar.n = bar.total if job_id in done else bar.n
        bar.set_postfix_str("done" if job_id in done else "")
        bar.close()
    if any(job.state in OPEN for job in _ledger_jobs(arguments)):
        print("No backend is running; these jobs go on when one is started.")


def doctor(arguments: argparse.Namespace) -> int:
    from backend import doctor as examination

    return examination.run(arguments)
