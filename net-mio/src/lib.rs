//! The only code that touches the operating system: sockets, files, clocks, threads.
