use std::{env, process};

use crate::start;

#[test]
fn client_gets_its_message_back() {
    let path = env::temp_dir().join(format!("websocket-{}.sock", process::id()));
    let mut program = start("unix_socket", &[path.to_str().unwrap()]);
    program.printed(r#"Text("hello")"#);
    assert!(program.wait().success());
    assert!(!path.exists());
}
