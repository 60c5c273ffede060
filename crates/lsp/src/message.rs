//! Messages of JSON-RPC 2.0.

use serde_json::{Map, Value, json};

/// What a client said.
pub(crate) enum Message {
    /// It waits for an answer.
    Request {
        id: Value,
        method: String,
        params: Value,
    },
    /// It does not.
    Notification { method: String, params: Value },
    /// It answered; nothing was asked.
    Answer,
    /// It is no message.
    Wrong { id: Value, why: &'static str },
}

/// Numbers of errors.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Code {
    InvalidRequest = -32600,
    MethodNotFound = -32601,
    InvalidParams = -32602,
    NotInitialized = -32002,
}

impl Message {
    pub(crate) fn of(value: Value) -> Self {
        let wrong = |id: Value, why| Self::Wrong { id, why };
        let Value::Object(mut object) = value else {
            return wrong(Value::Null, "a message is an object");
        };
        let mut take = |name: &str| Map::remove(&mut object, name);
        let id = match take("id") {
            None => None,
            Some(id @ (Value::Number(_) | Value::String(_))) => Some(id),
            Some(_) => return wrong(Value::Null, "an id is a number or a string"),
        };
        let params = take("params").unwrap_or(Value::Null);
        match (take("method"), id) {
            (Some(Value::String(method)), Some(id)) => Self::Request { id, method, params },
            (Some(Value::String(method)), None) => Self::Notification { method, params },
            (None, Some(id)) => match take("result").or_else(|| take("error")) {
                Some(_) => Self::Answer,
                None => wrong(id, "a message has a method"),
            },
            (_, id) => wrong(id.unwrap_or(Value::Null), "a message has a method"),
        }
    }
}

pub(crate) fn result(id: &Value, result: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "result": result})
}

pub(crate) fn error(id: &Value, code: Code, why: &str) -> Value {
    let error = json!({"code": code as i32, "message": why});
    json!({"jsonrpc": "2.0", "id": id, "error": error})
}

pub(crate) fn notification(method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "method": method, "params": params})
}

/// The answer to what could not be read as a message at all.
pub fn refusal(why: &str) -> Value {
    error(&Value::Null, Code::InvalidRequest, why)
}
