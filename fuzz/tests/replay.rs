//! Runs the targets on the stored inputs, without a fuzzer.

use std::fs;
use std::path::Path;

use protocol_websocket_fuzz::TARGETS;

#[test]
fn every_stored_input_passes() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut inputs = 0;
    for (name, target) in TARGETS {
        for folder in ["seeds", "regressions"] {
            let Ok(files) = fs::read_dir(here.join(folder).join(name)) else {
                assert_ne!(folder, "seeds", "{name} has no seeds");
                continue;
            };
            let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
            paths.sort();
            for path in paths {
                println!("{}", path.display());
                target(&fs::read(&path).unwrap());
                inputs += 1;
            }
        }
    }
    println!("{inputs} inputs");
}

#[test]
fn every_stored_input_belongs_to_a_target() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["fuzz_targets", "seeds", "regressions"] {
        let Ok(files) = fs::read_dir(here.join(folder)) else { continue };
        for file in files {
            let path = file.unwrap().path();
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap();
            assert!(TARGETS.iter().any(|(name, _)| *name == stem), "{}", path.display());
        }
    }
    for (name, _) in TARGETS {
        assert!(here.join("fuzz_targets").join(name).with_extension("rs").exists(), "{name}");
    }
}
