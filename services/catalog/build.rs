//! A migration that is added or changed is compiled in: `sqlx::migrate!` reads the folder, and the compiler does not know.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
