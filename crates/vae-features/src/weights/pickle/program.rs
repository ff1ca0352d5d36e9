//! The program that a pickle is, read as data.
//!
//! Of its instructions only those are known that a dictionary of tensors needs, and of the
//! functions it may name only the two that rebuild tensors and the ordered dictionary; nothing is
//! called. The depth of nested values is limited.

use std::collections::HashMap;
use std::rc::Rc;
use tch::Kind;

/// A tensor is a tuple of tuples in a dictionary.
const MAX_DEPTH: usize = 16;

/// A value on the stack.
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

/// A member of the archive that holds values.
#[derive(Debug)]
pub(super) struct Storage {
    /// Name of the member, below `data/`.
    pub key: String,
    /// `None` for a type that is not read.
    pub kind: Option<Kind>,
}

/// A tensor of the dictionary: where its values are.
#[derive(Debug)]
pub(super) struct Found {
    pub storage: Rc<Storage>,
    /// Of its first value in the storage, in elements.
    pub offset: usize,
    pub shape: Vec<usize>,
}

/// The instructions that a dictionary of tensors needs, by the names of Python's `pickle` and
/// `pickletools`.
mod op {
    pub const PROTO: u8 = 0x80;
    pub const NONE: u8 = b'N';
    pub const NEWTRUE: u8 = 0x88;
    pub const NEWFALSE: u8 = 0x89;
    pub const BININT: u8 = b'J';
    pub const BININT1: u8 = b'K';
    pub const BININT2: u8 = b'M';
    pub const LONG1: u8 = 0x8a;
    pub const BINUNICODE: u8 = b'X';
    pub const GLOBAL: u8 = b'c';
    pub const BINPUT: u8 = b'q';
    pub const LONG_BINPUT: u8 = b'r';
    pub const BINGET: u8 = b'h';
    pub const LONG_BINGET: u8 = b'j';
    pub const MARK: u8 = b'(';
    pub const EMPTY_TUPLE: u8 = b')';
    pub const TUPLE: u8 = b't';
    pub const TUPLE1: u8 = 0x85;
    pub const TUPLE2: u8 = 0x86;
    pub const TUPLE3: u8 = 0x87;
    pub const EMPTY_DICT: u8 = b'}';
    pub const EMPTY_LIST: u8 = b']';
    pub const SETITEM: u8 = b's';
    pub const SETITEMS: u8 = b'u';
    pub const BINPERSID: u8 = b'Q';
    pub const REDUCE: u8 = b'R';
    pub const BUILD: u8 = b'b';
    pub const STOP: u8 = b'.';
}

/// The stack machine of a pickle, with the rest of the code.
pub(super) struct Program<'c> {
    code: &'c [u8],
    stack: Vec<Value>,
    memo: HashMap<u32, Value>,
}

/// The result of a step of the program; the error is the reason to refuse the file.
pub(super) type Step<T> = Result<T, String>;

impl<'c> Program<'c> {
    pub fn new(code: &'c [u8]) -> Self {
        Self { code, stack: Vec::new(), memo: HashMap::new() }
    }

    /// Runs to the end; returns the tensors of the dictionary in its order.
    pub fn run(mut self) -> Step<Vec<(String, Rc<Found>)>> {
        loop {
            let [op] = self.take()?;
            if op == op::STOP {
                return entries(self.pop()?);
            }
            let is_known =
                self.push_literal(op)? || self.use_memo(op)? || self.collect(op)? || self.make_object(op)?;
            if !is_known {
                return Err(format!("the pickle has the instruction {op:#04x}, which weights do not need"));
            }
        }
    }

    /// Instructions that push a value which is written in the code, and the version in front.
    /// Whether `op` is one, as for the other groups.
    fn push_literal(&mut self, op: u8) -> Step<bool> {
        let value = match op {
            op::PROTO => {
                self.take::<1>()?;
                return Ok(true);
            }
            op::NONE => Value::None,
            // Booleans are arguments that are not used.
            op::NEWTRUE | op::NEWFALSE => Value::Int(i64::from(op == op::NEWTRUE)),
            op::BININT => Value::Int(i64::from(i32::from_le_bytes(self.take()?))),
            op::BININT1 => Value::Int(i64::from(u8::from_le_bytes(self.take()?))),
            op::BININT2 => Value::Int(i64::from(u16::from_le_bytes(self.take()?))),
            op::LONG1 => {
                let [len] = self.take()?;
                let bytes = self.bytes(usize::from(len))?;
                Value::Int(long(bytes).ok_or("a number is too large")?)
            }
            op::BINUNICODE => {
                let len = u32::from_le_bytes(self.take()?) as usize;
                let text = std::str::from_utf8(self.bytes(len)?).map_err(|_| "a name is not UTF-8")?;
                Value::Text(text.into())
            }
            op::GLOBAL => {
                let (module, name) = (self.line()?, self.line()?);
                Value::Global(format!("{module}.{name}").into())
            }
            _ => return Ok(false),
        };
        self.stack.push(value);
        Ok(true)
    }

    /// Instructions that keep a value for later, and that take it back.
    fn use_memo(&mut self, op: u8) -> Step<bool> {
        match op {
            op::BINPUT => {
                let [at] = self.take()?;
                self.remember(u32::from(at))?;
            }
            op::LONG_BINPUT => {
                let at = u32::from_le_bytes(self.take()?);
                self.remember(at)?;
            }
            op::BINGET => {
                let [at] = self.take()?;
                self.recall(u32::from(at))?;
            }
            op::LONG_BINGET => {
                let at = u32::from_le_bytes(self.take()?);
                self.recall(at)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Instructions of tuples and dictionaries.
    fn collect(&mut self, op: u8) -> Step<bool> {
        match op {
            op::MARK => self.stack.push(Value::Mark),
            op::EMPTY_TUPLE => self.stack.push(Value::Tuple(Rc::default(), 1)),
            op::TUPLE => {
                let items = self.items_to_mark()?;
                self.tuple(items)?;
            }
            op::TUPLE1 | op::TUPLE2 | op::TUPLE3 => {
                let n = usize::from(op - op::TUPLE1) + 1;
                let from = self.stack.len().checked_sub(n).ok_or("a tuple lacks items")?;
                let items = self.stack.split_off(from);
                self.tuple(items)?;
            }
            // Lists are not used; an empty one may occur in parts that are ignored.
            op::EMPTY_DICT | op::EMPTY_LIST => self.stack.push(Value::Dict(Vec::new())),
            op::SETITEM => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.set_items(vec![key, value])?;
            }
            op::SETITEMS => {
                let items = self.items_to_mark()?;
                self.set_items(items)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Instructions that make storages, tensors and ordered dictionaries.
    fn make_object(&mut self, op: u8) -> Step<bool> {
        match op {
            op::BINPERSID => {
                let id = self.pop()?;
                self.stack.push(storage(&id).ok_or("a storage is of an unknown form")?);
            }
            op::REDUCE => {
                let (arguments, function) = (self.pop()?, self.pop()?);
                self.stack.push(call(&function, &arguments)?);
            }
            // The state of an ordered dictionary: PyTorch's metadata about versions.
            op::BUILD => drop(self.pop()?),
            _ => return Ok(false),
        }
        Ok(true)
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
            // Dictionaries in dictionaries are PyTorch's metadata.
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
pub(super) fn long(bytes: &[u8]) -> Option<i64> {
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

/// The result of a named function for its arguments.
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
