//! Points in time as the rows write them, reckoned without the code that they test.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::Row;

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The time at which the row is played: `2011-01-01T00:00:00Z`.
pub(crate) fn now(row: &Row) -> Result<SystemTime, String> {
    let text = row.text("now").unwrap_or("2026-01-01T00:00:00Z");
    let wrong = || format!("{text:?} is no time");
    let numbers: Vec<u64> = text.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect();
    let [year, month, day, hour, minute, second, ..] = numbers[..] else { return Err(wrong()) };
    let month = month.checked_sub(1).filter(|month| *month < 12).ok_or_else(wrong)?;
    Ok(at(year, month, day, [hour, minute, second]))
}

/// `Wed, 09 Dec 2009 16:27:23 GMT`.
pub(crate) fn imf(text: &str) -> Result<SystemTime, String> {
    let wrong = || format!("{text:?} is no date");
    let parts: Vec<&str> = text.split([' ', ':']).collect();
    let [_, day, month, year, hour, minute, second, "GMT"] = parts[..] else { return Err(wrong()) };
    let number = |text: &str| text.parse::<u64>().map_err(|_| wrong());
    let month = MONTHS.iter().zip(0..).find(|(name, _)| **name == month).ok_or_else(wrong)?.1;
    Ok(at(number(year)?, month, number(day)?, [number(hour)?, number(minute)?, number(second)?]))
}

/// Months are counted from 0, days from 1.
fn at(year: u64, month: u64, day: u64, [hour, minute, second]: [u64; 3]) -> SystemTime {
    let is_leap = |year: u64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = |month: u64| match month {
        1 => 28 + u64::from(is_leap(year)),
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    };
    let years: u64 = (1970..year).map(|year| 365 + u64::from(is_leap(year))).sum();
    let days = years + (0..month).map(length).sum::<u64>() + day.saturating_sub(1);
    UNIX_EPOCH + Duration::from_secs(days * 86_400 + hour * 3600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_seconds_from_1970() {
        let seconds = |text| imf(text).unwrap().duration_since(UNIX_EPOCH).unwrap().as_secs();
        assert_eq!(seconds("Thu, 01 Jan 1970 00:00:01 GMT"), 1);
        assert_eq!(seconds("Wed, 09 Dec 2009 16:27:23 GMT"), 1_260_376_043);
        assert_eq!(seconds("Thu, 29 Feb 2024 12:00:00 GMT"), 1_709_208_000);
        assert!(imf("09 Dec 2009").is_err());
    }
}
