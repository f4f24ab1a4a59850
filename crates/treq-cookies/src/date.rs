use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The time that the value of `Expires` names, by the algorithm of [RFC 6265bis, section
/// 5.1.1](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.1.1): day, month, year and time
/// in any order and with nearly anything between them, always taken as UTC. `None` if one is missing or out of range.
pub(crate) fn parse_date(text: &[u8]) -> Option<SystemTime> {
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    for token in text.split(|&byte| is_delimiter(byte)).filter(|token| !token.is_empty()) {
        // Each token is the first of these that it can be and that is still open.
        if time.is_none() {
            time = time_of(token);
            if time.is_some() {
                continue;
            }
        }
        if day.is_none() {
            day = number(token, 1, 2);
            if day.is_some() {
                continue;
            }
        }
        if month.is_none() {
            month = month_of(token);
            if month.is_some() {
                continue;
            }
        }
        if year.is_none() {
            year = number(token, 2, 4);
        }
    }
    let ((hour, minute, second), day, month) = (time?, day?, month?);
    let year = match year? {
        short @ 0..=69 => short + 2000,
        short @ 70..=99 => short + 1900,
        long => long,
    };
    let in_range = year >= 1601 && (1..=days_in(year, month)).contains(&day);
    if !in_range || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    at(days(year, month, day) * 86_400 + i64::from(hour * 3600 + minute * 60 + second))
}

fn is_delimiter(byte: u8) -> bool {
    matches!(byte, 0x09 | 0x20..=0x2f | 0x3b..=0x40 | 0x5b..=0x60 | 0x7b..=0x7e)
}

/// `least` to `most` digits, then the end or anything that begins with no digit.
fn number(token: &[u8], least: usize, most: usize) -> Option<u32> {
    let digits = token.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits < least || digits > most {
        return None;
    }
    Some(token[..digits].iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0')))
}

fn time_of(token: &[u8]) -> Option<(u32, u32, u32)> {
    let mut fields = token.splitn(3, |&byte| byte == b':');
    let (hour, minute, second) = (fields.next()?, fields.next()?, fields.next()?);
    let whole = |field: &[u8]| field.iter().all(u8::is_ascii_digit).then(|| number(field, 1, 2)).flatten();
    Some((whole(hour)?, whole(minute)?, number(second, 1, 2)?))
}

fn month_of(token: &[u8]) -> Option<u32> {
    const MONTHS: [&[u8; 3]; 12] =
        [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];
    let first = token.get(..3)?;
    (1..).zip(MONTHS).find(|(_, month)| first.eq_ignore_ascii_case(&month[..])).map(|(at, _)| at)
}

fn is_leap(year: u32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(year: u32, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to this one of the Gregorian calendar.
fn days(year: u32, month: u32, day: u32) -> i64 {
    // A year that begins with March has its leap day at the end.
    let year = i64::from(year) - i64::from(month <= 2);
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((i64::from(month) + 9) % 12) + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of so many days after 1970-01-01.
#[cfg(feature = "json")]
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let of_era = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * of_era + of_era / 4 - of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let month = (shifted_month + 2) % 12 + 1;
    (era * 400 + of_era + i64::from(month <= 2), month, of_year - (153 * shifted_month + 2) / 5 + 1)
}

fn at(seconds: i64) -> Option<SystemTime> {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) }
}

/// Whole seconds since 1970, rounded down.
#[cfg(feature = "json")]
fn seconds(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
        Err(before) => {
            let before = before.duration();
            let whole = i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
            -whole - i64::from(before.subsec_nanos() > 0)
        }
    }
}

/// `2027-04-18T21:06:29Z`, the form of cookie_store's files; years after 9999 do not exist there.
#[cfg(feature = "json")]
pub(crate) fn to_rfc3339(time: SystemTime) -> String {
    let seconds = seconds(time).clamp(-62_135_596_800, 253_402_300_799);
    let (year, month, day) = civil(seconds.div_euclid(86_400));
    let of_day = seconds.rem_euclid(86_400);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The reverse of [`to_rfc3339`], with fractions left out and offsets reckoned in.
#[cfg(feature = "json")]
pub(crate) fn from_rfc3339(text: &str) -> Option<SystemTime> {
    let bytes = text.as_bytes();
    let field = |from: usize, to: usize| {
        let digits = bytes.get(from..to)?;
        number(digits, to - from, to - from)
    };
    let marks = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
    let marked = marks.iter().all(|&(place, mark)| bytes.get(place) == Some(&mark));
    if !marked || !matches!(bytes.get(10), Some(b'T' | b't' | b' ')) {
        return None;
    }
    let (year, month, day) = (field(0, 4)?, field(5, 7)?, field(8, 10)?);
    let (hour, minute, second) = (field(11, 13)?, field(14, 16)?, field(17, 19)?);
    if !(1..=12).contains(&month) || !(1..=days_in(year, month)).contains(&day) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut end = 19;
    if bytes.get(end) == Some(&b'.') {
        end += 1 + bytes[end + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    }
    let offset = match bytes.get(end..)? {
        b"Z" | b"z" => 0,
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let minutes = field(end + 1, end + 3)? * 60 + field(end + 4, end + 6)?;
            i64::from(minutes) * if *sign == b'+' { 60 } else { -60 }
        }
        _ => return None,
    };
    at(days(year, month, day) * 86_400 + i64::from(hour * 3600 + minute * 60 + second) - offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_the_calendar_goes_there_and_back() {
        let mut expected = days(1601, 1, 1);
        for year in 1601..2401 {
            for month in 1..=12 {
                for day in 1..=days_in(year, month) {
                    assert_eq!(days(year, month, day), expected);
                    assert_eq!(civil(expected), (i64::from(year), i64::from(month), i64::from(day)));
                    expected += 1;
                }
            }
        }
        assert_eq!(days(1970, 1, 1), 0);
    }

    #[test]
    fn ranges_are_checked() {
        for text in [
            "Mon, 01 Jan 1600 00:00:00",
            "00 Jan 2020 00:00:00",
            "32 Jan 2020 00:00:00",
            "29 Feb 2021 00:00:00",
            "29 Feb 1900 00:00:00",
            "31 Apr 2021 00:00:00",
            "01 Jan 2020 24:00:00",
            "01 Jan 2020 00:60:00",
            "01 Jan 2020 00:00:60",
            "01 Jan 2020",
            "01 Jan 00:00:00",
            "01 2020 00:00:00",
            "Jan 2020 00:00:00",
            "01 Jan 20200 00:00:00",
            "01 Jan 2020 00:00",
            "",
        ] {
            assert_eq!(parse_date(text.as_bytes()), None, "{text}");
        }
        for text in ["Wed, 18 Apr 2007 22:50:12 GMT", "22:50:12 Apr/18/07"] {
            assert_eq!(parse_date(text.as_bytes()), Some(UNIX_EPOCH + Duration::from_secs(1_176_936_612)), "{text}");
        }
        assert!(parse_date(b"29 Feb 2000 0:0:0").is_some());
        assert_eq!(parse_date(b"1 jan 69 0:0:0"), parse_date(b"1 jan 2069 0:0:0"));
        assert_eq!(parse_date(b"1 jan 70 0:0:0"), Some(UNIX_EPOCH));
        assert!(parse_date(b"1 Jan 1601 00:00:00").is_some_and(|time| time < UNIX_EPOCH));
    }

    #[test]
    fn rfc3339_goes_there_and_back() {
        for text in ["2100-08-03T00:38:37Z", "1969-12-31T23:59:59Z", "1601-01-01T00:00:00Z", "2024-02-29T12:00:00Z"] {
            assert_eq!(to_rfc3339(from_rfc3339(text).unwrap()), text);
        }
        let plain = from_rfc3339("2100-08-03T00:38:37Z");
        assert_eq!(from_rfc3339("2100-08-03T02:08:37.25+01:30"), plain);
        assert_eq!(from_rfc3339("2100-08-02 23:38:37-01:00"), plain);
        for text in ["", "2100-08-03", "2100-13-03T00:38:37Z", "2100-02-30T00:38:37Z", "2100-08-03T00:38:37", "é"] {
            assert_eq!(from_rfc3339(text), None, "{text}");
        }
        assert_eq!(to_rfc3339(UNIX_EPOCH - Duration::from_millis(1)), "1969-12-31T23:59:59Z");
    }
}
