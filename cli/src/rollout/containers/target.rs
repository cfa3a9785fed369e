//! `--to`: which images are meant, and whether the way back is known.

use std::collections::BTreeMap;

use anyhow::Result;

use super::container::{Container, program};
use super::project::{Declared, Project, VERSION, image_id};
use crate::exit::Stop;
use crate::rollout::replaced::Wish;
use crate::rollout::rules::plan::{Image, Target};
use crate::rollout::rules::progress::Progress;
use crate::run::Service;
use crate::terminal;

pub(super) async fn find(project: &Project, wish: &Wish<'_>) -> Result<Target> {
    check_release(wish)?;
    let containers = project.containers().await?;
    let declared = project.declared(wish.to).await?;
    let mut target = Target {
        name: wish.to.to_owned(),
        ..Target::default()
    };
    let is_meant = |service: &Service| wish.service.is_none_or(|only| only == *service);
    for service in Service::ALL.into_iter().filter(is_meant) {
        let own = containers.iter().filter(|one| one.service == service);
        let own: Vec<_> = own.collect();
        let Some(is) = declared.get(service.name()).filter(|_| !own.is_empty()) else {
            continue;
        };
        for container in own {
            let image = before(project, container).await?;
            target.images.insert(container.program, image);
        }
        let image = image(service, is, wish.to).await?;
        let becomes = program(&image.name, &image.id);
        target.images.insert(becomes, image);
        target.programs.push((service, becomes));
        // Others know a registry by its one address.
        if is.is_alone() || service == Service::Registry {
            target.in_place.push(service);
        }
    }
    if target.programs.is_empty() {
        let name = wish.service.map_or("Slipway", Service::name);
        let words = format!("the project {} has no containers of {name}", project.name);
        return Err(Stop::usage(words).into());
    }
    Ok(target)
}

/// A release lists programs and no images: nothing proves what an image was made of.
fn check_release(wish: &Wish<'_>) -> Result<()> {
    if wish.unsigned {
        terminal::warn(format_args!(
            "UNSIGNED IMAGES of {}: no release lists images; they are started, as --unsigned says",
            wish.to
        ));
        return Ok(());
    }
    let words = "images are in no signed release, which lists programs alone; to start them all the same: --unsigned";
    Err(Stop::refused("release_unproven", words).into())
}

/// What a service becomes.
async fn image(service: Service, declared: &Declared, tag: &str) -> Result<Image> {
    let name = declared.image.clone();
    if tag_of(&name) != Some(tag) {
        let words = format!(
            "the Compose file names the image of {} {name} where {VERSION} is {tag}: let {VERSION} be its tag, as in docker-compose.yml",
            service.name()
        );
        return Err(Stop::usage(words).into());
    }
    let id = image_id(&name).await?;
    let tag = tag.to_owned();
    Ok(Image { name, id, tag })
}

/// What a container is, by which another is made that is the same: there is no way back otherwise.
async fn before(project: &Project, container: &Container) -> Result<Image> {
    let refused = |why: String| {
        let words = format!(
            "{} {} could not be made again, to go back: {why}",
            container.service.name(),
            container.number
        );
        anyhow::Error::from(Stop::refused("no_way_back", words))
    };
    if !container.is_kept {
        return Err(refused(
            "it does not run; start or remove it first".to_owned(),
        ));
    }
    let name = &container.image;
    let Some(tag) = tag_of(name) else {
        return Err(refused(format!("its image {name} has no tag")));
    };
    let declared: BTreeMap<_, _> = project.declared(tag).await?;
    let made = declared.get(container.service.name());
    if made.is_none_or(|made| made.image != *name) {
        return Err(refused(format!(
            "by {VERSION}={tag} the Compose file does not make {name}"
        )));
    }
    if image_id(name).await? != container.image_id {
        return Err(refused(format!(
            "{name} is another image now; give that a tag of its own"
        )));
    }
    Ok(Image {
        name: name.clone(),
        id: container.image_id.clone(),
        tag: tag.to_owned(),
    })
}

/// A port of a registry is no tag.
fn tag_of(image: &str) -> Option<&str> {
    let (_, tag) = image.rsplit_once(':')?;
    (!tag.contains('/')).then_some(tag)
}

/// Compose goes by its file: a later `docker compose up` must find there what runs.
pub(super) async fn afterwards(project: &Project, ended: &Progress) -> Result<Vec<String>> {
    let to = &ended.plan.to;
    let env = project.folder.join(".env");
    if ended.halted.is_some() {
        return Ok(Vec::new());
    }
    let mut lines = vec![format!(
        "write {VERSION}={to} into {}, or `docker compose up` brings back what was before",
        env.display()
    )];
    let containers = project.containers().await?;
    let others = containers
        .iter()
        .filter(|one| tag_of(&one.image) != Some(to));
    let mut others: Vec<_> = others.map(|one| one.image.as_str()).collect();
    others.sort_unstable();
    others.dedup();
    if !others.is_empty() {
        lines.push(format!(
            "and roll out the rest before: it would replace these too, all at once: {}",
            others.join(", ")
        ));
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_no_tag() {
        assert_eq!(tag_of("slipway-upload:0.6.0"), Some("0.6.0"));
        assert_eq!(
            tag_of("registry.example.org:5000/team/slipway-upload"),
            None
        );
        assert_eq!(
            tag_of("registry.example.org:5000/team/slipway-upload:1"),
            Some("1")
        );
        assert_eq!(tag_of("slipway-upload"), None);
    }
}
