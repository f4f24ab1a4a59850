use axum::Router;
use treq::Error;
use treq::testing::StubTreq;

pub async fn router(app: Router) -> Result<String, Error> {
    StubTreq::new(app).get("http://app.test/hello").await?.text().await
}
