//! Tests of the server as a whole, in a world of its own.

mod exchange;
mod hostile;
mod positions;
mod world;
