//! The downloader against a server on this machine that lies, stalls, breaks off and forgets.

mod archives;
mod folder;
mod resume;
mod server;
mod sets;
mod transfer;
