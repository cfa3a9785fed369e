//! The command as people and scripts use it: the built program, from outside.

mod init;
mod publish;
mod relay;
mod slipway;
mod up;
mod verify;
