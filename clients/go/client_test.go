// The generated client against a running server (RDI_URL) that has API keys (RDI_API_KEY is one of them).
package client_test

//go:generate go tool oapi-codegen -config oapi-codegen.yml ../../openapi/openapi.json

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	client "rdi-serve/client"
)

const octets = "application/octet-stream"

func connect(t *testing.T, options ...client.ClientOption) *client.ClientWithResponses {
	t.Helper()
	api, err := client.NewClientWithResponses(os.Getenv("RDI_URL"), options...)
	if err != nil {
		t.Fatal(err)
	}
	return api
}

func withKey() client.ClientOption {
	return client.WithRequestEditorFn(func(_ context.Context, request *http.Request) error {
		request.Header.Set("Authorization", "Bearer "+os.Getenv("RDI_API_KEY"))
		return nil
	})
}

func example(t *testing.T, name string) []byte {
	t.Helper()
	image, err := os.ReadFile(filepath.Join("..", "..", "docs", "examples", name))
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// The problem that an answer has to have.
func expectProblem(t *testing.T, problem *client.Problem, kind string, status int) {
	t.Helper()
	if problem == nil || problem.Type != "urn:rdi-serve:problem:"+kind || problem.Status != status {
		t.Fatalf("expected %s with status %d, got %+v", kind, status, problem)
	}
}

func TestClassifiesAnImageOfEachFormatWithOptions(t *testing.T) {
	api := connect(t, withKey())
	topK, deadlineMs := 3, 5000.0
	for name, label := range map[string]string{"digit-7.png": "7", "digit-3-large.jpg": "3", "digit-5.webp": "5"} {
		params := &client.ClassifyParams{TopK: &topK, DeadlineMs: &deadlineMs}
		answer, err := api.ClassifyWithBodyWithResponse(t.Context(), params, octets, bytes.NewReader(example(t, name)))
		if err != nil {
			t.Fatal(err)
		}
		prediction := answer.JSON200
		if prediction == nil || prediction.Label != label || len(prediction.Top) != 3 {
			t.Fatalf("%s: expected %s and three classes, got %s", name, label, answer.Body)
		}
		if reason := prediction.Exit.Reason; reason != "confident" && reason != "final" {
			t.Errorf("%s: left with reason %s", name, reason)
		}
		if flops := prediction.Flops; flops.Saved != flops.Full-flops.Executed {
			t.Errorf("%s: FLOPs %+v", name, flops)
		}
		if flops := answer.Headers200.XFlops; flops == nil || *flops != prediction.Flops.Executed {
			t.Errorf("%s: header x-flops %v", name, answer.HTTPResponse.Header)
		}
		// With 32 bits the number would read as another one.
		if text := strconv.FormatFloat(prediction.Confidence, 'g', -1, 64); !strings.Contains(string(answer.Body), text) {
			t.Errorf("%s: confidence %s is not that of %s", name, text, answer.Body)
		}
	}
}

func TestClassifiesABatchWithAPredictionOrAProblemForEachImage(t *testing.T) {
	body := client.BatchRequest{Images: [][]byte{example(t, "digit-2.png"), []byte("no image")}}
	answer, err := connect(t, withKey()).ClassifyBatchWithResponse(t.Context(), nil, body)
	if err != nil {
		t.Fatal(err)
	}
	if answer.JSON200 == nil || len(answer.JSON200.Results) != 2 {
		t.Fatalf("expected two results, got %s", answer.Body)
	}
	first, second := answer.JSON200.Results[0], answer.JSON200.Results[1]
	if first.Prediction == nil || first.Prediction.Label != "2" || first.Problem != nil {
		t.Errorf("expected 2, got %s", answer.Body)
	}
	expectProblem(t, second.Problem, "undecodable-image", http.StatusUnprocessableEntity)
}

func TestListsTheModelsAndDescribesOne(t *testing.T) {
	api := connect(t, withKey())
	list, err := api.ListModelsWithResponse(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if list.JSON200 == nil {
		t.Fatalf("expected the models, got %s", list.Body)
	}
	answer, err := api.GetModelWithResponse(t.Context(), list.JSON200.DefaultModel, nil)
	if err != nil {
		t.Fatal(err)
	}
	model := answer.JSON200
	if model == nil || len(model.Classes) != 10 || len(model.Exits) != 3 {
		t.Fatalf("expected ten classes and three exits, got %s", answer.Body)
	}
	for _, profile := range model.Profiles {
		if profile.Name == "balanced" && !profile.Certificate.Valid {
			t.Errorf("balanced: %s", profile.Certificate.Reason)
		}
		if last := profile.Exits[len(profile.Exits)-1]; last.Threshold != nil {
			t.Errorf("%s: the final exit has the threshold %v", profile.Name, *last.Threshold)
		}
	}
}

func TestAProblemIsTyped(t *testing.T) {
	api := connect(t, withKey())
	answer, err := api.ClassifyWithBodyWithResponse(t.Context(), nil, octets, strings.NewReader("no image"))
	if err != nil {
		t.Fatal(err)
	}
	problem := answer.ApplicationproblemJSON422
	expectProblem(t, problem, "undecodable-image", answer.StatusCode())
	if id := answer.HTTPResponse.Header.Get("x-request-id"); problem.RequestId == nil || *problem.RequestId != id {
		t.Errorf("expected the request's id %s, got %s", id, answer.Body)
	}

	absent, err := api.GetModelWithResponse(t.Context(), "absent", nil)
	if err != nil {
		t.Fatal(err)
	}
	expectProblem(t, absent.ApplicationproblemJSON404, "unknown-model", absent.StatusCode())
}

func TestWithoutAKey(t *testing.T) {
	stranger := connect(t)
	refused, err := stranger.ListModelsWithResponse(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	expectProblem(t, refused.ApplicationproblemJSON401, "unauthorized", http.StatusUnauthorized)
	ready, err := stranger.IsReadyWithResponse(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if ready.JSON200 == nil || ready.JSON200.Status != client.Ready {
		t.Errorf("expected ready, got %s", ready.Body)
	}
	metrics, err := connect(t, withKey()).GetMetricsWithResponse(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(metrics.Body), "\nrdi_predictions_total{") {
		t.Errorf("expected metrics, got %s", metrics.Body)
	}
}
