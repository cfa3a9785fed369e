//! What `up` is told on its command line.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use slipway_runtime::settings::PublicUrl;

use super::instances::Instances;

/// Run the whole platform on this machine, no other software needed
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Folder of all state
    #[arg(long, value_name = "DIR", default_value = "data")]
    pub(super) data: PathBuf,
    /// Address to listen on, the only public one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub(super) listen: SocketAddr,
    /// Instances of services, such as upload=2,download=2 [default: one of each]
    #[arg(
        long,
        value_name = "SERVICE=N,…",
        default_value = "",
        hide_default_value = true
    )]
    pub(super) instances: Instances,
    /// Origin that users see, for addresses in documents [default: addresses have no origin]
    #[arg(long, value_name = "URL")]
    pub(super) public_url: Option<PublicUrl>,
    /// DIR is a copy: give it a platform identity of its own first
    #[arg(long)]
    pub(super) as_copy: bool,
    /// Start programs of DIR/versions that are in no release signed by the pinned key: whoever can write there runs what he likes
    #[arg(long)]
    pub(super) unsigned: bool,
    /// Go on with what an earlier program has left on standard input
    #[arg(long, hide = true)]
    pub(super) take_over: bool,
    /// Say by the exit code whether this program takes over what has this form, and do nothing
    #[arg(long, hide = true, value_name = "FORM")]
    pub(super) takes: Option<u32>,
}

impl Options {
    /// As they are written on a command line, for the program that `up` becomes.
    pub(super) fn arguments(&self) -> Vec<OsString> {
        let listen = self.listen.to_string();
        let mut arguments = vec!["up".into(), "--data".into(), self.data.clone().into()];
        arguments.extend(["--listen".into(), listen.into(), "--take-over".into()]);
        arguments.extend(["--instances".into(), self.instances.to_string().into()]);
        arguments.extend(self.unsigned.then(|| "--unsigned".into()));
        let url = self.public_url.as_ref();
        arguments.extend(
            url.iter()
                .flat_map(|url| ["--public-url".into(), url.to_string().into()]),
        );
        arguments
    }
}
