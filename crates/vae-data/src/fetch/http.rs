//! One file over HTTP: mirrors, tries, resuming by `Range` (RFC 9110, section 14), and the checks
//! of what came. What has no published checksum is resumed in a later run where `If-Range` shows
//! that it is the same file.

use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use ureq::http::Response;
use ureq::{Agent, Body};

use crate::error::{Attempt, Error, Result};
use crate::fetch::check::{check_download, sync_folder};
use crate::fetch::{FetchOptions, OnProgress, Progress};
use crate::registry::{Download, Entry};

/// No set is larger; a server that never stops is stopped here.
const MAX_BYTES: u64 = 64 << 30;
/// A try that gets on by this much does not count as failed.
const REAL_PROGRESS: u64 = 1 << 20;
const MAX_WAIT: Duration = Duration::from_secs(60);

/// The temporary file of a download, locked against other processes. Its name is fixed, so the next
/// run finds it.
///
/// Where no checksum is published, a file beside it says which content it is the beginning of.
pub(super) struct Part {
    path: PathBuf,
    file: File,
}

/// What an address says about the content it sends, so that the rest of it can be asked for later
/// (RFC 9110, section 13.1.5): a strong entity tag or a date.
#[derive(Debug, PartialEq)]
struct Origin {
    url: String,
    validator: String,
}

impl Part {
    pub fn lock(folder: &Path, name: &str) -> Result<Self> {
        let path = folder.join(format!(".{name}.part"));
        let open = File::options().create(true).read(true).write(true).truncate(false).open(&path);
        let file = open.map_err(Error::io("create", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { path, file }),
            Err(TryLockError::WouldBlock) => Err(Error::Busy { path }),
            // Some network file systems have no locks; the checksum decides there.
            Err(TryLockError::Error(_)) => Ok(Self { path, file }),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    fn len(&self) -> Result<u64> {
        Ok(self.file.metadata().map_err(Error::io("read", &self.path))?.len())
    }

    fn clear(&self) -> Result<()> {
        self.file.set_len(0).map_err(Error::io("write", &self.path))?;
        self.remove_origin()
    }

    /// `.NAME.part.tag`.
    fn origin_path(&self) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(".tag");
        name.into()
    }

    /// Of what the content is the beginning, if that is known.
    fn origin(&self) -> Option<Origin> {
        let text = fs::read_to_string(self.origin_path()).ok()?;
        let (url, validator) = text.strip_suffix('\n')?.split_once('\n')?;
        Some(Origin { url: url.to_owned(), validator: validator.to_owned() })
    }

    fn set_origin(&self, Origin { url, validator }: &Origin) -> Result<()> {
        let path = self.origin_path();
        fs::write(&path, format!("{url}\n{validator}\n")).map_err(Error::io("write", &path))
    }

    fn remove_origin(&self) -> Result<()> {
        let path = self.origin_path();
        match fs::remove_file(&path) {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(Error::io("remove", &path)(e)),
            _ => Ok(()),
        }
    }

    /// After a failure: nothing to go on with is not left lying about.
    pub fn remove_if_empty(self) -> Result<()> {
        if self.len()? == 0 { self.remove() } else { Ok(()) }
    }

    pub fn rename_to(self, path: &Path) -> Result<()> {
        self.remove_origin()?;
        let rename = || {
            self.file.sync_all()?;
            fs::rename(&self.path, path)?;
            sync_folder(path.parent().unwrap_or(Path::new(".")))
        };
        rename().map_err(Error::io("write", path))
    }

    pub fn remove(self) -> Result<()> {
        self.remove_origin()?;
        fs::remove_file(&self.path).map_err(Error::io("remove", &self.path))
    }
}

/// One download with all it needs.
pub(super) struct Job<'a> {
    pub entry: &'a Entry,
    pub download: &'a Download,
    pub folder: &'a Path,
    pub options: &'a FetchOptions,
    /// SHA-256 of an earlier fetch, for downloads without a published checksum.
    pub pin: Option<String>,
}

/// Why a try failed, and whether the same address deserves another.
struct Failure {
    reason: String,
    retry: bool,
}

fn again(reason: impl ToString) -> Failure {
    Failure { reason: reason.to_string(), retry: true }
}

fn give_up(reason: impl ToString) -> Failure {
    Failure { reason: reason.to_string(), retry: false }
}

impl Job<'_> {
    /// Gets the file into `part` and checks it; returns its SHA-256.
    pub fn run(&self, part: &Part, progress: OnProgress<'_>) -> Result<String> {
        let agent = agent(self.options);
        let mut attempts = Vec::new();
        for url in &self.download.urls {
            match self.try_url(&agent, url, part, progress)? {
                Ok(sha256) => return Ok(sha256),
                Err((tries, reason)) => attempts.push(Attempt { url: url.clone(), tries, reason }),
            }
        }
        Err(Error::Download { file: self.download.name.clone(), folder: self.folder.to_owned(), attempts })
    }

    /// Whether a published checksum shows that two parts of a file belong together.
    fn is_checked(&self) -> bool {
        self.download.md5.is_some() || self.download.sha256.is_some()
    }

    /// All tries of one address; the outer error is this machine's, the inner one the address's.
    fn try_url(
        &self,
        agent: &Agent,
        url: &str,
        part: &Part,
        progress: OnProgress<'_>,
    ) -> Result<Result<String, (u32, String)>> {
        if !self.is_checked() && part.origin().is_none_or(|origin| origin.url != url) {
            // Nothing could tell whether the rest fits.
            part.clear()?;
        }
        let (mut tries, mut fruitless) = (0, 0);
        loop {
            let before = part.len()?;
            tries += 1;
            let failure = match self.receive(agent, url, part, progress)? {
                Ok(fresh) => match self.check(part, progress)? {
                    Ok(sha256) => return Ok(Ok(sha256)),
                    Err(reason) => {
                        part.clear()?;
                        // A file put together of two downloads gets another chance, a whole one is
                        // a wrong one.
                        Failure { reason, retry: !fresh }
                    }
                },
                Err(failure) => failure,
            };
            let got_on = part.len()?.saturating_sub(before) >= REAL_PROGRESS;
            fruitless = if got_on { 0 } else { fruitless + 1 };
            if !failure.retry || fruitless >= self.options.tries {
                return Ok(Err((tries, failure.reason)));
            }
            let doubling = 1_u32 << fruitless.saturating_sub(1).min(16);
            let wait = self.options.backoff.saturating_mul(doubling).min(MAX_WAIT);
            progress(Progress::Retrying { file: &self.download.name, reason: &failure.reason, wait });
            thread::sleep(wait);
        }
    }

    fn check(&self, part: &Part, progress: OnProgress<'_>) -> Result<Result<String, String>> {
        progress(Progress::Checking { file: &self.download.name });
        let content = match self.download.unpack {
            None => self.download.gives.first().and_then(|name| self.entry.file(name)),
            Some(_) => None,
        };
        check_download(&part.path, self.download, content, self.pin.as_deref())
    }

    /// One request; appends what comes to `part`. Returns whether all of the file came by this
    /// request.
    fn receive(
        &self,
        agent: &Agent,
        url: &str,
        part: &Part,
        progress: OnProgress<'_>,
    ) -> Result<Result<bool, Failure>> {
        let mut start = part.len()?;
        if self.download.bytes.is_some_and(|bytes| start > bytes) {
            part.clear()?;
            start = 0;
        }
        if start > 0 && self.download.bytes == Some(start) {
            return Ok(Ok(false));
        }
        // The bytes as they are: a .gz that the transport unpacks would not match its checksum.
        let mut request = agent.get(url).header("Accept-Encoding", "identity");
        let known = part.origin().filter(|_| start > 0 && !self.is_checked());
        if start > 0 {
            request = request.header("Range", format!("bytes={start}-"));
        }
        if let Some(Origin { validator, .. }) = &known {
            request = request.header("If-Range", validator);
        }
        let response = match request.call() {
            Ok(response) => response,
            Err(ureq::Error::BadUri(uri)) => return Ok(Err(give_up(format!("bad address {uri}")))),
            Err(error) => return Ok(Err(again(error))),
        };
        let total = match self.accept(&response, start) {
            Ok((at, total)) => {
                let sent = validator_of(&response).map(|validator| Origin { url: url.to_owned(), validator });
                if at == 0 {
                    part.clear()?;
                    if let Some(sent) = sent.filter(|_| !self.is_checked()) {
                        part.set_origin(&sent)?;
                    }
                } else if known.is_some() && sent.is_some() && sent != known {
                    part.clear()?;
                    return Ok(Err(again("the server sent the rest of another file")));
                }
                start = at;
                total
            }
            Err(failure) => {
                if response.status() == 416 {
                    part.clear()?;
                }
                return Ok(Err(failure));
            }
        };
        progress(Progress::Started { file: &self.download.name, url, resumed_at: start, total });
        Ok(self.copy(response.into_body(), part, start, total, progress)?.map(|()| start == 0))
    }

    /// Where the answer's first byte belongs, and the length of the whole file if it is known.
    fn accept(&self, response: &Response<Body>, start: u64) -> Result<(u64, Option<u64>), Failure> {
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        let status = response.status().as_u16();
        let (at, total) = match status {
            200 => (0, header("content-length").and_then(|text| text.parse().ok())),
            206 => match header("content-range").and_then(parse_content_range) {
                Some((at, total)) if at == start && start > 0 => (at, total),
                _ => return Err(again("the server answered with another range than asked for")),
            },
            408 | 416 | 425 | 429 | 500..=599 => return Err(again(format!("the server answered {status}"))),
            _ => return Err(give_up(format!("the server answered {status}"))),
        };
        match (total, self.download.bytes) {
            (Some(total), Some(bytes)) if total != bytes => {
                Err(give_up(format!("the server offers {total} bytes, {bytes} are expected")))
            }
            (total, bytes) => Ok((at, total.or(bytes))),
        }
    }

    fn copy(
        &self,
        body: Body,
        part: &Part,
        start: u64,
        total: Option<u64>,
        progress: OnProgress<'_>,
    ) -> Result<Result<(), Failure>> {
        let limit = total.or(self.download.bytes).unwrap_or(MAX_BYTES);
        let mut file = &part.file;
        file.seek(SeekFrom::Start(start)).map_err(Error::io("write", &part.path))?;
        let mut reader = body.into_reader();
        let mut buffer = vec![0; 64 * 1024];
        let mut done = start;
        loop {
            let n = match reader.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => n,
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Err(e) => return Ok(Err(again(format!("the connection broke off after {done} bytes: {e}")))),
            };
            done += n as u64;
            if done > limit {
                part.clear()?;
                return Ok(Err(give_up(format!("the server sends more than the expected {limit} bytes"))));
            }
            file.write_all(&buffer[..n]).map_err(Error::io("write", &part.path))?;
            progress(Progress::Received { file: &self.download.name, done, total });
        }
        match total {
            Some(total) if done < total => {
                Ok(Err(again(format!("the connection ended after {done} of {total} bytes"))))
            }
            _ => Ok(Ok(())),
        }
    }
}

fn agent(options: &FetchOptions) -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_resolve(Some(options.connect_timeout))
        .timeout_connect(Some(options.connect_timeout))
        .timeout_recv_response(Some(options.stall_timeout))
        .timeout_per_read(Some(options.stall_timeout))
        .user_agent(concat!("vae-data/", env!("CARGO_PKG_VERSION")))
        .build();
    config.into()
}

/// What names the content of an answer exactly: its entity tag if that is a strong one, else the
/// date of its last change, if that is not the very second of the answer (RFC 9110, section
/// 8.8.2.2).
fn validator_of(response: &Response<Body>) -> Option<String> {
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
    let tag = header("etag").filter(|tag| tag.starts_with('"'));
    let changed = || header("last-modified").filter(|date| header("date").is_some_and(|now| now != *date));
    tag.or_else(changed).map(str::to_owned)
}

/// `bytes 100-199/200` to where it starts and the whole length.
fn parse_content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = range.split_once('-')?;
    Some((start.parse().ok()?, total.parse().ok()))
}
