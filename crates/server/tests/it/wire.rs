//! What holds for every path: problem documents, headers, compression, bodies.

mod bodies;
mod description;
mod headers;
mod problems;
