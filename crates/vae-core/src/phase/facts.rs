//! What a phase learns on its way and its record should say.

use serde_json::{Map, Value};
use std::sync::{Mutex, PoisonError};

/// Facts that code deep inside a phase states, for example how exact a search was. They go into the
/// `notes` of the phase's record, each name with a list of what was stated under it.
#[derive(Debug, Default)]
pub struct Facts(Mutex<Map<String, Value>>);

impl Facts {
    /// States one.
    pub fn state(&self, name: &str, fact: Value) {
        let mut facts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match facts.get_mut(name) {
            Some(Value::Array(stated)) => stated.push(fact),
            _ => drop(facts.insert(name.into(), Value::Array(vec![fact]))),
        }
    }

    /// What was stated so far, which is forgotten here.
    pub fn take(&self) -> Map<String, Value> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts back what was taken.
    pub(super) fn restore(&self, facts: Map<String, Value>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = facts;
    }
}

/// Adds facts to the notes of a record. Notes that are no object have no room for them.
pub(super) fn add(facts: Map<String, Value>, notes: &mut Value) {
    if facts.is_empty() {
        return;
    }
    if notes.is_null() {
        *notes = Value::Object(Map::new());
    }
    if let Value::Object(notes) = notes {
        notes.extend(facts);
    }
}
