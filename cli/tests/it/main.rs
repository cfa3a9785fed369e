//! The command as people and scripts use it: the built program, from outside.

mod accept_restore;
mod answers;
mod download;
mod init;
mod publish;
mod relay;
mod release;
mod services;
mod slipway;
mod succession;
mod up;
mod verify;
