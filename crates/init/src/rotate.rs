//! Replacing secrets beside a running platform, so that no request fails.
//!
//! A service believes whom its authorities have certified, and reads its folder again every ten seconds. So the next
//! authority is trusted by everybody before anybody proves itself by it, and the old one until nobody does any more. Each
//! step may be killed and is gone on with by the same command.

use std::time::{Duration, Instant};

use anyhow::bail;
use slipway_peers::identity::{READ_AGAIN, certificate_of};
use slipway_runtime::data::DataDir;
use slipway_runtime::process::slot::{Announcement, announcements};

use crate::authority::Authorities;
use crate::said::{notice_move, say};
use crate::secrets::replace_admin_token;

/// Time in which every process of this folder has read its own again, unless it hangs.
const PATIENCE: Duration = Duration::from_mins(1);
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// The authority and all certificates; with `finish` the last step of it.
pub(super) fn internal(data: &DataDir, finish: bool) -> anyhow::Result<()> {
    // What a copy remembers runs at its original, and would be waited for.
    notice_move(data)?;
    let services = data.services()?;
    let mut authorities = Authorities::open(data)?;
    if finish {
        authorities.fingerprint_of_next()?;
        let late = late(data, &|other| uses_its_certificate(data, other));
        if !late.is_empty() {
            bail!(
                "{} still proves itself with an old certificate: run `slipway init --rotate internal` again, then finish",
                late.join(", ")
            );
        }
        authorities.finish_rotation(&services)?;
        say("the old authority is trusted no more: the rotation has ended");
        return Ok(());
    }
    let next = authorities.begin_rotation(&services)?;
    say("a new authority was made; waiting until every service trusts it");
    wait(data, &|other| other.authorities.contains(&next))?;
    authorities.reissue(&services)?;
    say("new certificates were made; waiting until every service uses its own");
    wait(data, &|other| uses_its_certificate(data, other))?;
    say(
        "every service proves itself with a new certificate; end the rotation with: slipway init --rotate internal --finish",
    );
    Ok(())
}

/// The catalog takes the new token and ends the old one.
pub(super) fn admin(data: &DataDir) -> anyhow::Result<()> {
    replace_admin_token(data)?;
    say(format_args!(
        "a new admin token is in {}; within ten seconds it counts and the old one does not",
        data.admin_token().display()
    ));
    Ok(())
}

/// An authority near its end is replaced as any other is.
pub(super) fn before_the_end(data: &DataDir) -> anyhow::Result<()> {
    if !Authorities::open(data)?.ends_soon() {
        return Ok(());
    }
    say("the platform's authority ends within a year and is replaced");
    internal(data, false)?;
    internal(data, true)
}

fn uses_its_certificate(data: &DataDir, other: &Announcement) -> bool {
    certificate_of(&other.service, data).is_ok_and(|own| own == other.certificate)
}

/// The living instances of this folder that are not `ready` yet.
fn late(data: &DataDir, ready: &impl Fn(&Announcement) -> bool) -> Vec<String> {
    let living = announcements(data).into_iter().filter(Announcement::lives);
    let late = living.filter(|other| !ready(other));
    late.map(|other| format!("{} (process {})", other.service, other.pid))
        .collect()
}

/// Waits until every instance of this folder is `ready`. Where none is to be seen, as in a container, for the time in which
/// each has read its folder twice.
fn wait(data: &DataDir, ready: &impl Fn(&Announcement) -> bool) -> anyhow::Result<()> {
    let begun = Instant::now();
    let somebody = announcements(data).iter().any(Announcement::lives);
    loop {
        let late = late(data, ready);
        let over = if somebody { PATIENCE } else { READ_AGAIN * 2 };
        match (somebody, late.is_empty(), begun.elapsed() > over) {
            (true, true, _) | (false, _, true) => return Ok(()),
            (true, false, true) => bail!(
                "{} has not read its folder within {} s: see what it does, then run the same command again",
                late.join(", "),
                PATIENCE.as_secs()
            ),
            _ => std::thread::sleep(LOOK_AGAIN),
        }
    }
}
