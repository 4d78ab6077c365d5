use std::process::ExitCode;

/// As fast as mimalloc here, with less memory, and it can tell what holds it (`heap.rs`; docs/PERFORMANCE.md).
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    server::cli::main()
}
