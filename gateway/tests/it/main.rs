//! The gateway over real sockets: raw clients in front of it, and behind it services that do exactly what a test says.

mod bodies;
mod endings;
mod forwarding;
mod front;
mod harness;
mod live;
mod refusals;
mod resuming;
mod retrying;
mod tunnels;
