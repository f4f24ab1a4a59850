use std::time::SystemTime;

use cookie_store::CookieStore;
use treq_cookies::{Adapter, Store, StoreContext};

use crate::support::{headers, url};

#[test]
fn a_cookie_store_is_served_by_our_rules() {
    let adapter = Adapter::from_cookie_store_0_22(CookieStore::default());
    let now = SystemTime::now();
    let from = url("http://www.a.test/x/y");
    let sets = ["a=1; Path=/", "b=2", "evil=1; Domain=test", "__Host-c=1; Path=/", "d=1; Secure", "e=5; Domain=a.test"];
    adapter.set_cookies(&StoreContext::new(&from, now), &headers(&sets));
    let handle = adapter.clone();
    assert_eq!(handle.lock().iter_any().count(), 3);
    let field = handle.cookie_field(&StoreContext::new(&from, now)).unwrap();
    let mut sent: Vec<&str> = field.to_str().unwrap().split("; ").collect();
    assert_eq!(sent.pop(), Some("a=1"));
    sent.sort_unstable();
    assert_eq!(sent, ["b=2", "e=5"]);
    assert_eq!(handle.cookie_field(&StoreContext::new(&url("http://a.test/x"), now)).unwrap(), "e=5");
    assert!(handle.cookie_field(&StoreContext::new(&url("http://b.test/"), now)).is_none());
    assert!(!handle.is_empty());
}

#[test]
fn the_field_is_bounded_and_debug_shows_nothing() {
    let adapter = Adapter::from_cookie_store_0_22(CookieStore::default());
    let (now, from) = (SystemTime::now(), url("http://a.test/"));
    let value = "s3cret".repeat(300);
    let sets: Vec<String> = (0..100).map(|at| format!("c{at}={value}")).collect();
    let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
    adapter.set_cookies(&StoreContext::new(&from, now), &headers(&sets));
    assert_eq!(adapter.lock().iter_any().count(), 50);
    assert!(adapter.cookie_field(&StoreContext::new(&from, now)).unwrap().len() <= 8182);
    adapter.set_cookies(&StoreContext::new(&"/relative".parse().unwrap(), now), &headers(&["a=1"]));
    assert_eq!(adapter.lock().iter_any().count(), 50);
    assert!(!format!("{adapter:?}").contains("s3cret"));
}
