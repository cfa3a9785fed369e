//! The speed that an upload is measured against: what one process can do when it does only what durability demands.
//!
//! `slipway-limit ADDRESS FOLDER` takes one `PUT` at a time from a loopback socket, hashes the body in the same pass
//! that writes it to a file in FOLDER, makes file and folder durable, and answers 201 with the SHA-256. There is no
//! second process, no database, no token, no signature and no reading back. After a crash it promises only what it
//! has answered.

use std::env;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

use anyhow::{Context, bail};
use sha2::{Digest, Sha256};

/// Bytes read from the socket at a time: large enough that system calls do not count, small enough for the cache.
const CHUNK: usize = 256 * 1024;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [address, folder] = arguments.as_slice() else {
        bail!("usage: slipway-limit ADDRESS FOLDER");
    };
    let folder = Path::new(folder);
    fs::create_dir_all(folder).context("could not make the folder")?;
    let listener = TcpListener::bind(address).context("could not listen")?;
    for (number, stream) in listener.incoming().enumerate() {
        // A client that went away ends its own upload, not the server.
        let _ = stream
            .map_err(Into::into)
            .and_then(|stream| receive(stream, folder, number));
    }
    Ok(())
}

/// One request: its head, its body to the end, the answer.
fn receive(stream: TcpStream, folder: &Path, number: usize) -> anyhow::Result<()> {
    let mut answer = stream.try_clone()?;
    let mut reader = BufReader::with_capacity(CHUNK, stream);
    let head = read_head(&mut reader)?;
    if head.expects_continue {
        answer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    // A new file each time: truncating an old one would be work that no upload has.
    let path = folder.join(number.to_string());
    let digest = store(&mut reader.take(head.length), &path, folder)?;
    write!(
        answer,
        "HTTP/1.1 201 Created\r\nContent-Length: 64\r\nConnection: close\r\n\r\n{digest}"
    )?;
    Ok(())
}

struct Head {
    length: u64,
    expects_continue: bool,
}

fn read_head(reader: &mut impl BufRead) -> anyhow::Result<Head> {
    let mut head = Head {
        length: 0,
        expects_continue: false,
    };
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            bail!("the head ended early");
        }
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            return Ok(head);
        }
        if let Some(length) = line.strip_prefix("content-length:") {
            head.length = length.trim().parse()?;
        }
        head.expects_continue |= line.starts_with("expect:");
    }
}

/// Writes the body to `path`, hashing in the same pass; returns when the file and its folder are durable.
fn store(body: &mut impl Read, path: &Path, folder: &Path) -> anyhow::Result<String> {
    let mut file = File::create(path)?;
    let mut hash = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        let count = body.read(&mut chunk)?;
        if count == 0 {
            break;
        }
        hash.update(&chunk[..count]);
        file.write_all(&chunk[..count])?;
    }
    file.sync_all()?;
    File::open(folder)?.sync_all()?;
    Ok(hex::encode(hash.finalize()))
}
