//! A server on this machine that does what it is told.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What the server is asked.
#[derive(Debug, Clone)]
pub struct Request {
    pub path: String,
    /// First byte asked for.
    pub range: Option<usize>,
    /// Of which content, in lower case.
    pub if_range: Option<String>,
    /// How many requests came before.
    pub nth: usize,
}

/// What it answers: bytes, and whether the connection then hangs.
pub struct Reply {
    pub bytes: Vec<u8>,
    pub hang: Duration,
}

pub fn reply(head: &str, body: &[u8]) -> Reply {
    let bytes = [format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n").as_bytes(), body].concat();
    Reply { bytes, hang: Duration::ZERO }
}

pub fn ok(body: &[u8]) -> Reply {
    reply(&format!("200 OK\r\nContent-Length: {}", body.len()), body)
}

/// An honest answer to a range request.
pub fn partial(body: &[u8], start: usize) -> Reply {
    let (end, len) = (body.len() - 1, body.len());
    let left = &body[start..];
    reply(
        &format!(
            "206 Partial Content\r\nContent-Range: bytes {start}-{end}/{len}\r\nContent-Length: {}",
            left.len()
        ),
        left,
    )
}

/// The same answer with other lines in its head.
pub fn with_head(reply: Reply, lines: &str) -> Reply {
    let at = reply.bytes.windows(2).position(|w| w == b"\r\n").expect("a head") + 2;
    let bytes = [&reply.bytes[..at], lines.as_bytes(), b"\r\n", &reply.bytes[at..]].concat();
    Reply { bytes, ..reply }
}

/// Announces all of the body and sends part of it.
pub fn broken_off(body: &[u8], keep: usize) -> Reply {
    reply(&format!("200 OK\r\nContent-Length: {}", body.len()), &body[..keep])
}

pub struct Server {
    pub address: String,
    pub log: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub fn start(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("address"));
        let log = Arc::new(Mutex::new(Vec::new()));
        let requests = Arc::clone(&log);
        let answer = Arc::new(answer);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("connection");
                let (answer, requests) = (Arc::clone(&answer), Arc::clone(&requests));
                thread::spawn(move || {
                    let Some(mut request) = read_request(&mut stream) else { return };
                    {
                        let mut requests = requests.lock().expect("log");
                        request.nth = requests.len();
                        requests.push(request.clone());
                    }
                    let Reply { bytes, hang } = answer(&request);
                    // The client may have given up already.
                    let _ = stream.write_all(&bytes);
                    thread::sleep(hang);
                });
            }
        });
        Self { address, log }
    }

    pub fn requests(&self) -> Vec<Request> {
        self.log.lock().expect("log").clone()
    }
}

pub fn read_request(stream: &mut TcpStream) -> Option<Request> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).expect("ascii").to_lowercase();
    assert!(head.contains("accept-encoding: identity"), "a .gz must come as it is: {head}");
    let range =
        head.lines().find_map(|line| line.strip_prefix("range: bytes=")?.strip_suffix('-')?.parse().ok());
    let if_range = head.lines().find_map(|line| line.strip_prefix("if-range: ")).map(str::to_owned);
    Some(Request { path: head.split(' ').nth(1)?.to_owned(), range, if_range, nth: 0 })
}
