//! The client that openapi-generator writes beside this program, against a running server (RDI_URL) that has API keys
//! (RDI_API_KEY).
use std::{env, path::PathBuf};

use rdi_client::{
    apis::{classification_api, configuration::Configuration, models_api, Error},
    models::{BatchRequest, Problem},
};

#[tokio::main]
async fn main() {
    let images = PathBuf::from(env::args().nth(1).expect("the folder of the images"));
    let stranger = Configuration { base_path: env::var("RDI_URL").unwrap(), ..Configuration::default() };
    let client = Configuration { bearer_access_token: env::var("RDI_API_KEY").ok(), ..stranger.clone() };

    let refused = models_api::list_models(&stranger).await.unwrap_err();
    expect_problem(refused, "unauthorized", 401);

    let image = images.join("digit-7.png");
    let seven = classification_api::classify(&client, image, None, None, None, Some(3), None, None, None, None);
    let seven = seven.await.unwrap();
    assert_eq!((seven.label.as_str(), seven.top.len()), ("7", 3));

    let batch = BatchRequest::new(vec!["bm8gaW1hZ2U=".into()]);
    let answer = classification_api::classify_batch(&client, batch, None, None, None, None, None, None, None, None);
    let problem = answer.await.unwrap().results.remove(0).problem.unwrap();
    assert_eq!(problem.r#type, "urn:rdi-serve:problem:undecodable-image");

    let list = models_api::list_models(&client).await.unwrap();
    assert!(list.models.iter().any(|model| model.name == list.default_model && model.flops > 0));

    let text = PathBuf::from("Cargo.toml");
    let refused = classification_api::classify(&client, text, None, None, None, None, None, None, None, None);
    expect_problem(refused.await.unwrap_err(), "undecodable-image", 422);
}

/// The variant of the error is the first of all statuses, because all have the same type: the content is read here.
fn expect_problem<Entity: std::fmt::Debug>(error: Error<Entity>, kind: &str, status: i32) {
    let Error::ResponseError(response) = error else { panic!("{error:?}") };
    let problem: Problem = serde_json::from_str(&response.content).unwrap();
    assert_eq!(problem.r#type, format!("urn:rdi-serve:problem:{kind}"));
    assert_eq!((problem.status, response.status.as_u16()), (status, status as u16));
}
