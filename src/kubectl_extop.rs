//! `kubectl extop`.

fn main() -> std::process::ExitCode {
    extop::cli::main("kubectl extop", std::env::args_os())
}
