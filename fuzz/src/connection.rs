pub fn connection(_: &[u8]) {}
