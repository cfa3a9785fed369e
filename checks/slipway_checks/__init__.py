"""The platform driven from outside: what every check in this folder shares.

A check is an executable `checks/<nn>-<n>-<name>`. It starts the release binaries on loopback in a folder of its own,
speaks HTTP to them as a developer, an end user or an operator would, kills them when it wants to, prints its figures
and ends with 0 (passed), 77 (skipped, after `skipped: why`) or 1 (failed, with the reason and the place of the logs).

    check.py       the frame: arguments, folder, seed, figures, time limit, the closing line
    fixtures.py    real packages, and made ones
    corpus.py      the packages of check 04-3, from four registries, and what other programs say of them
    platform.py    processes: start, wait until ready, kill, start again
    releases.py    programs of earlier releases, built from their commits
    journeys.py    publish, latest, verify, yank, revoke on a platform of several versions
    neighbours.py  instances of two versions side by side
    between.py     somebody between two services who rewrites what they say
    unknowns.py    what another version might say, said between real services
    web.py         HTTP with nothing hidden: one request, one answer
    developer.py   what a developer does: apps, packages, releases, tokens
    visitor.py     what an end user does: downloads, `latest`, keys, signatures
    browser.py     Chromium without a window, and axe-core in it
    minisign.py    Debian's own `minisign`, which has the last word on every signature
    internal.py    calls between services with their certificates, so that a check can be the wrong one
    poller.py      an end user who proves whatever is served, all the time
    pairs.py       two of every service, gateways behind one listener
    exchange.py    HTTP for thousands of requests at a time
    open_loop.py   clients in an open loop, and what was wrong with what they got
    visits.py      visitors who fetch all the time, and what was refused or wrong
    publisher.py   a publish in the background that is tried again until it is acknowledged
    tus.py         the tus protocol by hand
    slow.py        a request whose body comes piece by piece, with whatever happens in between
    relay.py       counts what a client sends
    front.py       nginx, Caddy and HAProxy in front of the gateway, with the files of deploy/front
    archives.py    hostile ZIP archives
    hostile_manifests.py  manifests that would make a reader hold or read far more than they are
    native_packages.py  debs and rpms of a chosen version, and their systems' own order
    whole.py       packages of every kind: cut off, changed, only named as one, and whole
    machines.py    packages for every machine, and who is to be offered which
    inspection.py  an inspection of upload's, caught while it runs
    failing_writes.py  chosen writes of a service that fail, before or after they lasted (failing_writes.c)
    bad_builds.py  builds that are bad in one way each (bad_builds.c)
    rollouts.py    `slipway rollout` as an operator calls it
    tracing.py     `strace` over a running process, and death at a chosen system call
    recording.py   a run under `strace`: every change to a folder and when it was synced
    disk.py        what a disk may hold of such a run after a power cut
    envelopes.py   bodies that are not the package, and what is said to each
    words_mistakes.py  the mistakes of a first hour, and the words that each gets
    refusals.py    requests that are to be refused, and a look at the whole of each refusal
    impostors.py   servers, relays and certificates that are not what they say
    acts_removal.py  what was made is removed: each act, and what everybody says of it afterwards
    acts_channels.py  what is in a channel is moved, and what everybody says of it
    drafts.py      drafts of several tokens: what gets into a release, and what is deleted
    inside.py      what is between services: hidden from the public, refused to wrong callers
    invariants.py  what must hold after any crash
    leftovers.py   rows and files of upload, and what a killed one leaves
    drills_disk.py      a disk that is full, out of inodes, or has flipped pages; descriptors used up
    drills_postgres.py  a PostgreSQL server that is stopped, killed, hangs, or has a locked table
    postgres.py    that server
    copies.py      a copied data folder beside its original
    drills_*.py    faults that end: kills, processes that hang, clocks that are wrong
    kept.py        what a data folder held, against what a later start shows
    leaks.py       no log holds a secret
    containers.py  the platform as containers, and a look into them
    words_command.py  the command: options, exit codes, documents, pins, with and without a terminal
    picture.py     the README's picture
    scrape.py      Prometheus beside a platform
    pipelines.py   the shell steps of deploy/ci
    readme.py      the blocks of the README, in both languages
    journey.py     the commands of the README's marked block
    own_service.py a service of an operator's own, made of what deploy/examples gives
    python_services.py the Python programs of deploy/examples as processes
    rust_source.py Rust sources read as text: modules and the paths that they name
    circles.py     files that name each other around corners
    house.py       the house in figures: lines, types, codes, queues

Only Python's standard library is used here. Settings from the environment: `SLIPWAY_BIN` (the folder of the binaries,
`target/release` by default) and `SLIPWAY_FIXTURES` (`target/fixtures` by default, filled by `./test`).
"""

from .check import Check, Failed, run
from .developer import Developer
from .platform import SERVICES, Platform
from .visitor import Visitor

__all__ = ["Check", "Developer", "Failed", "Platform", "SERVICES", "Visitor", "run"]
