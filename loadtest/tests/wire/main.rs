//! What goes over a socket, end to end against scripted peers: one binary, a module a subject.

mod client;
mod fleet;
mod rider;
mod script;
