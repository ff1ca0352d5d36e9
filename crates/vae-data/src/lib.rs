//! Data sets in, ndarray out: formats, registry, downloader, and an embedded set
