//! Days, as `2027-01-31`.

use jiff::{Timestamp, civil, tz::TimeZone};
use std::fmt;
use std::str::FromStr;

/// A day of the Gregorian calendar, from the year 1 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(civil::Date);

/// Not a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a date is written as 2027-01-31")]
pub struct NotADate;

impl Date {
    /// The day of so many seconds since 1970 began, in UTC; none after the year 9999.
    pub fn of_unix(seconds: u64) -> Option<Self> {
        let time = Timestamp::from_second(i64::try_from(seconds).ok()?).ok()?;
        Some(Self(TimeZone::UTC.to_datetime(time).date()))
    }
}

impl FromStr for Date {
    type Err = NotADate;

    fn from_str(text: &str) -> Result<Self, NotADate> {
        // ISO 8601 has more forms than the one that people are asked for.
        let shape = text.len() == 10 && text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-';
        match text.parse::<civil::Date>() {
            Ok(day) if shape && day.year() > 0 => Ok(Self(day)),
            _ => Err(NotADate),
        }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "test code")]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for text in ["2027-01-31", "2024-02-29", "2000-02-29", "0001-01-01"] {
            assert_eq!(text.parse::<Date>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "2027-1-31",
            "2027-02-29",
            "1900-02-29",
            "2027-13-01",
            "2027-00-10",
            "2027-01-00",
            "0000-01-01",
            "2027/01/31",
            "2027-01-311",
            "+027-01-31",
            "20é7-01-31",
        ] {
            assert_eq!(text.parse::<Date>(), Err(NotADate), "{text}");
        }
        assert!("2026-12-31".parse::<Date>().unwrap() < "2027-01-01".parse().unwrap());
    }

    #[test]
    fn seconds_are_days() {
        for (seconds, day) in [
            (0, "1970-01-01"),
            (951_782_399, "2000-02-28"),
            (951_782_400, "2000-02-29"),
            (951_868_800, "2000-03-01"),
            (1_798_761_599, "2026-12-31"),
            (1_798_761_600, "2027-01-01"),
            (4_107_542_399, "2100-02-28"),
            (4_107_542_400, "2100-03-01"),
        ] {
            assert_eq!(
                Date::of_unix(seconds).unwrap().to_string(),
                day,
                "{seconds}"
            );
        }
        assert_eq!(Date::of_unix(u64::MAX), None);
    }
}
