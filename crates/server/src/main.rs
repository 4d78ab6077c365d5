use std::process::ExitCode;

/// Small allocations of many threads are most of what a JSON server does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    server::cli::main()
}
