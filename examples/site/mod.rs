//! What the sites of the examples are made of: pages, forms, cookies, sessions, and serving them.

pub(crate) mod cookie;
pub(crate) mod demo;
pub(crate) mod forms;
pub(crate) mod keys;
pub(crate) mod pages;
pub(crate) mod rim;
pub(crate) mod serve;
pub(crate) mod sessions;
pub(crate) mod sign_in;
pub(crate) mod users;
