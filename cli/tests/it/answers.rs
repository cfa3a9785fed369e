//! Answers of something that is no platform, or a hostile one.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use slipway_runtime::token::Token;

use crate::slipway::{command, told};

/// Answers every request with a head and what `body` writes, until the other end has enough.
fn server(head: &'static str, body: fn(&mut TcpStream) -> std::io::Result<()>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address").to_string();
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let request = BufReader::new(client.try_clone().expect("a handle"));
            let is_head = |line: &String| !line.is_empty();
            request
                .lines()
                .map_while(Result::ok)
                .take_while(is_head)
                .for_each(drop);
            let _ = write!(client, "{head}\r\nconnection: close\r\n\r\n");
            let _ = body(&mut client);
        }
    });
    address
}

fn release(server: &str) -> (Option<i32>, String, String) {
    let mut command = command(&["release", "1.0", "--app", "notes", "--server", server]);
    let token = Token::random().expect("a token");
    command.env("SLIPWAY_TOKEN", token.reveal());
    told(&command.output().expect("the program runs"))
}

#[test]
fn an_answer_without_an_end_is_given_up() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json";
    let address = server(head, |client| {
        loop {
            client.write_all(&[b' '; 1024])?;
        }
    });
    let (code, _, said) = release(&address);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("not what Slipway answers"), "{said}");
}

#[test]
fn words_of_a_server_cannot_act_on_the_terminal() {
    let head = "HTTP/1.1 422 Unprocessable Content\r\ncontent-type: application/problem+json";
    let address = server(head, |client| {
        client.write_all(br#"{"code":"x","detail":"gone \u001b[2J\u009b1A\rslipway: published"}"#)
    });
    let (code, _, said) = release(&address);
    assert_eq!(code, Some(3), "{said}");
    assert!(
        said.contains(r"gone \u{1b}[2J\u{9b}1A\rslipway"),
        "{said:?}"
    );
}
