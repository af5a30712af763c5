//! The binary as its users see it: what they type, what they read, what their scripts rely on.

mod conf;
mod contract;
mod damage;
mod links;
mod live;
mod paths;
#[path = "../support/schema.rs"]
mod schema;
mod screen;
mod streams;
mod words;
mod world;
