//! The wire held still: golden frames of every variant, byte budgets, and bytes that nobody should send.

mod budgets;
mod coverage;
mod frames;
mod golden;
mod hostile;
mod rooms;
