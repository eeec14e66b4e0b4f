use crate::start;

#[test]
fn client_gets_its_message_back() {
    let mut program = start("unix_socket", &[]);
    program.printed(r#"Text("hello")"#);
    assert!(program.wait().success());
}
