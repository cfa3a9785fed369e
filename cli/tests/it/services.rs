//! What names the services outside of the code, held against the table of services.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use slipway_contract::services::{NAMES, TABLE};

fn workspace(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn text_of(path: &str) -> String {
    fs::read_to_string(workspace(path)).expect("a file of the repository")
}

fn with_init() -> BTreeSet<String> {
    let names = NAMES.into_iter().chain(["init"]);
    names.map(str::to_owned).collect()
}

/// The words between the first `from` and the `to` after it.
fn words(text: &str, from: &str, to: &str) -> BTreeSet<String> {
    let (_, rest) = text.split_once(from).expect("the beginning");
    let (list, _) = rest.split_once(to).expect("the end");
    let words = list.split(|letter: char| !letter.is_ascii_alphanumeric());
    words
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The containers of docker-compose.yml, each with its lines.
fn containers(compose: &str) -> Vec<(String, String)> {
    let (_, rest) = compose.split_once("\nservices:\n").expect("services");
    let (services, _) = rest.split_once("\nnetworks:\n").expect("networks");
    let mut found: Vec<(String, String)> = Vec::new();
    for line in services.lines() {
        let name = line
            .strip_prefix("  ")
            .and_then(|line| line.strip_suffix(':'));
        match name.filter(|name| !name.starts_with([' ', '#'])) {
            Some(name) => found.push((name.to_owned(), String::new())),
            None if found.is_empty() => {}
            None => {
                let lines = &mut found.last_mut().expect("a container").1;
                lines.push_str(line);
                lines.push('\n');
            }
        }
    }
    found
}

#[test]
fn there_is_a_container_for_each_with_its_own_secrets_alone() {
    let containers = containers(&text_of("docker-compose.yml"));
    let names: BTreeSet<_> = containers.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(names, with_init());
    for (name, lines) in &containers {
        let mounts = |service: &str| lines.contains(&format!(":/data/secrets/{service}"));
        for service in NAMES {
            let expected = service == name || name == "init";
            assert_eq!(mounts(service), expected, "{name} mounts {service}");
        }
        assert_eq!(mounts("authority"), name == "init", "{name}");
        assert_eq!(lines.contains("ports:"), name == "gateway", "{name}");
    }
}

#[test]
fn there_is_an_image_for_each() {
    let dockerfile = text_of("Dockerfile");
    let targets = dockerfile
        .lines()
        .filter_map(|line| line.strip_prefix("FROM base AS "));
    let mut images = with_init();
    // It holds the public port beside several gateways, and is no service: nobody calls it.
    images.insert("door".to_owned());
    assert_eq!(targets.map(str::to_owned).collect::<BTreeSet<_>>(), images);
    let folders = words(&dockerfile, "for service in authority ", ";");
    assert_eq!(folders, NAMES.map(str::to_owned).into());
    let made = words(&text_of("deploy/images"), "SERVICES=(", ")");
    assert_eq!(made, images);
}

#[test]
fn the_checks_drive_each() {
    let platform = text_of("checks/slipway_checks/platform.py");
    let driven = words(&platform, "\nSERVICES = (", ")");
    assert_eq!(driven, NAMES.map(str::to_owned).into());
    let with_database = TABLE.iter().filter(|service| service.has_database);
    assert_eq!(
        words(&platform, "\nWITH_DATABASE = (", ")"),
        with_database
            .map(|service| service.name.to_owned())
            .collect()
    );
}

#[test]
fn each_has_a_folder_and_an_owner() {
    let owners = text_of(".github/CODEOWNERS");
    for name in NAMES {
        let folder = match name {
            "gateway" => "gateway".to_owned(),
            name => format!("services/{name}"),
        };
        assert!(workspace(&folder).join("README.md").is_file(), "{folder}");
        assert!(owners.contains(&format!("\n/{folder}/ ")), "{folder}");
    }
}
