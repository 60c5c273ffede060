//! <https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-date>

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde_json::Value;

use super::{Call, Fault, Item, at, own};

/// The forms of a time that are read, and written again where no format is asked for.
#[derive(Clone, Copy)]
enum Form {
    /// `2020-04-07 14:53:14Z`, `utcNow('u')`.
    Sortable,
    /// `20200407T145314Z`, `utcNow()`.
    Compact,
    /// `2020-04-07T14:53:14Z`.
    Extended,
}

impl Form {
    fn pattern(self) -> &'static str {
        match self {
            Self::Sortable => "yyyy-MM-dd HH:mm:ssZ",
            Self::Compact => "yyyyMMddTHHmmssZ",
            Self::Extended => "yyyy-MM-ddTHH:mm:ssZ",
        }
    }
}

/// A time in UTC; what has no offset is UTC.
fn read(text: &str) -> Option<(DateTime, Form)> {
    let form = match text.as_bytes().get(10) {
        Some(b' ') => Form::Sortable,
        Some(b'T') | None => Form::Extended,
        Some(_) => Form::Compact,
    };
    let time = match text.parse::<Timestamp>() {
        Ok(timestamp) => TimeZone::UTC.to_datetime(timestamp),
        Err(_) => text.trim_end_matches(['Z', 'z']).parse().ok()?,
    };
    Some((time, form))
}

/// `[-]P…`: ISO 8601.
fn span(text: &str) -> Option<Span> {
    text.parse().ok()
}

pub(super) fn add<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    let (base, duration) = call.two_strings(&arguments)?;
    let (time, form) = read(base).ok_or_else(|| not_a_time(call, base))?;
    let sum = span(duration)
        .and_then(|span| time.checked_add(span).ok())
        .ok_or_else(|| {
            call.refuses(&format!(
                "expects its second parameter to be an ISO 8601 duration. The provided value is '{duration}'."
            ))
        })?;
    let pattern = match arguments.get(2).map(AsRef::as_ref) {
        None => form.pattern(),
        Some(Value::String(pattern)) => pattern,
        Some(other) => return Err(call.expects("its third parameter to be a string", &[other])),
    };
    own(written(call, sum, pattern)?)
}

pub(super) fn utc_now<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    let pattern = match arguments.first().map(AsRef::as_ref) {
        None => Form::Compact.pattern(),
        Some(Value::String(pattern)) => pattern,
        Some(other) => return Err(call.expects("its parameter to be a string", &[other])),
    };
    let now = Timestamp::from_second(call.names.now())
        .map(|now| TimeZone::UTC.to_datetime(now))
        .map_err(|_| call.refuses("was invoked at a time that no calendar has."))?;
    own(written(call, now, pattern)?)
}

pub(super) fn to_epoch<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    let text = call.one_string(&arguments)?;
    let (time, _) = read(&text).ok_or_else(|| not_a_time(call, &text))?;
    TimeZone::UTC
        .to_timestamp(time)
        .map_err(|_| not_a_time(call, &text))
        .and_then(|time| own(time.as_second()))
}

pub(super) fn from_epoch<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    let seconds = at(&arguments, 0);
    let time = seconds
        .as_i64()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .ok_or_else(|| call.expects("its parameter to be an integer", &[seconds]))?;
    own(written(
        call,
        TimeZone::UTC.to_datetime(time),
        Form::Extended.pattern(),
    )?)
}

fn not_a_time(call: &Call<'_>, text: &str) -> Fault {
    call.refuses(&format!(
        "expects its first parameter to be an ISO 8601 timestamp. The provided value is '{text}'."
    ))
}

/// .NET's standard and custom formats, invariant culture:
/// <https://learn.microsoft.com/dotnet/standard/base-types/standard-date-and-time-format-strings>.
fn written(call: &Call<'_>, time: DateTime, pattern: &str) -> Result<String, Fault> {
    call.meter.charge(pattern.len())?;
    let mut only = pattern.chars();
    let custom = match (only.next(), only.next()) {
        (Some(letter), None) => match letter {
            'd' => "MM/dd/yyyy",
            'D' => "dddd, dd MMMM yyyy",
            'f' => "dddd, dd MMMM yyyy HH:mm",
            'F' => "dddd, dd MMMM yyyy HH:mm:ss",
            'g' => "MM/dd/yyyy HH:mm",
            'G' => "MM/dd/yyyy HH:mm:ss",
            'm' | 'M' => "MMMM dd",
            'o' | 'O' => "yyyy-MM-ddTHH:mm:ss.fffffffZ",
            'r' | 'R' => "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
            's' => "yyyy-MM-ddTHH:mm:ss",
            't' => "HH:mm",
            'T' => "HH:mm:ss",
            'u' => "yyyy-MM-dd HH:mm:ssZ",
            'U' => "dddd, dd MMMM yyyy HH:mm:ss",
            'y' | 'Y' => "yyyy MMMM",
            _ => {
                return Err(call.refuses(&format!(
                    "was invoked with the format '{pattern}', which is not in a correct format."
                )));
            }
        },
        _ => pattern,
    };
    let mut out = String::new();
    let chars: Vec<char> = custom.chars().collect();
    let mut index = 0;
    while let Some(&c) = chars.get(index) {
        let run = chars
            .iter()
            .skip(index)
            .take_while(|next| **next == c)
            .count();
        let mut used = run;
        match c {
            '\'' | '"' => {
                let rest = chars.get(index + 1..).unwrap_or_default();
                let length = rest
                    .iter()
                    .position(|next| *next == c)
                    .unwrap_or(rest.len());
                out.extend(rest.iter().take(length));
                used = length + 2;
            }
            '\\' => {
                out.extend(chars.get(index + 1));
                used = 2;
            }
            '%' => used = 1,
            _ => match field(time, c, run) {
                Some(text) => out.push_str(&text),
                None => out.extend(std::iter::repeat_n(c, run)),
            },
        }
        index += used;
    }
    Ok(out)
}

fn field(time: DateTime, letter: char, run: usize) -> Option<String> {
    const DAYS: [&str; 7] = [
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
        "Sunday",
    ];
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let name = |names: &[&str], index: i8, short: bool| {
        let name = usize::try_from(index).ok().and_then(|at| names.get(at));
        let name = name.copied().unwrap_or_default();
        Some(if short {
            name.chars().take(3).collect()
        } else {
            name.to_owned()
        })
    };
    let digits = |value: i64, width: usize| Some(format!("{value:0width$}"));
    let hour12 = |hour: i8| if hour % 12 == 0 { 12 } else { hour % 12 };
    match (letter, run) {
        ('d', 1 | 2) => digits(time.day().into(), run),
        ('d', _) => name(&DAYS, time.weekday().to_monday_zero_offset(), run == 3),
        ('M', 1 | 2) => digits(time.month().into(), run),
        ('M', _) => name(&MONTHS, time.month() - 1, run == 3),
        ('y', 1 | 2) => digits(i64::from(time.year()) % 100, run),
        ('y', _) => digits(time.year().into(), run),
        ('H', _) => digits(time.hour().into(), run.min(2)),
        ('h', _) => digits(hour12(time.hour()).into(), run.min(2)),
        ('m', _) => digits(time.minute().into(), run.min(2)),
        ('s', _) => digits(time.second().into(), run.min(2)),
        ('f', _) => {
            let all = format!("{:09}", time.subsec_nanosecond());
            Some(all.chars().take(run.min(7)).collect())
        }
        ('t', _) => {
            let half = if time.hour() < 12 { "AM" } else { "PM" };
            Some(half.chars().take(run).collect())
        }
        ('z', 1) => Some("+0".to_owned()),
        ('z', 2) => Some("+00".to_owned()),
        ('z', _) => Some("+00:00".to_owned()),
        ('K', _) => Some("Z".to_owned()),
        _ => None,
    }
}
