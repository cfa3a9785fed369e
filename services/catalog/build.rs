fn main() {
    slipway_sources::tell();
}
