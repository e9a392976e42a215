package api

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"go.yaml.in/yaml/v3"
)

//go:embed openapi.yaml
var document []byte

// Document gives the interface as an OpenAPI 3.1 document in YAML.
func Document() []byte { return slices.Clone(document) }

// documentJSON is the document as programs read it.
func documentJSON() ([]byte, error) {
	var v any
	if err := yaml.Unmarshal(document, &v); err != nil {
		return nil, fmt.Errorf("api: openapi.yaml: %w", err)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("api: openapi.yaml: %w", err)
	}
	return text, nil
}

// serveDocument is for everybody: it tells nothing of the city.
func (a *API) serveDocument(w http.ResponseWriter, r *http.Request, _ query) {
	a.sender.Send(w, r, "application/json", a.document)
}
