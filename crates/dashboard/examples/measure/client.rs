//! As much of HTTP as a page needs.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::Result;

/// A connection that is asked one thing after the other, as a browser does it.
pub(crate) struct Client(BufReader<TcpStream>);

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Asks the API for something, and gives the body of the answer; nothing where there is no such thing.
    pub(crate) fn get(&mut self, path: &str) -> Result<Option<String>> {
        let head = format!("GET /api/v1{path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        self.0.get_mut().write_all(head.as_bytes())?;
        let (mut status, mut length) = (String::new(), None);
        self.0.read_line(&mut status)?;
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line)?;
            match line.trim_end().split_once(": ") {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = Some(value.parse()?);
                }
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length.ok_or("the answer has no length")?];
        self.0.read_exact(&mut body)?;
        let body = String::from_utf8(body)?;
        match status.split(' ').nth(1) {
            Some("200") => Ok(Some(body)),
            Some("404") => Ok(None),
            _ => Err(format!("{path}: {status}{body}").into()),
        }
    }
}

/// Asks the API for something that there is.
pub(crate) fn get(address: SocketAddr, path: &str) -> Result<String> {
    let body = Client::connect(address)?.get(path)?;
    body.ok_or_else(|| format!("there is no {path}").into())
}

/// Asks for the news, and gives the connection on which they come.
pub(crate) fn listen(address: SocketAddr) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    write!(stream, "GET /api/v1/live HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
    Ok(stream)
}
