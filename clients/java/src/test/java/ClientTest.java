import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import rdi.client.ApiClient;
import rdi.client.ApiException;
import rdi.client.ApiResponse;
import rdi.client.JSON;
import rdi.client.api.ClassificationApi;
import rdi.client.api.ModelsApi;
import rdi.client.api.OperationsApi;
import rdi.client.model.BatchItem;
import rdi.client.model.BatchRequest;
import rdi.client.model.Model;
import rdi.client.model.ModelList;
import rdi.client.model.Prediction;
import rdi.client.model.Problem;

/** The generated client against a running server (RDI_URL) that has API keys (RDI_API_KEY is one of them). */
class ClientTest {
  private static final Path EXAMPLES = Path.of("../../docs/examples");
  private final ApiClient client = new ApiClient().setBasePath(System.getenv("RDI_URL"));
  private final ClassificationApi classification = new ClassificationApi(client);

  ClientTest() {
    client.setBearerToken(System.getenv("RDI_API_KEY"));
  }

  private static File image(String name) {
    return EXAMPLES.resolve(name).toFile();
  }

  private static File noImage() throws Exception {
    Path file = Files.createTempFile("no-image", "");
    file.toFile().deleteOnExit();
    return Files.writeString(file, "no image").toFile();
  }

  /** The client throws every problem as an ApiException with the status and the body. */
  private static Problem problemOf(ApiException thrown) {
    Problem problem = JSON.deserialize(thrown.getResponseBody(), Problem.class);
    assertEquals(thrown.getCode(), problem.getStatus());
    return problem;
  }

  @ParameterizedTest
  @CsvSource({"digit-7.png, 7", "digit-3-large.jpg, 3", "digit-5.webp, 5"})
  void classifiesAnImageOfEachFormatWithOptions(String name, String label) throws Exception {
    ApiResponse<Prediction> answer =
        classification.classifyWithHttpInfo(image(name), null, null, null, 3, null, null, 5000.0, null);
    Prediction prediction = answer.getData();
    assertEquals(label, prediction.getLabel());
    assertEquals(3, prediction.getTop().size());
    double confidence = prediction.getConfidence();
    assertEquals(prediction.getTop().get(0).getProbability(), confidence);
    assertTrue(List.of("confident", "final").contains(prediction.getExit().getReason()));
    long executed = prediction.getFlops().getExecuted();
    assertEquals(prediction.getFlops().getFull() - executed, prediction.getFlops().getSaved());
    assertEquals(List.of(Long.toString(executed)), answer.getHeaders().get("x-flops"));
  }

  @Test
  void classifiesABatchWithAPredictionOrAProblemForEachImage() throws Exception {
    BatchRequest batch =
        new BatchRequest()
            .addImagesItem(Files.readAllBytes(EXAMPLES.resolve("digit-2.png")))
            .addImagesItem("no image".getBytes(StandardCharsets.UTF_8));
    List<BatchItem> results =
        classification.classifyBatch(batch, null, null, null, null, null, null, null, null).getResults();
    assertEquals("2", results.get(0).getPrediction().getLabel());
    assertNull(results.get(0).getProblem());
    assertEquals("urn:rdi-serve:problem:undecodable-image", results.get(1).getProblem().getType());
  }

  @Test
  void listsTheModelsAndDescribesOne() throws Exception {
    ModelsApi models = new ModelsApi(client);
    ModelList list = models.listModels();
    Model model = models.getModel(list.getDefaultModel(), null);
    assertTrue(list.getModels().contains(model));
    assertEquals(10, model.getClasses().size());
    // The final exit has no threshold.
    assertNull(model.getProfiles().get(0).getExits().get(2).getThreshold());
    assertTrue(
        model.getProfiles().stream()
            .filter(profile -> profile.getName().equals("balanced"))
            .allMatch(profile -> profile.getCertificate().getValid()));
  }

  @Test
  void aProblemIsAnException() throws Exception {
    ApiException thrown =
        assertThrows(
            ApiException.class,
            () -> classification.classify(noImage(), null, null, null, null, null, null, null, null));
    Problem problem = problemOf(thrown);
    assertEquals("urn:rdi-serve:problem:undecodable-image", problem.getType());
    assertEquals(List.of(problem.getRequestId()), thrown.getResponseHeaders().get("x-request-id"));

    thrown = assertThrows(ApiException.class, () -> new ModelsApi(client).getModel("absent", null));
    assertEquals("urn:rdi-serve:problem:unknown-model", problemOf(thrown).getType());
  }

  @Test
  void withoutAKey() throws Exception {
    ApiClient stranger = new ApiClient().setBasePath(System.getenv("RDI_URL"));
    ApiException thrown = assertThrows(ApiException.class, () -> new ModelsApi(stranger).listModels());
    assertEquals("urn:rdi-serve:problem:unauthorized", problemOf(thrown).getType());
    assertEquals("ready", new OperationsApi(stranger).isReady().getStatus().getValue());
    assertTrue(new OperationsApi(client).getMetrics().contains("\nrdi_predictions_total{"));
  }
}
