//! `extop`.

fn main() -> std::process::ExitCode {
    extop::cli::main("extop", std::env::args_os())
}
