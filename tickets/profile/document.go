package profile

import (
	_ "embed"
	"net/http"
	"slices"
)

//go:embed sensor-meldung.yaml
var document []byte

// DocumentType is the media type of Document (RFC 9512).
const DocumentType = "application/yaml"

// Document gives the profile as an OpenAPI 3.1 document in YAML.
func Document() []byte { return slices.Clone(document) }

// ServeDocument answers a request with the document.
func ServeDocument(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", DocumentType)
	// The only error possible is that nobody listens any more.
	_, _ = w.Write(document)
}
