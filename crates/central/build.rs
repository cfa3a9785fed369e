//! `sqlx::migrate!` reads a folder that the compiler does not know of.

#[expect(clippy::print_stdout, reason = "how a build script speaks to cargo")]
fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
