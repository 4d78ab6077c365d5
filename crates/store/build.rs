//! Migrations are compiled in: a change of the folder must rebuild this crate.
fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
