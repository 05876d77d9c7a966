// The client that openapi-generator writes to rdi/, against a running server (RDI_URL) that has API keys (RDI_API_KEY).
package main

import (
	"context"
	"encoding/base64"
	"errors"
	"log"
	"os"
	"path/filepath"

	"rdi-serve/others/rdi"
)

func main() {
	images := os.Args[1]
	configuration := rdi.NewConfiguration()
	configuration.Servers = rdi.ServerConfigurations{{URL: os.Getenv("RDI_URL")}}
	api := rdi.NewAPIClient(configuration)
	stranger := context.Background()
	withKey := context.WithValue(stranger, rdi.ContextAccessToken, os.Getenv("RDI_API_KEY"))

	_, _, err := api.ModelsAPI.ListModels(stranger).Execute()
	expectProblem(err, "unauthorized", 401)

	seven, _, err := api.ClassificationAPI.Classify(withKey).Body(open(images, "digit-7.png")).TopK(3).Execute()
	expect(err == nil && seven.Label == "7" && len(seven.Top) == 3, "an image", err, seven)

	batch := rdi.NewBatchRequest([]string{base64.StdEncoding.EncodeToString([]byte("no image"))})
	answer, _, err := api.ClassificationAPI.ClassifyBatch(withKey).BatchRequest(*batch).Execute()
	expect(err == nil && answer.Results[0].Problem.Type == "urn:rdi-serve:problem:undecodable-image", "a batch", err)

	list, _, err := api.ModelsAPI.ListModels(withKey).Execute()
	expect(err == nil && list.Models[0].Flops > 0 && list.DefaultModel != "", "the models", err, list)

	_, _, err = api.ClassificationAPI.Classify(withKey).Body(open(".", "main.go")).Execute()
	expectProblem(err, "undecodable-image", 422)
}

func open(folder, name string) *os.File {
	file, err := os.Open(filepath.Join(folder, name))
	expect(err == nil, name, err)
	return file
}

func expectProblem(err error, kind string, status int32) {
	var failure *rdi.GenericOpenAPIError
	expect(errors.As(err, &failure), kind, err)
	problem, ok := failure.Model().(rdi.Problem)
	expect(ok && problem.Type == "urn:rdi-serve:problem:"+kind && problem.Status == status, kind, err, problem)
}

func expect(holds bool, what string, seen ...any) {
	if !holds {
		log.Fatalf("%s: not as expected: %v", what, seen)
	}
}
