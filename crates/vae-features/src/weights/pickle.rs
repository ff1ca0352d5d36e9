//! A state dictionary as `torch.save` writes it: a ZIP archive with `data.pkl`, a pickle of names and shapes, and
//! one member of raw values for each storage.
//!
//! A pickle is a program. Of its instructions only those are known that a dictionary of tensors needs, and of the
//! functions it may name only the two that rebuild tensors and the ordered dictionary; nothing is called. Every
//! limit that a hostile file could pass is checked: size, depth, and the lengths that the archive can fill.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::rc::Rc;
use tch::{Kind, Tensor};
use vae_core::bundle::Tensors;
use vae_core::{Error, Result};
use zip::ZipArchive;

/// The pickle of ResNet-50 has 60 kB.
const MAX_PICKLE_BYTES: u64 = 16 << 20;
/// Deflate cannot compress better than this (RFC 1951).
const MAX_DEFLATE_RATIO: u64 = 1032;
/// A tensor is a tuple of tuples in a dictionary.
const MAX_DEPTH: usize = 16;

type Archive = ZipArchive<BufReader<File>>;

/// What the instructions work on.
#[derive(Debug, Clone)]
enum Value {
    None,
    Mark,
    Int(i64),
    Text(Rc<str>),
    Global(Rc<str>),
    Tuple(Rc<Vec<Value>>, usize),
    Storage(Rc<Storage>),
    Tensor(Rc<Found>),
    Dict(Vec<(Value, Value)>),
}

#[derive(Debug)]
struct Storage {
    key: String,
    kind: Option<Kind>,
}

#[derive(Debug)]
struct Found {
    storage: Rc<Storage>,
    offset: usize,
    shape: Vec<usize>,
}

/// Reads all f32 and f64 tensors of the dictionary.
pub(super) fn read(path: &Path, mut archive: Archive) -> Result<Tensors> {
    let fail = |why: &str| {
        Error::corrupt(path, format!("{why}; save it again with torch.save(model.state_dict(), file)"))
    };
    let root = archive
        .file_names()
        .find_map(|name| {
            name.strip_suffix("data.pkl").filter(|root| !root.trim_end_matches('/').contains('/'))
        })
        .map(str::to_owned)
        .ok_or_else(|| fail("the archive has no data.pkl"))?;
    let code = member(&mut archive, path, &format!("{root}data.pkl"), MAX_PICKLE_BYTES)?;
    let entries = Machine::new(&code).run().map_err(|why| fail(&why))?;
    let mut storages: HashMap<String, Vec<u8>> = HashMap::new();
    let mut tensors = Tensors::new();
    for (name, found) in entries {
        let Some(kind) = found.storage.kind else { continue };
        let key = &found.storage.key;
        if !storages.contains_key(key) {
            // Tensors share a storage where they are neighbours; one at a time is held otherwise.
            storages.clear();
            storages.insert(key.clone(), member(&mut archive, path, &format!("{root}data/{key}"), u64::MAX)?);
        }
        let size = kind.elt_size_in_bytes();
        let range =
            found.shape.iter().try_fold(1_usize, |product, dim| product.checked_mul(*dim)).and_then(|n| {
                let start = found.offset.checked_mul(size)?;
                Some(start..start.checked_add(n.checked_mul(size)?)?)
            });
        let bytes = range.and_then(|range| storages.get(key)?.get(range));
        let bytes = bytes.ok_or_else(|| fail(&format!("tensor `{name}` is larger than its values")))?;
        let shape: Vec<i64> = found.shape.iter().map(|dim| *dim as i64).collect();
        tensors.insert(name, Tensor::f_from_data_size(bytes, &shape, kind)?.f_to_kind(Kind::Float)?);
    }
    Ok(tensors)
}

/// Bytes of one member, no more than it can hold and than `limit`.
fn member(archive: &mut Archive, path: &Path, name: &str, limit: u64) -> Result<Vec<u8>> {
    let damaged =
        |why: String| Error::corrupt(path, format!("{name}: {why}; the file is damaged: get it again"));
    let member = archive.by_name(name).map_err(|e| damaged(e.to_string()))?;
    let bound = member.size().min(member.compressed_size().saturating_mul(MAX_DEFLATE_RATIO));
    if bound > limit {
        return Err(damaged(format!("{bound} bytes, at most {limit} are expected")));
    }
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(bound as usize).map_err(|e| damaged(e.to_string()))?;
    member.take(bound).read_to_end(&mut bytes).map_err(|e| damaged(e.to_string()))?;
    Ok(bytes)
}

/// The stack machine of a pickle.
struct Machine<'c> {
    code: &'c [u8],
    stack: Vec<Value>,
    memo: HashMap<u32, Value>,
}

type Step<T> = std::result::Result<T, String>;

impl<'c> Machine<'c> {
    fn new(code: &'c [u8]) -> Self {
        Self { code, stack: Vec::new(), memo: HashMap::new() }
    }

    /// Runs to the end; returns the tensors of the dictionary in its order.
    fn run(mut self) -> Step<Vec<(String, Rc<Found>)>> {
        loop {
            let [op] = self.take()?;
            match op {
                0x80 => drop(self.take::<1>()?),
                b'N' => self.stack.push(Value::None),
                b'(' => self.stack.push(Value::Mark),
                // Booleans are only ever arguments that are not looked at.
                0x88 | 0x89 => self.stack.push(Value::Int(i64::from(op == 0x88))),
                b'J' => {
                    let bytes = self.take()?;
                    self.stack.push(Value::Int(i64::from(i32::from_le_bytes(bytes))));
                }
                b'K' => {
                    let [byte] = self.take()?;
                    self.stack.push(Value::Int(i64::from(byte)));
                }
                b'M' => {
                    let bytes = self.take()?;
                    self.stack.push(Value::Int(i64::from(u16::from_le_bytes(bytes))));
                }
                0x8a => {
                    let [len] = self.take()?;
                    let bytes = self.bytes(usize::from(len))?;
                    self.stack.push(Value::Int(long(bytes).ok_or("a number is too large")?));
                }
                b'X' => {
                    let len = u32::from_le_bytes(self.take()?) as usize;
                    let text = std::str::from_utf8(self.bytes(len)?).map_err(|_| "a name is not UTF-8")?;
                    self.stack.push(Value::Text(text.into()));
                }
                b'c' => {
                    let (module, name) = (self.line()?, self.line()?);
                    self.stack.push(Value::Global(format!("{module}.{name}").into()));
                }
                b'q' => {
                    let [at] = self.take()?;
                    self.remember(u32::from(at))?;
                }
                b'r' => {
                    let at = u32::from_le_bytes(self.take()?);
                    self.remember(at)?;
                }
                b'h' => {
                    let [at] = self.take()?;
                    self.recall(u32::from(at))?;
                }
                b'j' => {
                    let at = u32::from_le_bytes(self.take()?);
                    self.recall(at)?;
                }
                b')' => self.stack.push(Value::Tuple(Rc::default(), 1)),
                b't' => {
                    let items = self.items_to_mark()?;
                    self.tuple(items)?;
                }
                0x85..=0x87 => {
                    let from =
                        self.stack.len().checked_sub(usize::from(op - 0x84)).ok_or("a tuple lacks items")?;
                    let items = self.stack.split_off(from);
                    self.tuple(items)?;
                }
                // Lists do not occur in what is read; an empty one may stand in what is not.
                b'}' | b']' => self.stack.push(Value::Dict(Vec::new())),
                b's' => {
                    let (value, key) = (self.pop()?, self.pop()?);
                    self.set_items(vec![key, value])?;
                }
                b'u' => {
                    let items = self.items_to_mark()?;
                    self.set_items(items)?;
                }
                b'Q' => {
                    let id = self.pop()?;
                    self.stack.push(storage(&id).ok_or("a storage is of an unknown form")?);
                }
                b'R' => {
                    let (arguments, function) = (self.pop()?, self.pop()?);
                    self.stack.push(call(&function, &arguments)?);
                }
                // The state of an ordered dictionary: notes of PyTorch's about versions.
                b'b' => drop(self.pop()?),
                b'.' => return entries(self.pop()?),
                other => {
                    return Err(format!(
                        "the pickle has the instruction {other:#04x}, which weights do not need"
                    ));
                }
            }
        }
    }

    fn bytes(&mut self, n: usize) -> Step<&'c [u8]> {
        let (bytes, rest) = self.code.split_at_checked(n).ok_or("the pickle is cut short")?;
        self.code = rest;
        Ok(bytes)
    }

    fn take<const N: usize>(&mut self) -> Step<[u8; N]> {
        let bytes = self.bytes(N)?;
        bytes.try_into().map_err(|_| "the pickle is cut short".to_owned())
    }

    fn line(&mut self) -> Step<&'c str> {
        let end = self.code.iter().take(200).position(|b| *b == b'\n').ok_or("a name has no end")?;
        let line = self.bytes(end)?;
        self.bytes(1)?;
        std::str::from_utf8(line).map_err(|_| "a name is not UTF-8".to_owned())
    }

    fn pop(&mut self) -> Step<Value> {
        match self.stack.pop() {
            None | Some(Value::Mark) => Err("the pickle takes more than there is".to_owned()),
            Some(value) => Ok(value),
        }
    }

    fn items_to_mark(&mut self) -> Step<Vec<Value>> {
        let mark =
            self.stack.iter().rposition(|v| matches!(v, Value::Mark)).ok_or("the pickle lacks a mark")?;
        let items = self.stack.split_off(mark + 1);
        self.stack.pop();
        Ok(items)
    }

    fn tuple(&mut self, items: Vec<Value>) -> Step<()> {
        let depth_of = |value: &Value| match value {
            Value::Tuple(_, depth) => *depth,
            _ => 0,
        };
        let depth = 1 + items.iter().map(depth_of).max().unwrap_or(0);
        if depth > MAX_DEPTH
            || items.iter().any(|v| matches!(v, Value::Mark | Value::Dict(_))) && items.len() > 16
        {
            return Err("the pickle is nested deeper than weights are".to_owned());
        }
        self.stack.push(Value::Tuple(Rc::new(items), depth));
        Ok(())
    }

    fn set_items(&mut self, items: Vec<Value>) -> Step<()> {
        let Some(Value::Dict(entries)) = self.stack.last_mut() else {
            return Err("items are set on what is no dictionary".to_owned());
        };
        let mut items = items.into_iter();
        while let Some(key) = items.next() {
            let value = items.next().ok_or("a key lacks its value")?;
            // Dictionaries in dictionaries are PyTorch's notes.
            entries.push((key, if matches!(value, Value::Dict(_)) { Value::None } else { value }));
        }
        Ok(())
    }

    /// Dictionaries are never referred to again in a file of weights, so they are not copied.
    fn remember(&mut self, at: u32) -> Step<()> {
        let value = match self.stack.last() {
            None | Some(Value::Mark) => return Err("the pickle keeps what is not there".to_owned()),
            Some(Value::Dict(_)) => Value::None,
            Some(value) => value.clone(),
        };
        self.memo.insert(at, value);
        Ok(())
    }

    fn recall(&mut self, at: u32) -> Step<()> {
        let value = self.memo.get(&at).cloned().ok_or("the pickle refers to what it did not keep")?;
        self.stack.push(value);
        Ok(())
    }
}

/// A little-endian number of two's complement.
fn long(bytes: &[u8]) -> Option<i64> {
    let sign = bytes.last().map_or(0, |b| if b & 0x80 == 0 { 0 } else { 0xff });
    let mut all = [sign; 8];
    all.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(i64::from_le_bytes(all))
}

/// `("storage", torch.FloatStorage, "17", "cpu", 64)`.
fn storage(id: &Value) -> Option<Value> {
    let Value::Tuple(items, _) = id else { return None };
    let [Value::Text(word), Value::Global(class), Value::Text(key), ..] = items.as_slice() else {
        return None;
    };
    let is_name = key.bytes().all(|b| b.is_ascii_alphanumeric());
    let kind = match class.as_ref() {
        "torch.FloatStorage" => Some(Kind::Float),
        "torch.DoubleStorage" => Some(Kind::Double),
        _ => None,
    };
    (word.as_ref() == "storage" && is_name)
        .then(|| Value::Storage(Rc::new(Storage { key: key.to_string(), kind })))
}

/// What a named function would make of its arguments.
fn call(function: &Value, arguments: &Value) -> Step<Value> {
    let (Value::Global(name), Value::Tuple(arguments, _)) = (function, arguments) else {
        return Err("the pickle calls what is no function".to_owned());
    };
    match (name.as_ref(), arguments.as_slice()) {
        ("collections.OrderedDict", _) => Ok(Value::Dict(Vec::new())),
        ("torch._utils._rebuild_parameter", [tensor @ Value::Tensor(_), ..]) => Ok(tensor.clone()),
        (
            "torch._utils._rebuild_tensor_v2",
            [Value::Storage(storage), Value::Int(offset), shape, strides, ..],
        ) => {
            let (shape, strides) = (sizes(shape)?, sizes(strides)?);
            if !is_contiguous(&shape, &strides) {
                return Err("a tensor is not stored row by row".to_owned());
            }
            let offset = usize::try_from(*offset).map_err(|_| "an offset is negative")?;
            Ok(Value::Tensor(Rc::new(Found { storage: Rc::clone(storage), offset, shape })))
        }
        _ => Err(format!("the pickle calls {name}, which weights do not need")),
    }
}

fn sizes(value: &Value) -> Step<Vec<usize>> {
    let Value::Tuple(items, _) = value else { return Err("a shape is no tuple".to_owned()) };
    let size = |item: &Value| match item {
        Value::Int(size) => usize::try_from(*size).map_err(|_| "a size is negative".to_owned()),
        _ => Err("a size is no number".to_owned()),
    };
    items.iter().map(size).collect()
}

fn is_contiguous(shape: &[usize], strides: &[usize]) -> bool {
    let mut expected = Some(1_usize);
    shape.len() == strides.len()
        && shape.iter().zip(strides).rev().all(|(size, stride)| {
            let fits = *size <= 1 || expected == Some(*stride);
            expected = expected.and_then(|e| e.checked_mul(*size));
            fits
        })
}

fn entries(value: Value) -> Step<Vec<(String, Rc<Found>)>> {
    let Value::Dict(entries) = value else {
        return Err("the file holds no dictionary of tensors".to_owned());
    };
    let tensor = |(key, value)| match (key, value) {
        (Value::Text(name), Value::Tensor(found)) => Some((name.to_string(), found)),
        _ => None,
    };
    Ok(entries.into_iter().filter_map(tensor).collect())
}

#[cfg(test)]
#[path = "pickle_tests.rs"]
mod tests;
