package standin_test

import (
	"sync"
	"testing"

	"snug/shared/standin/openapi"
)

var description = sync.OnceValues(func() (*openapi.Description, error) { return openapi.Load(openapi.Find()) })

// described gives Discord's description; nil when it is not at hand.
func described(t *testing.T) *openapi.Description {
	t.Helper()
	if openapi.Find() == "" {
		t.Log("Discord's OpenAPI description is not at hand (DISCORD_OPENAPI): answers are not checked against it")
		return nil
	}
	d, err := description()
	if err != nil {
		t.Fatal(err)
	}
	return d
}
