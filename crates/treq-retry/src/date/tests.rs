use super::*;

fn epoch(text: &str) -> Option<i64> {
    at(text, 1_700_000_000)
}

/// What a date is to someone for whom it is `now`.
fn at(text: &str, now: u64) -> Option<i64> {
    let date = http_date(text, SystemTime::UNIX_EPOCH + Duration::from_secs(now))?;
    Some(match date.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(past) => past.as_secs().try_into().unwrap(),
        Err(before) => -i64::try_from(before.duration().as_secs()).unwrap(),
    })
}

#[test]
fn the_three_forms_are_dates_and_what_is_nearly_one_is_none() {
    for (text, want) in [
        ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
        ("Sunday, 06-Nov-94 08:49:37 GMT", Some(784_111_777)),
        ("Sun Nov  6 08:49:37 1994", Some(784_111_777)),
        ("Wed Nov 16 08:49:37 1994", Some(784_975_777)),
        (" \tSun, 06 Nov 1994 08:49:37 GMT ", Some(784_111_777)),
        ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
        ("Wed, 31 Dec 1969 23:59:59 GMT", Some(-1)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", Some(253_402_300_799)),
        ("Sat, 01 Jan 0000 00:00:00 GMT", Some(-62_167_219_200)),
        ("Thu, 29 Feb 2024 12:00:00 GMT", Some(1_709_208_000)),
        ("Tue, 29 Feb 2000 00:00:00 GMT", Some(951_782_400)),
        ("Wed, 31 Dec 2008 23:59:60 GMT", Some(1_230_768_000)),
        // The day's name is wrong, the date is not.
        ("Mon, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
        ("Thu, 30 Feb 2023 12:00:00 GMT", None),
        ("Wed, 29 Feb 2023 12:00:00 GMT", None),
        ("Mon, 29 Feb 1900 12:00:00 GMT", None),
        ("Sun, 31 Apr 2024 12:00:00 GMT", None),
        ("Sun, 00 Nov 1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994 24:00:00 GMT", None),
        ("Sun, 06 Nov 1994 08:60:37 GMT", None),
        ("Sun, 06 Nov 1994 08:49:61 GMT", None),
        ("Sun, 6 Nov 1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 94 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994 8:49:37 GMT", None),
        ("Sun, 06 Nov 1994 +8:49:37 GMT", None),
        ("Sun,06 Nov 1994 08:49:37 GMT", None),
        ("Sun, 06  Nov 1994 08:49:37 GMT", None),
        ("sun, 06 Nov 1994 08:49:37 GMT", None),
        ("Sun, 06 NOV 1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994 08:49:37 gmt", None),
        ("Sun, 06 Nov 1994 08:49:37 UTC", None),
        ("Sun, 06 Nov 1994 08:49:37 +0000", None),
        ("Sun, 06 Nov 1994 08:49:37", None),
        ("Sun, 06 Nov 1994 08:49:37 GMT;", None),
        ("Sunday, 06 Nov 1994 08:49:37 GMT", None),
        ("Sun, 06-Nov-94 08:49:37 GMT", None),
        ("Sunday, 06-Nov-1994 08:49:37 GMT", None),
        ("Sun Nov 6 08:49:37 1994", None),
        ("Sun Nov 06 08:49:37 1994", Some(784_111_777)),
        ("Sun Nov  6 08:49:37 1994 GMT", None),
        ("Sun Nov  6 08:49:37 94", None),
        ("1994-11-06T08:49:37Z", None),
        ("784111777", None),
        ("", None),
        (",", None),
        ("Sün, 06 Nov 1994 08:49:37 GMT", None),
    ] {
        assert_eq!(epoch(text), want, "{text}");
    }
}

#[test]
fn two_digits_are_the_year_that_is_at_most_fifty_years_ahead() {
    // 14 November 2023, 22:13:20.
    for (text, year) in [
        ("Sunday, 06-Nov-23 08:49:37 GMT", 2023),
        ("Sunday, 06-Nov-73 08:49:37 GMT", 2073),
        ("Sunday, 31-Dec-73 08:49:37 GMT", 1973),
        ("Sunday, 06-Nov-74 08:49:37 GMT", 1974),
        ("Sunday, 06-Nov-00 08:49:37 GMT", 2000),
        ("Sunday, 06-Nov-99 08:49:37 GMT", 1999),
    ] {
        let full = text.replace("Sunday, ", "Sun, ").replace('-', " ");
        let full = format!("{}{year}{}", &full[..12], &full[14..]);
        assert_eq!(epoch(text), epoch(&full), "{text}");
        assert!(epoch(text).is_some());
    }
    // The first moments of 2050, when it is not yet 2100 by more than fifty years.
    assert_eq!(at("Friday, 01-Jan-00 00:00:00 GMT", 2_524_608_000), Some(4_102_444_800));
    // As far as clocks go.
    assert_eq!(
        at("Friday, 01-Jan-00 00:00:00 GMT", u64::MAX >> 2),
        None.or(at("Friday, 01-Jan-00 00:00:00 GMT", u64::MAX >> 3))
    );
}

#[test]
fn each_day_follows_the_one_before() {
    let mut days = -719_528;
    for year in 0..=2400 {
        for month in 1..=12 {
            for day in 1..=days_of(year, month) {
                assert_eq!(days_before(year, month, day), days, "{year}-{month}-{day}");
                days += 1;
            }
        }
    }
}
