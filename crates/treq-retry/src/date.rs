use std::time::{Duration, SystemTime};

const DAY: i64 = 24 * 60 * 60;

/// Of a year of 365.2425 days.
const FIFTY_YEARS: Duration = Duration::from_secs(50 * 31_556_952);

/// A date of HTTP in any of its three forms
/// ([RFC 9110, section 5.6.7](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7)); `None` for anything else.
///
/// `now` tells the century of the obsolete form with a two-digit year: more than 50 years ahead is past instead. The name
/// of the day is not compared with the date, which says it all.
pub(crate) fn http_date(text: &str, now: SystemTime) -> Option<SystemTime> {
    let text = text.trim_matches([' ', '\t']);
    if !text.is_ascii() {
        return None;
    }
    imf_fixdate(text).or_else(|| rfc850_date(text, now)).or_else(|| asctime_date(text))
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`
fn imf_fixdate(text: &str) -> Option<SystemTime> {
    let (day_name, rest) = text.split_once(", ")?;
    let rest = rest.strip_suffix(" GMT")?;
    let (date, time) = rest.split_at_checked(12)?;
    let [day, month, year, ""] = split(date, ' ')? else { return None };
    is_short_name(day_name).then_some(())?;
    instant(digits(year, 4)?, number_of(month)?, digits(day, 2)?, clock(time)?)
}

/// `Sunday, 06-Nov-94 08:49:37 GMT`
fn rfc850_date(text: &str, now: SystemTime) -> Option<SystemTime> {
    let (day_name, rest) = text.split_once(", ")?;
    let rest = rest.strip_suffix(" GMT")?;
    let (date, time) = rest.split_once(' ')?;
    let [day, month, year] = split(date, '-')?;
    DAYS.contains(&day_name).then_some(())?;
    let (year, month, day, clock) = (digits(year, 2)?, number_of(month)?, digits(day, 2)?, clock(time)?);
    // The latest of those years that is not too far ahead. A 29 February is not in each of them.
    let limit = now.checked_add(FIFTY_YEARS)?;
    let this = year_of(now);
    let latest = this + 51 - (this + 51 - year).rem_euclid(100);
    [latest, latest - 100].into_iter().filter_map(|year| instant(year, month, day, clock)).find(|date| *date <= limit)
}

/// `Sun Nov  6 08:49:37 1994`
fn asctime_date(text: &str) -> Option<SystemTime> {
    // All fields have fixed places.
    let (day_name, rest) = text.split_at_checked(3)?;
    let (month, rest) = rest.strip_prefix(' ')?.split_at_checked(3)?;
    let (day, rest) = rest.strip_prefix(' ')?.split_at_checked(2)?;
    let (time, year) = rest.strip_prefix(' ')?.split_once(' ')?;
    let day = day.strip_prefix(' ').map_or_else(|| digits(day, 2), |day| digits(day, 1))?;
    is_short_name(day_name).then_some(())?;
    instant(digits(year, 4)?, number_of(month)?, day, clock(time)?)
}

const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn is_short_name(day: &str) -> bool {
    DAYS.iter().any(|name| name[..3] == *day)
}

/// From 1 on.
fn number_of(month: &str) -> Option<i64> {
    let index = MONTHS.iter().position(|name| *name == month)?;
    i64::try_from(index + 1).ok()
}

/// The parts of a text, if they are so many.
fn split<const N: usize>(text: &str, at: char) -> Option<[&str; N]> {
    let mut parts = text.split(at);
    let mut all = [""; N];
    for part in &mut all {
        *part = parts.next()?;
    }
    parts.next().is_none().then_some(all)
}

fn digits(text: &str, len: usize) -> Option<i64> {
    (text.len() == len && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

/// `08:49:37` in seconds; a leap second is the one before it is over.
fn clock(text: &str) -> Option<i64> {
    let [hour, minute, second] = split(text, ':')?;
    let (hour, minute, second) = (digits(hour, 2)?, digits(minute, 2)?, digits(second, 2)?);
    (hour < 24 && minute < 60 && second <= 60).then_some(hour * 3600 + minute * 60 + second)
}

fn instant(year: i64, month: i64, day: i64, seconds: i64) -> Option<SystemTime> {
    (1..=days_of(year, month)).contains(&day).then_some(())?;
    let seconds = days_before(year, month, day) * DAY + seconds;
    let distance = Duration::from_secs(seconds.unsigned_abs());
    match seconds {
        0.. => SystemTime::UNIX_EPOCH.checked_add(distance),
        _ => SystemTime::UNIX_EPOCH.checked_sub(distance),
    }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// From 1 January 1970 to this day.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let last = year - 1;
    let leaps = |year: i64| year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let years = (year - 1970) * 365 + leaps(last) - leaps(1969);
    years + (1..month).map(|month| days_of(year, month)).sum::<i64>() + day - 1
}

fn year_of(now: SystemTime) -> i64 {
    let past = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    // Around a new year it may be the other one, which is why one more year is looked at than there are ahead.
    1970 + i64::try_from(past.as_secs() / 31_556_952).map_or(9999, |years| years.min(9999))
}

#[cfg(test)]
mod tests;
