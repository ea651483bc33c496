//! End to end over real sockets, in one binary: a server in this process, clients of the load generator's kit. One module a subject.

mod class;
mod gym;
mod images;
mod inbox;
mod lists;
mod reports;
mod rooms;
mod trace;
