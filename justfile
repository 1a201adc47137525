# What one does every day. `just` alone lists it.

_default:
    @just --list

# format, lints and docs, as CI asks for them
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

# every test; words after it choose: `just test crash`
test *words:
    cargo test --workspace --locked {{ words }}

# a campaign, with what `rehearsal fuzz` takes: `just fuzz reservation --seeds 300`
fuzz *arguments:
    cargo run --release --locked -- fuzz {{ arguments }}

# one seed at length: `just seed reservation 42`
seed system number:
    cargo run --release --locked -- run {{ system }} --seed {{ number }}

# the benchmarks; words after it choose: `just bench ping-pong`
bench *words:
    cargo bench -p rehearsal-benches --locked {{ words }}

# the engine's workloads on other simulators, in turn (benches/peers/README.md): `just peers 9` for nine rounds
peers rounds="5":
    #!/usr/bin/env bash
    set -euo pipefail
    cd benches/peers
    # One after the other, so that none is built with features that another's crates ask for.
    for package in on-rehearsal on-madsim on-turmoil on-commonware measure; do
        cargo build --release --locked -p "$package"
    done
    cargo run --release --locked --quiet -p measure --bin peers -- {{ rounds }}

# all that CI does, in its order
ci:
    .ci/run
