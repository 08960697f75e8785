// The handler of the Rust contestant: Lambda's Runtime API over one kept connection, with nothing but the standard
// library, so that it is built where no registry of crates is at hand.
use std::env;
use std::io::{BufRead, BufReader, Read, Result, Write};
use std::net::TcpStream;

const ANSWER: &str = r#"{"statusCode":200,"headers":{"content-type":"application/json"},"cookies":[],"body":"{\"hello\":\"cat\"}","isBase64Encoded":false}"#;

/// One HTTP answer: the request id in its headers, if any. The server closes the connection to end the process.
fn answer(reader: &mut BufReader<TcpStream>) -> Result<String> {
    let (mut id, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            std::process::exit(0);
        }
        if line.trim_end().is_empty() {
            break;
        }
        if let Some((name, value)) = line.trim_end().split_once(':') {
            match name.to_ascii_lowercase().as_str() {
                "lambda-runtime-aws-request-id" => id = value.trim().to_string(),
                "content-length" => length = value.trim().parse().unwrap(),
                _ => {}
            }
        }
    }
    reader.read_exact(&mut vec![0; length])?;
    Ok(id)
}

fn main() -> Result<()> {
    let api = env::var("AWS_LAMBDA_RUNTIME_API").unwrap();
    let api = api.trim_start_matches("http://");
    let (host, prefix) = match api.split_once('/') {
        Some((host, path)) => (host, format!("/{path}")),
        None => (api, String::new()),
    };
    let mut out = TcpStream::connect(host)?;
    out.set_nodelay(true)?;
    let mut reader = BufReader::new(out.try_clone()?);
    let path = format!("{prefix}/2018-06-01/runtime/invocation");
    loop {
        out.write_all(format!("GET {path}/next HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes())?;
        let id = answer(&mut reader)?;
        let head = format!("POST {path}/{id}/response HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json");
        out.write_all(format!("{head}\r\nContent-Length: {}\r\n\r\n{ANSWER}", ANSWER.len()).as_bytes())?;
        answer(&mut reader)?;
    }
}
