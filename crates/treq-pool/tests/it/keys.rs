//! What makes two connections different.

use std::hash::Hasher;
use std::sync::Arc;

use tower::Service as _;
use treq_core::{HttpVersion, Route};
use treq_pool::PoolLayer;

use crate::fake::{figures, pool, target};

#[derive(Debug)]
struct Via(&'static str);

impl Route for Via {
    fn same(&self, other: &dyn Route) -> bool {
        other.downcast_ref::<Via>().is_some_and(|other| other.0 == self.0)
    }

    // All of one hash: only `same` tells them apart.
    fn digest(&self, _: &mut dyn Hasher) {}
}

#[tokio::test(start_paused = true)]
async fn origin_wish_and_route_are_kept_apart_and_nothing_else_is() {
    let (mut pool, world) = pool(PoolLayer::new());
    let targets = || {
        let mut all = Vec::new();
        for url in ["http://a.test/", "http://a.test:81/", "https://a.test/", "http://[::1]/"] {
            for http_version in [HttpVersion::Any, HttpVersion::Http1, HttpVersion::Http2] {
                for route in [None, Some("x"), Some("y")] {
                    let mut target = target(url);
                    target.http_version = http_version;
                    target.route = route.map(|name| Arc::new(Via(name)) as Arc<dyn Route>);
                    all.push(target);
                }
            }
        }
        all
    };
    let kinds = targets().len();
    for target in targets() {
        drop(pool.call(target).await.unwrap());
    }
    assert_eq!((world.attempts(), figures(&pool)), (kinds, (kinds, kinds, 0, 0, kinds)));
    for target in targets() {
        drop(pool.call(target).await.unwrap());
    }
    for url in ["http://A.TEST:80/other?query", "http://user:secret@a.test/"] {
        drop(pool.call(target(url)).await.unwrap());
    }
    assert_eq!(world.attempts(), kinds);
}
