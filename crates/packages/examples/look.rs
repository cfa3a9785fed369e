fn main() {
    for a in std::env::args().skip(1) {
        let f = std::fs::File::open(&a).unwrap();
        let t = std::time::Instant::now();
        let mut o = slipway_packages::inspect(&f, &Default::default()).unwrap();
        if let slipway_packages::Outcome::Understood(f) = &mut o { if let Some(i) = &mut f.icon { i.data = format!("{} chars", i.data.len()); } }
        println!("{a} {:?}\n{}", t.elapsed(), serde_json::to_string(&o).unwrap());
    }
}
